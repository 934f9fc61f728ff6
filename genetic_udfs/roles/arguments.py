"""Arguments to try solutions with, drawn for what the parameters are, by annotation or name, or of several kinds.

They need not be what the problem means. A call that every solution refuses says nothing; what several return alike
speaks for them.
"""

import ast
import random
import re
from collections.abc import Callable, Sequence
from typing import Any, Final

from genetic_udfs.data.syntax import parsed
from genetic_udfs.roles.entry_points import asked_of
from genetic_udfs.roles.interface import Interface

CALLS: Final = 12
"""How many calls are drawn for an instruction."""

_SIGNATURE: Final = re.compile(r"`(?:def\s+)?(\w+)\s*\(([^`\n]*)\)[^`\n]*`")
_WORDS: Final = ("level", "Hello World", "a1 b22", "banana", "The quick brown fox", "listen", "silent", "abc", "ab ab")


def _number(drawn: random.Random) -> int:
    return drawn.choice((0, 1, 2, 3, 4, 5, 6, 7, 9, 10, 12, 15, 16, 20, -1, -4))


def _numbers(drawn: random.Random) -> list[int]:
    return [_number(drawn) for _ in range(drawn.choice((0, 1, 3, 4, 5, 6)))]


def _text(drawn: random.Random) -> str:
    return drawn.choice((*_WORDS, "", "".join(drawn.choices("abcAB 1", k=7))))


def _words(drawn: random.Random) -> list[str]:
    return drawn.choices(_WORDS, k=drawn.choice((1, 2, 3, 4)))


def _matrix(drawn: random.Random) -> list[list[int]]:
    rows, columns = drawn.choice(((2, 2), (3, 3), (2, 3), (1, 2)))
    return [[drawn.randrange(10) for _ in range(columns)] for _ in range(rows)]


def _mapping(drawn: random.Random) -> dict[str, int]:
    return {name: drawn.randrange(10) for name in drawn.sample(("a", "b", "c", "Anna", "pear"), drawn.randrange(1, 5))}


def _pairs(drawn: random.Random) -> list[tuple[int, int]]:
    return [(drawn.randrange(9), drawn.randrange(9)) for _ in range(drawn.choice((1, 2, 4)))]


def _year(drawn: random.Random) -> int:
    return drawn.choice((1900, 1996, 2000, 2023, 2024, 2100))


_Kind = Callable[[random.Random], Any]
_UNKNOWN: Final[tuple[_Kind, ...]] = (_numbers, _text, _number)
_BY_ANNOTATION: Final[tuple[tuple[str, _Kind], ...]] = (
    (r"(list|sequence|iterable)\[(list|sequence|iterable)", _matrix),
    (r"(list|sequence|iterable)\[tuple", _pairs),
    (r"(list|sequence|iterable)\[str", _words),
    (r"list|sequence|iterable|tuple|set", _numbers),
    (r"dict|mapping", _mapping),
    (r"str", _text),
    (r"int|float|number", _number),
)
_BY_NAME: Final[tuple[tuple[str, _Kind], ...]] = (
    (r"year", _year),
    (r"matrix|grid|board|table|rows|nested|lists|list_of_lists|image|arrays", _matrix),
    (r"pairs|tuples|points|intervals|edges|coordinates", _pairs),
    (r"words|names|strings|texts|strs|sentences|lines|list_of_strings|word_list|string_list", _words),
    (r"mapping|dict\d?|dictionary|d\d?|grades|scores|prices|inventory|counts|ages|stock", _mapping),
    (r"text\d?|string\d?|s\d?|str\d?|word\d?|name|title|sentence|phrase|password|paragraph|email", _text),
    (r"char|letter|character|prefix|suffix", _text),
    (r"numbers\d?|nums\d?|lst\d?|list\d?|arr\d?|array\d?|l\d?|items|values|elements|integers|data", _numbers),
    (r"n\d?|m|k|x|y|z|a|b|c|i|j|num\d?|number\d?|count|limit|size|times|steps|index|length|width", _number),
    (r"height|base|exponent|radius|amount|degrees|celsius|fahrenheit|minutes|seconds|hours|day|month", _number),
    (r"threshold|target|low|high|start|end|lower|upper|divisor|total|percent|shift|places", _number),
)


def calls_for(instruction: str, code: str) -> list[str]:
    """Draw argument lists, `CALLS` of them without repetition, such as `([1, 2], 3)`, for what an instruction asks for.

    They follow from the kinds of the parameters alone, so that functions of two instructions can be compared.

    Args:
        instruction: its signature of the function counts, if it gives one: `name(arguments)`.
        code: a solution, whose signature counts otherwise.

    Returns:
        Nothing where there is no function that takes positional arguments.
    """
    parameters = _given(instruction)
    if parameters is None:
        parameters = _defined(code)
    if not parameters:
        return []
    kinds = [_kinds_of(name, annotation) for name, annotation in parameters]
    drawn = random.Random("/".join(kind.__name__ for some in kinds for kind in some))
    found: dict[str, None] = {}
    for at in range(4 * CALLS):
        values = [kind[at % len(kind)](drawn) for kind in kinds]
        found[f"({', '.join(map(repr, values))})"] = None
        if len(found) == CALLS:
            break
    return list(found)


def called_in(instruction: str, code: str) -> str | None:
    """Return the function of a solution that is to be called: the first that the instruction names, or its entry."""
    functions = {each.name for each in _statements(code) if isinstance(each, ast.FunctionDef)}
    interface = Interface.of(code)
    candidates = (*asked_of(instruction), *(interface.entry_points if interface is not None else ()))
    return next((name for name in candidates if name in functions), None)


def _given(instruction: str) -> list[tuple[str, str]] | None:
    asked = asked_of(instruction)
    for match in _SIGNATURE.finditer(instruction):
        if match[1] in asked[:1] and (body := _statements(f"def {match[1]}({match[2]}): ...")):
            return _parameters(body[0])
    return None


def _defined(code: str) -> list[tuple[str, str]]:
    interface = Interface.of(code)
    for each in _statements(code):
        if interface is not None and isinstance(each, ast.FunctionDef) and each.name in interface.entry_points:
            return _parameters(each)
    return []


def _parameters(definition: ast.stmt) -> list[tuple[str, str]]:
    """Return the positional parameters without a default, with their annotations."""
    assert isinstance(definition, ast.FunctionDef)
    positional = [*definition.args.posonlyargs, *definition.args.args]
    needed = positional[: len(positional) - len(definition.args.defaults)]
    return [(each.arg, ast.unparse(each.annotation) if each.annotation else "") for each in needed]


def _statements(code: str) -> Sequence[ast.stmt]:
    tree = parsed(code)
    return tree.body if tree is not None else ()


def _kinds_of(name: str, annotation: str) -> tuple[_Kind, ...]:
    for text, known in ((annotation.lower().replace("typing.", ""), _BY_ANNOTATION), (name.lower(), _BY_NAME)):
        for pattern, kind in known if text else ():
            if (re.match if known is _BY_ANNOTATION else re.fullmatch)(pattern, text):
                return (kind,)
    return (_numbers, _words) if name.endswith("s") and not name.endswith("ss") else _UNKNOWN
