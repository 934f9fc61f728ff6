"""Whether a value of the test's is handed to the solution as a whole: what else it has may be what is expected.

An expression that takes a part of it is done again where the solution is, and so the rest would be there, too.
"""

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final

from genetic_udfs.sandbox.names import Names, Origin, is_scalar, paths_of, used_paths
from genetic_udfs.sandbox.rewriting import part_of
from genetic_udfs.sandbox.unroll import is_fixed

# What has all that its parts have.
_MADE_OF_PARTS: Final = (
    *(ast.List, ast.Tuple, ast.Set, ast.Dict, ast.keyword),
    *(ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Expr),
)


def part_taken(node: ast.AST, names: Names, literals: dict[str, ast.expr]) -> str:
    """Return that an expression or statement takes a part of a value of the test's; nothing, if it does not.

    Args:
        node: What the solution's process is to do.
        names: What names stand for.
        literals: Literals that names in it stand for.
    """
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return ""  # of a callback it is not known what it takes
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    several = any(isinstance(each, ast.expr) and len(set(paths_of(each))) > 1 for each in targets)
    if several and not names.asks(node):
        return "a part of what several names are given"
    found = Counter(path for each in ast.walk(node) for path in _path(each) if _has_parts(path, names))
    part = next(iter(found - Counter(_whole(node, names, literals))), "")
    return f"a part of {part}" if part else ""


def _has_parts(path: str, names: Names) -> bool:
    """Whether a path stands for a value of the test's that has parts."""
    held = names.get(path)
    if held is None or held.origin is not Origin.TEST or held.module:
        return False
    return held.literal is None or not is_scalar(held.literal)


def _whole(node: ast.AST, names: Names, literals: dict[str, ast.expr]) -> Iterator[str]:
    """Yield paths, each time that all that one has is in what is made, or goes to the solution."""
    parts: list[ast.AST] = []
    match node:
        case ast.Name() | ast.Attribute() if path := _path(node):
            yield from path
        case ast.Subscript() if (part := part_of(node, literals)) is not None and is_fixed(part):
            yield from used_paths(node)
        case ast.Starred(value=of) if isinstance(part_of(of, literals) or of, ast.List | ast.Tuple):
            parts = [of]
        case ast.Call(func=func, args=args, keywords=named) if any(map(names.asks, (func, *args))):
            parts = [*args, *named, *([func] if names.asks(func) else [])]  # not what a function of the test's makes
        case ast.Attribute() | ast.Subscript() | ast.Compare() if names.asks(node):
            parts = [*ast.iter_child_nodes(node)]
        case _ if isinstance(node, _MADE_OF_PARTS):
            parts = [*ast.iter_child_nodes(node)]
    for each in parts:
        yield from _whole(each, names, literals)


def _path(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name != "self":
            return [name]
        case ast.Attribute(value=ast.Name(id="self"), attr=attr, ctx=ast.Load()):
            return [f"self.{attr}"]
    return []
