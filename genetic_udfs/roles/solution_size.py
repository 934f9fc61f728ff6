"""How long a solution is and how often it branches, read from its syntax; nothing is run."""

import ast
import io
import re
import tokenize
from collections.abc import Sequence
from typing import Final, NamedTuple

from genetic_udfs.data.syntax import nodes_of, parsed

# Tokens that make no line one of code.
_NO_CODE: Final = {
    tokenize.COMMENT,
    tokenize.NL,
    tokenize.NEWLINE,
    tokenize.INDENT,
    tokenize.DEDENT,
    tokenize.ENDMARKER,
}
_Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
_BRANCHING: Final = {
    *(ast.If, ast.IfExp, ast.For, ast.AsyncFor, ast.While, ast.ExceptHandler),
    *(ast.BoolOp, ast.comprehension, ast.Match),
}
# What ends lines or continues them otherwise than a line break does.
_SPECIAL: Final = re.compile(r"[\r\f]|\\\n")


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
    nodes = nodes_of(tree)
    try:
        lines = _lines_of_code(code, nodes)
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return None
    return SolutionSize(len(lines), sum(_branches(node) for node in nodes if type(node) in _BRANCHING))


def _lines_of_code(code: str, nodes: Sequence[ast.AST]) -> set[int]:
    docstrings = [each for node in nodes if isinstance(node, _Documented) and (each := _docstring(node)) is not None]
    of_docstrings = {line for _, lines in docstrings for line in lines}
    texts = {id(text) for text, _ in docstrings}
    is_plain = not _SPECIAL.search(code) and not any(
        isinstance(node, ast.Constant | ast.JoinedStr) and node.lineno != node.end_lineno and id(node) not in texts
        for node in nodes
    )
    return (_plain_lines(code) if is_plain else _lines_of_tokens(code)) - of_docstrings


def _plain_lines(code: str) -> set[int]:
    """Return the lines of code where no text has several and no line is continued; to read tokens takes longer."""
    lines = enumerate(map(str.strip, code.split("\n")), 1)
    return {number for number, line in lines if line and not line.startswith("#")}


def _lines_of_tokens(code: str) -> set[int]:
    lines: set[int] = set()
    for token in tokenize.generate_tokens(io.StringIO(code).readline):
        if token.type not in _NO_CODE:
            lines.update(range(token.start[0], token.end[0] + 1))
    return lines


def _docstring(node: _Documented) -> tuple[ast.Constant, range] | None:
    """Return a node's docstring and its lines; beside its `def`, the first line is that of code."""
    if not node.body:
        return None
    first = node.body[0]
    if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
        begin = first.lineno + (first.lineno == getattr(node, "lineno", 0))
        return first.value, range(begin, (first.end_lineno or first.lineno) + 1)
    return None


def _branches(node: ast.AST) -> int:
    """Count the decisions of a node that branches."""
    match node:
        case ast.BoolOp():
            return len(node.values) - 1
        case ast.comprehension():
            return 1 + len(node.ifs)
        case ast.Match():
            return sum(not _takes_everything(case) for case in node.cases)
    return 1


def _takes_everything(case: ast.match_case) -> bool:
    return case.guard is None and isinstance(case.pattern, ast.MatchAs) and case.pattern.pattern is None
