"""Syntax trees, read without a word of Python's."""

import ast
from pathlib import Path

from genetic_udfs.data import syntax
from genetic_udfs.data.syntax import nodes_of

OPERATORS_AND_CONTEXTS = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
STATEMENTS = "\nx += not -1 < 2 in a and b\nmatch {'a': 1}:\n    case {'a': x, **rest}: pass\n"


def test_nodes_come_as_ast_walk_gives_them_without_operators_and_contexts() -> None:
    tree = ast.parse(Path(syntax.__file__).read_text() + STATEMENTS)
    assert nodes_of(tree) == [node for node in ast.walk(tree) if not isinstance(node, OPERATORS_AND_CONTEXTS)]
