"""Python code as its syntax tree, without what Python would print about it. Nothing is run."""

import ast
import warnings
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

# The fields of each kind of node in which others stand. Operators and contexts (`ast.Add`, `ast.Load`) are left out:
# they say how their parent works, and nothing stands in them.
_FIELDS: Final = {
    kind: [name for name in kind._fields if name not in {"ctx", "op", "ops"}]
    for kind in vars(ast).values()
    if isinstance(kind, type) and issubclass(kind, ast.AST)
}


@lru_cache(maxsize=4)  # a solution is read for its names, for what it defines and for its size, one after another
def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree of code, which others may hold too; None of what is no Python, or too deep to read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


@lru_cache(maxsize=4)  # few: what is kept is looked at whenever Python collects garbage
def nodes_of(tree: ast.AST) -> Sequence[ast.AST]:
    """Return a tree and what stands beneath it, but operators and contexts, in the order of `ast.walk`."""
    nodes = [tree]
    for node in nodes:  # which grows meanwhile
        for name in _FIELDS[type(node)]:
            value = getattr(node, name, None)
            if isinstance(value, list):
                nodes.extend(each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST):
                nodes.append(value)
    return nodes
