"""What the lines of a JSONL file hold, as far as columns can or cannot hold it: keys, and kinds of values, by path.

Spark makes one type of all that a key holds: it leaves out keys that hold nothing but empty objects, makes texts of
numbers where another row has a text, and takes keys for one that differ by case alone. Such files are found here.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

KEY: Final = "key"
TWICE: Final = "twice"
KIND: Final = "kind"
_SEPARATOR: Final = "\0"  # between the steps of a path, since a key may have a dot
_NO_OBJECT: Final = "no object"
_KINDS: Final = {bool: "a truth value", str: "a text", int: "a number", float: "a number", list: "a list"}
_OBJECT: Final = "an object"


class Fact(NamedTuple):
    """That a line has a key (once, or `TWICE` in one object) or a kind of value at a path; `name` is which."""

    path: str
    what: str
    name: str


def facts_of(lines: Iterable[str]) -> Iterator[Fact]:
    """Give each fact about the lines once; a line that is no JSON has none."""
    seen: set[Fact] = set()
    for line in lines:
        found: list[Fact] = []
        try:
            value = json.loads(line, object_pairs_hook=_Pairs)
            if not isinstance(value, _Pairs):
                found.append(Fact("", KIND, _NO_OBJECT))
            else:
                _walk(value, "", found)
        except (ValueError, RecursionError):
            continue
        for fact in found:
            if fact not in seen:
                seen.add(fact)
                yield fact


def fault_of(facts: Iterable[Fact]) -> str | None:
    """Return what is in a file that columns cannot hold, naming the key; None if they hold all."""
    keys: dict[str, set[str]] = {}
    kinds: dict[str, set[str]] = {}
    for path, what, name in sorted(facts):
        if what == TWICE:
            return f"a line has the key {shown(path, name)} twice in one object; keep one"
        (keys if what == KEY else kinds).setdefault(path, set()).add(name)
    for path, names in keys.items():
        folded: dict[str, str] = {}
        for name in sorted(names):
            other = folded.setdefault(name.casefold(), name)
            if other != name:
                return f"the keys {shown(path, other)} and {shown(path, name)} differ by case alone; rename one"
    for path, found in kinds.items():
        if _NO_OBJECT in found:
            return "a line is no JSON object; each line is one"
        if len(found) > 1:
            return f"the key {shown(path)} holds {' here and '.join(sorted(found))} there; give it one type in all rows"
        if found == {_OBJECT} and path not in keys:
            return f"the key {shown(path)} holds nothing but empty objects, which no column can hold; leave it out"
    return None


def shown(path: str, name: str | None = None) -> str:
    """Return a path, or a key at one, as a person reads it."""
    steps = [*filter(None, path.split(_SEPARATOR)), *([] if name is None else [name])]
    return repr(".".join(steps))


class _Pairs(list[tuple[str, Any]]):
    """The keys and values of an object, in which a key may be twice."""


def _walk(value: Any, path: str, found: list[Fact]) -> None:
    if value is None:
        return
    if isinstance(value, _Pairs):
        if path:
            found.append(Fact(path, KIND, _OBJECT))
        seen: set[str] = set()
        for key, one in value:
            found.append(Fact(path, TWICE if key in seen else KEY, key))
            seen.add(key)
            _walk(one, f"{path}{_SEPARATOR}{key}", found)
        return
    found.append(Fact(path, KIND, _KINDS[type(value)]))
    if isinstance(value, list):
        for one in value:
            _walk(one, f"{path}{_SEPARATOR}[]", found)
