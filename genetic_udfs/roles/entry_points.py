"""The functions and classes that an instruction asks for by name, and whether code defines them."""

import ast
import builtins
import collections
import re
from collections.abc import Sequence
from typing import Final

from genetic_udfs.data.syntax import nodes_of, parsed

# A name in back quotes with a parenthesis after it, and a class that is named in back quotes or by what follows.
_CALLED: Final = re.compile(r"`([A-Za-z_]\w*)\s*\([^`\n]*`")
_CLASS: Final = re.compile(
    r"\bclass(?:es)?\s+(?:named\s+|called\s+)?`([A-Za-z_]\w*)|`class\s+([A-Za-z_]\w*)", re.IGNORECASE
)
# What stands before a name that is there already, is to be used, or is not to be used.
_NOT_ASKED: Final = re.compile(
    r"\b(?:us(?:e|es|ing)|giv(?:en|es)|provid(?:ed|es)|call(?:s|ing)?|without|like|unlike|such as|instead of|than"
    r"|as|by|from|to|via|avoid(?:ing)?|existing|returns?|rais(?:e|es|ing)|that|if|when|of|for|while|example|and so"
    r"|built-in|(?:is|are) an?)(?:\s+(?:an?|the|any|some|built-in|helper|functions?|method|library))*[\s,:(]*\Z",
    re.IGNORECASE,
)
_JOINED: Final = re.compile(r"\s*(?:,|or|and|nor|,\s*(?:or|and))\s+")
# Notation: O(n), Theta(n log n), recurrences such as T(n) and C(n, k).
_NOTATION: Final = re.compile(r"[A-Z]|Theta|Omega")
_GIVEN: Final = frozenset({*dir(builtins), *collections.__all__})


def asked_of(instruction: str) -> list[str]:
    """Return the names of what an instruction asks for, in order: `name(...)` and class `Name`, in back quotes.

    Built-in functions and collections, what is called as an example, what is said to be given, to be used or to be
    done without, and notation such as `O(n)` are not asked for. A name with a dot before it is another module's or a
    method's.
    """
    found: dict[int, str] = {}
    is_asked, end = True, 0
    for match in _CALLED.finditer(instruction):
        if not _JOINED.fullmatch(instruction[end : match.start()]):  # else it is as what it is joined to
            is_asked = _NOT_ASKED.search(instruction[: match.start()]) is None
        if is_asked and match[1] not in _GIVEN and not _NOTATION.fullmatch(match[1]):
            found[match.start()] = match[1]
        end = match.end()
    for match in _CLASS.finditer(instruction):
        found[match.start()] = match[1] or match[2]
    return list(dict.fromkeys(found[at] for at in sorted(found)))


def missing_from(code: str, names: Sequence[str]) -> list[str]:
    """Return the names that code binds nowhere: as a function or class, a method, by assignment or import."""
    if not names:
        return []
    tree = parsed(code)
    bound = set() if tree is None else {name for node in nodes_of(tree) for name in _bound(node)}
    return [name for name in names if name not in bound]


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Name(id=name, ctx=ast.Store()):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [(alias.asname or alias.name).partition(".")[0] for alias in aliases]
    return []
