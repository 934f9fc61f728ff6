"""What the lines of a JSONL file hold, as far as columns can or cannot hold it: keys, and kinds of values, by path.

Spark makes one type of all that a key holds: it leaves out keys that hold nothing but empty objects, makes texts of
numbers where another row has a text, doubles of whole numbers where another row has a fraction, and takes keys for one
that differ by case alone. Of a line it reads the first object, and takes single quotes for quotes. Such files are found
here.
"""

import json
import math
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any, Final, NamedTuple

KEY: Final = "key"
KIND: Final = "kind"
TWICE: Final = "twice"
FRACTION: Final = "fraction"
NO_NAME: Final = "no name"
NO_VALUE: Final = "no value"
NO_DOUBLE: Final = "no double"
_NO_UTF8: Final = "is no UTF-8 text"
_NO_OBJECT: Final = "is no JSON object"
_SEPARATOR: Final = "\0"  # between the steps of a path, since a key may have a dot
_KINDS: Final = {bool: "a truth value", str: "a text", int: "a number", float: "a number", list: "a list"}
_OBJECT: Final = "an object"
_BLANKS: Final = b" \t\r\n"
_DIGITS: Final = 38  # that a decimal has at most
_LEVELS: Final = 64  # of 200 Spark fails as it writes, and 400 end its JVM
_TOO_DEEP: Final = f"is nested in more than {_LEVELS} levels"
_SHOWN: Final = 80
# Of these one example is enough.
_EXAMPLES: Final = frozenset({NO_NAME, NO_VALUE, NO_DOUBLE, _NO_UTF8, _NO_OBJECT, _TOO_DEEP})


class Fact(NamedTuple):
    """What a line has at a path: `name` is a key (once, or `TWICE` in one object), a kind of value, or an example."""

    path: str
    what: str
    name: str


def facts_of(lines: Iterable[bytes]) -> Iterator[Fact]:
    """Give each fact about the lines once, and one example of each thing that no column can hold."""
    seen: set[tuple[str, ...]] = set()
    for line in filter(None, (line.strip(_BLANKS) for line in lines)):
        for fact in _facts_of(line):
            mark = fact[:2] if fact.what in _EXAMPLES else fact
            if mark not in seen:
                seen.add(mark)
                yield fact


def fault_of(facts: Iterable[Fact]) -> str | None:
    """Return what is in a file that columns cannot hold, naming the key; None if they hold all."""
    names: dict[str, dict[str, list[str]]] = {}
    for path, what, name in sorted(set(facts)):
        names.setdefault(what, {}).setdefault(path, []).append(name)
    return _fault_of_a_line(names) or _fault_of_keys(names) or _fault_of_values(names)


def shown(path: str, name: str | None = None) -> str:
    """Return a path, or a key at one, as a person reads it."""
    steps = [*filter(None, path.split(_SEPARATOR)), *([] if name is None else [name])]
    return repr(".".join(steps))


def _fault_of_a_line(names: dict[str, dict[str, list[str]]]) -> str | None:
    for what in (_NO_UTF8, _NO_OBJECT, _TOO_DEEP):
        for line, *_ in names.get(what, {}).values():
            return f"a line {what}: {line}"
    for key, *_ in names.get(NO_NAME, {}).values():
        return f"a line has the key {key}, which no column can have as its name; rename it"
    for path, (key, *_) in names.get(TWICE, {}).items():
        return f"a line has the key {shown(path, key)} twice in one object; keep one"
    return None


def _fault_of_keys(names: dict[str, dict[str, list[str]]]) -> str | None:
    for path, keys in names.get(KEY, {}).items():
        folded: dict[str, str] = {}
        for name in keys:
            other = folded.setdefault(name.lower(), name)
            if other != name:
                return f"the keys {shown(path, other)} and {shown(path, name)} differ by case alone; rename one"
    return None


