"""Syntax trees, read without a word of Python's."""

import ast
from pathlib import Path

from genetic_udfs.data import syntax
from genetic_udfs.data.syntax import nodes_of

OF_NO_PLACE = (ast.expr_context, ast.operator, ast.boolop, ast.unaryop, ast.cmpop)
OPERATORS = "\nx += not -1 < 2 in a and b\nmatch {'a': 1}:\n    case {'a': x, **rest}: pass\n"


def test_nodes_come_as_ast_walk_gives_them_but_those_of_no_place() -> None:
    tree = ast.parse(Path(syntax.__file__).read_text() + OPERATORS)
    assert nodes_of(tree) == [node for node in ast.walk(tree) if not isinstance(node, OF_NO_PLACE)]
