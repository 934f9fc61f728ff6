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

# What these make of one value has all that it holds, in its order; of a dict most have the keys alone.
_KEEPING: Final = {"DataFrame", "Series", "StringIO", "array", "copy", "deepcopy"}
_SEQUENCES: Final = (ast.List, ast.Tuple, ast.Set, ast.ListComp, ast.Constant)
_KEEPING_ITEMS: Final[dict[str, tuple[type[ast.AST], ...]]] = {
    **dict.fromkeys(("deque", "iter", "list", "tuple"), _SEQUENCES),
    "dict": (ast.Dict, ast.DictComp),
}
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
    walker = _Walker(names, literals)
    found = Counter(path for each in ast.walk(node) for path in _path(each))
    kept = Counter(walker.whole(node))
    part = next((path for path, count in found.items() if count > kept[path] and walker.counts(path)), "")
    return walker.function or (f"a part of {part}" if part else "")


class _Walker:
    def __init__(self, names: Names, literals: dict[str, ast.expr]) -> None:
        self._names, self._literals = names, literals
        self.function = ""

    def counts(self, path: str) -> bool:
        """Whether a path stands for a value of the test's that has parts."""
        held = self._names.get(path)
        if held is None or held.origin is not Origin.TEST or held.module:
            return False
        return held.literal is None or not is_scalar(held.literal)

    def whole(self, node: ast.AST) -> Iterator[str]:
        """Yield paths, each time that all that one has is in what is made."""
        if path := _path(node):
            yield from path
            return
        parts: list[ast.AST] = []
        match node:
            case ast.Call(func=func, args=args, keywords=keywords) if self._keeps(func, args):
                parts = [func, *args, *keywords]
            case ast.Subscript() if (part := part_of(node, self._literals)) is not None and is_fixed(part):
                yield from used_paths(node)
            case ast.Subscript(value=of, slice=ast.Slice(lower=None, upper=None, step=None)):
                parts = [of]
            case ast.Attribute() | ast.Subscript() | ast.Compare() if self._names.asks(node):
                parts = [*ast.iter_child_nodes(node)]
            case ast.Attribute(value=of, attr="copy"):
                parts = [of]
            case ast.Starred(value=of) if self._is_one_of(of, _SEQUENCES):
                parts = [of]
            case _ if isinstance(node, _MADE_OF_PARTS):
                parts = [*ast.iter_child_nodes(node)]
        for each in parts:
            yield from self.whole(each)

    def _keeps(self, function: ast.expr, given: list[ast.expr]) -> bool:
        """Whether what a call makes has all that the function is given; the solution is meant to have it."""
        held = self._names.get(function.id) if isinstance(function, ast.Name) else None
        if held is not None and held.origin is Origin.TEST and not held.module:
            if isinstance(held.made_by, ast.ClassDef):
                return True
            self.function = f"what {ast.unparse(function)} returns, a function of the test's"
            return False
        name = function.attr if isinstance(function, ast.Attribute) else getattr(function, "id", "")
        if name in _KEEPING_ITEMS and len(given) == 1:
            return self._is_one_of(given[0], _KEEPING_ITEMS[name])
        return name in _KEEPING or self._names.asks(function) or any(map(self._names.asks, given))

    def _is_one_of(self, node: ast.expr, kinds: tuple[type[ast.AST], ...]) -> bool:
        held = self._names.of(node)
        known = part_of(node, self._literals) if held is None else held.literal
        return isinstance(known or node, kinds)


def _path(node: ast.AST) -> list[str]:
    match node:
        case ast.Name(id=name, ctx=ast.Load()) if name != "self":
            return [name]
        case ast.Attribute(value=ast.Name(id="self"), attr=attr, ctx=ast.Load()):
            return [f"self.{attr}"]
    return []
