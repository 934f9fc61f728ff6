"""What code defines at its top level, read from its syntax: names that a test means the solution's by."""

import ast
import builtins
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from genetic_udfs.data.syntax import parsed

_LONGEST_CODE: Final = 1 << 18  # a syntax tree takes some hundred times the memory of the code

BUILT_INS: Final = frozenset(dir(builtins))
_SHORT: Final = {"numpy": "np", "pandas": "pd", "scipy": "sp"}
MODULES: Final = sys.stdlib_module_names | {
    *_SHORT,
    *_SHORT.values(),
    "pytest",
    "hypothesis",
    "sklearn",
    "sympy",
    "torch",
}
"""Names that mean a module or package in a test, whatever the code makes of them."""


@dataclass(frozen=True)
class Definitions:
    """What code defines at its top level.

    Attributes:
        own: What it defines or assigns itself, whether or not it imports something by that name, too.
        classes: The classes among that: what is made of one is an object of the solution's own.
        imports: By name, the statement that a test may do, too, to have that name: one that gives nothing another name.
        doubtful: Names that are not what they say: built-ins to which it gives another meaning, what it both imports
            and defines, and names that it gives to functions of modules.
        free: Names that it uses and defines nowhere: a test may define them, built-ins, too.
        modules: The top-level modules that it imports, anywhere.
        keeps: Whether a function of its gives a name of the module another value, counts in a class or a function, or
            goes on with an iterator: what it answers may depend on what was asked before.
        readable: Whether the code could be read; if not, nothing is known of it.
    """

    own: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    imports: tuple[tuple[str, str], ...] = ()
    doubtful: frozenset[str] = frozenset()
    free: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    keeps: bool = False
    readable: bool = True

    @classmethod
    def of(cls, code: str) -> "Definitions":
        """Read code; what cannot be parsed, or is far longer than any solution, is not readable."""
        tree = parsed(code) if len(code) <= _LONGEST_CODE else None
        if tree is None:
            return cls(readable=False)
        body = tree.body
        nodes = list(of_the_scope(body))
        imports = [each for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)]
        own = frozenset(name for each in nodes if not isinstance(each, ast.alias) for name in bound_by(each))
        named = {name: (each, alias) for each in imports for alias in each.names for name in bound_by(alias)}
        renamed = {name for name, (each, alias) in named.items() if alias.asname and not _is_short_name(each, alias)}
        walked = [node for each in body for node in ast.walk(each)]
        bound = {name for node in walked for name in bound_by(node)}
        return cls(
            own=own,
            classes=frozenset(each.name for each in nodes if isinstance(each, ast.ClassDef)),
            imports=tuple((name, ast.unparse(each)) for name, (each, _) in named.items() if name not in own | renamed),
            doubtful=frozenset(own & BUILT_INS | own & named.keys() | renamed | named.keys() & BUILT_INS),
            free=frozenset(names_used(walked) - bound),
            modules=modules_of(walked),
            keeps=any(_keeps(node, own) for node in walked),
        )


def _keeps(node: ast.AST, own: frozenset[str]) -> bool:
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        return False
    parts = [part for each in [node.args, *node.body] for part in ast.walk(each)]
    outer = own.difference(*map(bound_by, parts))
    for part in parts:
        match part:
            case ast.Global():
                return True
            case ast.AugAssign(target=ast.Attribute() | ast.Subscript(value=ast.Attribute()) as of):
                if _is_kept(of, outer):
                    return True
            case ast.Call(func=ast.Name(id="next"), args=[ast.Name(id=name), *_]) if name in outer:
                return True
    return False


def _is_kept(of: ast.expr, outer: frozenset[str]) -> bool:
    """Whether something is part of a name of the module's, or of a class."""
    match of:
        case ast.Name(id=name):
            return name in outer or name == "cls"
        case ast.Attribute(value=inner, attr=attr):
            return attr == "__class__" or _is_kept(inner, outer)
        case ast.Subscript(value=inner):
            return _is_kept(inner, outer)
        case ast.Call(func=ast.Name(id="type")):
            return True
    return False


def _is_short_name(statement: ast.Import | ast.ImportFrom, alias: ast.alias) -> bool:
    """Whether a module has a name that says which it is: its own, or one that no other module has."""
    usual = _SHORT.get(alias.name, alias.asname if alias.asname not in BUILT_INS | MODULES else None)
    return isinstance(statement, ast.Import) and alias.asname in {alias.name, usual}


def names_used(nodes: Iterable[ast.AST]) -> set[str]:
    """Return the names that are read."""
    return {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}


def modules_of(nodes: Iterable[ast.AST]) -> frozenset[str]:
    """Return the top-level modules that are imported."""
    names: list[str] = []
    for node in nodes:
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.append(node.module)
    return frozenset(name.partition(".")[0] for name in names)


def of_the_scope(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield what is executed in the statements' own scope, in its order, and statements that say `global`."""
    waiting: list[ast.AST] = [*reversed(body)]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (each for each in ast.walk(node) if isinstance(each, ast.Global))
        elif isinstance(node, ast.comprehension):
            waiting += [*node.ifs, node.iter]
        elif isinstance(node, ast.Import | ast.ImportFrom):
            yield from node.names
        elif not isinstance(node, ast.Lambda):
            waiting += reversed(list(ast.iter_child_nodes(node)))


def bound_by(node: ast.AST) -> list[str]:
    """Return the names that a node itself gives a value."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Name(ctx=ast.Store()):
            return [node.id]
        case ast.Global():
            return node.names
        case ast.alias():
            return [(node.asname or node.name).partition(".")[0]]
        case ast.arg():
            return [node.arg]
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []
