"""Python code as its syntax tree, without what Python would print about it. Nothing is run."""

import ast
import warnings


def parsed(code: str) -> ast.Module | None:
    """Return the syntax tree of code; None of what is no Python, or too deep to read."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
