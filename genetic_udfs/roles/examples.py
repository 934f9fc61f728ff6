"""The examples that an instruction gives of what a function returns, as assertions."""

import ast
import re
import warnings
from collections.abc import Iterator
from typing import Final

from genetic_udfs.roles.entry_points import asked_of

_MOST: Final = 10
_LONGEST: Final = 500  # characters of a call, and of its value
# What stands between a call and its value, with the back quotes around either.
_RETURNS: Final = re.compile(
    r"`?\s*(?:==|=>|->|=|→|\breturns?\b|\bshould (?:return|give|be|equal)\b|\bgives?\b|\bis\b|\byields?\b|\bequals?\b"
    r"|\bevaluates to\b|\n)\s*`?",
)
# The value first: "returns 3 for `f(2)`".
_FOR: Final = re.compile(r"\b(?:returns?|gives?|is|yields?)\s+`?([^`\n]{1,200}?)`?\s+(?:for|from|given)\s+`?\Z")


def examples_in(instruction: str) -> list[str]:
    """Return assertions such as `assert f(2) == 3` for the examples of an instruction, in order, each once.

    Examples are calls with literal arguments of a function that the instruction asks for, in the forms `>>> f(2)` with
    the value on the next line, `f(2) == 3`, "`f(2)` returns 3" and the like, and "returns 3 for `f(2)`".
    """
    found: dict[str, None] = {}
    for name in asked_of(instruction):
        for match in re.finditer(rf"(?<![\w.]){re.escape(name)}\(", instruction):
            call = _call(instruction[match.start() : match.start() + _LONGEST])
            if call is None:
                continue
            value = _value_after(instruction[match.start() + len(call) :]) or _value_before(
                instruction[: match.start()]
            )
            if value is not None:
                found[f"assert {call} == {value}"] = None
    return list(found)[:_MOST]


def _call(text: str) -> str | None:
    """Return the call that a text begins with, if its arguments are literals."""
    for end in (at + 1 for at, character in enumerate(text) if character == ")"):
        tree = _expression(text[:end])
        if isinstance(tree, ast.Call):
            values = [*tree.args, *(keyword.value for keyword in tree.keywords)]
            return text[:end] if values and all(map(_is_literal, values)) else None
    return None


def _value_after(text: str) -> str | None:
    between = _RETURNS.match(text)
    return None if between is None else next(_literals(text[between.end() :]), None)


def _value_before(text: str) -> str | None:
    match = _FOR.search(text[-_LONGEST:])
    return match[1] if match is not None and _is_literal(_expression(match[1])) else None


def _literals(text: str) -> Iterator[str]:
    """Yield the literals that a text begins with, the longest of the line first."""
    line = text.partition("\n")[0][:_LONGEST]
    for end in range(len(line), 0, -1):
        # "30" is no value of "300", and what ends a sentence or a clause is no part of one.
        ends_here = (end == len(line) or not line[end].isalnum()) and line[end - 1] not in ".,"
        if ends_here and _is_literal(_expression(line[:end])):
            yield line[:end].strip()


def _expression(text: str) -> ast.expr | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _is_literal(node: ast.expr | None) -> bool:
    if node is None:
        return False
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return False
    return True