def _fault_of_values(names: dict[str, dict[str, list[str]]]) -> str | None:
    for path, kinds in names.get(KIND, {}).items():
        if len(kinds) > 1:
            return f"the key {shown(path)} holds {' here and '.join(kinds)} there; give it one type in all rows"
        if kinds == [_OBJECT] and path not in names.get(KEY, {}):
            return f"the key {shown(path)} holds nothing but empty objects, which no column can hold; leave it out"
    for path, (value, *_) in names.get(NO_VALUE, {}).items():
        return f"the key {shown(path)} holds {value}"
    for path, (number, *_) in names.get(NO_DOUBLE, {}).items():
        if path in names.get(FRACTION, {}):
            return (
                f"the key {shown(path)} holds {number} here and a number with a fraction or an exponent there, and no"
                " column can hold both exactly; make them texts"
            )
    return None


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, in which a key may be twice."""


class _Inexact(str):
    """A number, as it is written, that no column can hold exactly."""


def _facts_of(line: bytes) -> list[Fact]:
    found: list[Fact] = []
    try:
        value = _DECODER.decode(line.decode())
        if isinstance(value, _Pairs):
            _walk(value, "", found)
            return found
        what = _NO_OBJECT
    except UnicodeDecodeError:
        what = _NO_UTF8
    except ValueError:
        what = _NO_OBJECT
    except RecursionError:
        what = _TOO_DEEP
    begin = line[: 4 * _SHOWN].decode(errors="replace")[:_SHOWN]
    return [Fact("", what, begin if begin.isprintable() else repr(begin))]


def _walk(value: Any, path: str, found: list[Fact]) -> None:
    if value is None:
        return
    if path.count(_SEPARATOR) > _LEVELS:
        raise RecursionError
    if isinstance(value, _Pairs):
        if path:
            found.append(Fact(path, KIND, _OBJECT))
        _walk_pairs(value, path, found)
    elif isinstance(value, _Inexact):
        number = f"{value:.{_SHOWN}}"
        found.append(Fact(path, NO_VALUE, f"{number}, which no column of numbers holds exactly; make it a text"))
    else:
        found.append(Fact(path, KIND, _KINDS[type(value)]))
        if isinstance(value, list):
            for one in value:
                _walk(one, f"{path}{_SEPARATOR}[]", found)
        elif isinstance(value, str):
            if (place := _surrogate_in(value)) is not None:
                part = value[max(0, place - 20) : place + 20]
                found.append(Fact(path, NO_VALUE, f"half a character, which no column can hold: {part!r}; replace it"))
        elif isinstance(value, float):
            found.append(Fact(path, FRACTION, ""))
        elif int(float(value)) != value:
            found.append(Fact(path, NO_DOUBLE, str(value)))


def _walk_pairs(pairs: _Pairs, path: str, found: list[Fact]) -> None:
    seen: set[str] = set()
    for key, one in pairs:
        if not key or _SEPARATOR in key or _surrogate_in(key) is not None:
            found.append(Fact(path, NO_NAME, shown(path, key)))
            continue
        found.append(Fact(path, TWICE if key in seen else KEY, key))
        seen.add(key)
        _walk(one, f"{path}{_SEPARATOR}{key}", found)


def _surrogate_in(text: str) -> int | None:
    """Return the place of the first unpaired surrogate, which JSON can spell and UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        return error.start
    return None


def _whole(text: str) -> int | _Inexact:
    return int(text) if len(text.lstrip("-")) <= _DIGITS else _Inexact(text)


def _double(text: str) -> float | _Inexact:
    """Return a number with a fraction or an exponent, if a double is what is written.

    That is one whose shortest form it is, or which it is to as many digits as are written: 0.1 and 0.10000000000000001.
    """
    value = float(text)
    if repr(value) == text:
        return value
    mantissa = text.lower().partition("e")[0]
    digits = sum(map(str.isdigit, mantissa.lstrip("-0.")))
    if value == 0 or math.isinf(value) or len(text) > 1000:  # that many characters Spark reads of a number
        return value if not digits and len(text) <= 1000 else _Inexact(text)
    is_kept = Decimal(text) in (Decimal(repr(value)), Decimal(f"{value:.{digits - 1}e}"))
    return value if is_kept else _Inexact(text)


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=_whole, parse_float=_double)
