"""How long a solution is and how often it branches, read from its syntax; nothing is run."""

import ast
import io
import tokenize
from typing import Final, NamedTuple

from genetic_udfs.data.syntax import parsed

# Tokens that make no line one of code.
_NO_CODE: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_ONE_BRANCH: Final = (ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler)


class SolutionSize(NamedTuple):
    """Lines with code on them, docstrings and comments apart, and branches."""

    lines: int
    branches: int


def solution_size(code: str) -> SolutionSize | None:
    """Measure a solution; None where `ast.parse` refuses it.

    Branches are the decisions that cyclomatic complexity counts (McCabe 1976), which is one more for a function:
    `if`, `elif`, conditional expressions, loops, `except`, the `for` and `if` of comprehensions, each `and` and `or`,
    and the cases of `match` but one that takes everything.
    """
    tree = parsed(code)
    if tree is None:
        return None
    try:
        lines = _lines_of_code(code) - _docstring_lines(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    return SolutionSize(len(lines), sum(_branches(node) for node in ast.walk(tree)))


def _lines_of_code(code: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _docstring_lines(tree: ast.AST) -> set[int]:
    lines: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            begin = first.lineno + (first.lineno == getattr(node, "lineno", 0))  # beside its `def`, it is code's line
            lines.update(range(begin, (first.end_lineno or first.lineno) + 1))
    return lines


def _branches(node: ast.AST) -> int:
    match node:
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
        case ast.Match():
            return sum(not _takes_everything(case) for case in node.cases)
    return int(isinstance(node, _ONE_BRANCH))


def _takes_everything(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
