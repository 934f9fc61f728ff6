"""Python code as its syntax tree, without what Python would print about it. Nothing is run."""

import ast
import warnings
from functools import lru_cache


@lru_cache(maxsize=4)  # a solution is read for its names, for what it defines and for its size, one after another
def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree of code, which others may hold too; None of what is no Python, or too deep to read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def nodes_of(tree: ast.AST) -> list[ast.AST]:
    """Return a tree and all nodes beneath it, in the order of `ast.walk`, which takes three times as long."""
    nodes = [tree]
    for node in nodes:  # which grows meanwhile
        for name in node._fields:
            value = getattr(node, name, None)
            if isinstance(value, list):
                nodes.extend(each for each in value if isinstance(each, ast.AST))
            elif isinstance(value, ast.AST):
                nodes.append(value)
    return nodes
