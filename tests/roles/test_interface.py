"""What a solution offers to tests, read from its code without running it."""

import pytest

from genetic_udfs.roles.interface import Interface

HELPED = """
import heapq
from dataclasses import dataclass
LIMIT = 3

@dataclass
class Edge:
    to: int

def _hidden(x):
    return x

def neighbours(graph, node):
    return [edge.to for edge in graph[node] if isinstance(edge, Edge)]

def shortest(graph: dict, start: int = 0) -> int:
    "Return the length."
    return len(neighbours(graph, start)) + _hidden(1)

def main():
    print(shortest({}))

print(shortest({0: []}))
"""


def of(code: str) -> Interface:
    found = Interface.of(code)
    assert found is not None
    return found


def test_entry_points_are_what_nothing_else_in_the_solution_uses() -> None:
    assert of(HELPED).entry_points == ("shortest",)
    assert of("def f(n):\n    return f(n - 1)\n\ndef g():\n    return 1").entry_points == ("f", "g")
    assert of("def even(n): return odd(n)\ndef odd(n): return even(n)").entry_points == ("even", "odd")


def test_heads_show_no_body_no_docstring_and_no_helper() -> None:
    assert of(HELPED).heads == (
        "@dataclass\nclass Edge:\n    ...\n\ndef shortest(graph: dict, start: int=0) -> int:\n    ..."
    )
    stack = """class Stack:
    size = 3
    def __init__(self, n=0): self.n = n
    def push(self, x): return secret
    def _grow(self): pass
"""
    assert of(stack).heads == (
        "class Stack:\n\n    def __init__(self, n=0):\n        ...\n\n    def push(self, x):\n        ..."
    )


def test_a_null_solution_has_the_names_and_does_nothing() -> None:
    namespace: dict[str, object] = {}
    exec(of(HELPED).null_solution, namespace)
    assert eval("shortest({}, start=3)", namespace) is None
    assert eval("Edge(4).whatever(1, x=2)", namespace) is None
    assert "_hidden" not in namespace and "main" not in namespace
    assert of("class square: pass\ndef abs(x): return x").null_solution == "def square(*_, **__):\n    return None\n"
    assert of("def pow(x, n): return x ** n").null_solution == "def pow(*_, **__):\n    return None\n"


@pytest.mark.parametrize(
    "code", ["", "x = 3", "def (", "def main(): pass", "def _f(): pass", "a\0b", "(" * 9999, "f = lambda x: x"]
)
def test_code_with_nothing_to_call_has_no_interface(code: str) -> None:
    assert Interface.of(code) is None
