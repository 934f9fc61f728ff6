"""Syntax trees, read without a word of Python's."""

import ast
from pathlib import Path

from genetic_udfs.data import syntax
from genetic_udfs.data.syntax import nodes_of


def test_nodes_come_as_ast_walk_gives_them() -> None:
    tree = ast.parse(Path(syntax.__file__).read_text() + "\nmatch {'a': 1}:\n    case {'a': x, **rest}: pass\n")
    assert nodes_of(tree) == list(ast.walk(tree))
