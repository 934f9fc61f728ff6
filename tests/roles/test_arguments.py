"""Arguments are drawn for what a parameter is, the same for each solution of an instruction."""

import ast

import pytest

from genetic_udfs.roles.arguments import CALLS, called_in, calls_for


def kinds(instruction: str, code: str = "") -> list[set[str]]:
    values = [ast.literal_eval(f"[{call[1:-1]}]") for call in calls_for(instruction, code)]
    return [{type(value).__name__ for value in position} for position in zip(*values, strict=True)]


@pytest.mark.parametrize(
    ("signature", "expected"),
    [
        ("f(numbers, limit)", [{"list"}, {"int"}]),
        ("f(text)", [{"str"}]),
        ("f(scores)", [{"dict"}]),
        ("f(x: str, y: list[int], z: dict[str, int])", [{"str"}, {"list"}, {"dict"}]),
        ("f(n, base=10)", [{"int"}]),
        ("f(thing)", [{"int", "str", "list"}]),
        ("f(*numbers)", []),
        ("f()", []),
    ],
)
def test_a_parameter_s_annotation_or_name_says_its_kind(signature: str, expected: list[set[str]]) -> None:
    assert kinds(f"Write a function `{signature}` that returns something.") == expected
    assert kinds("Write a function.", f"def {signature}:\n    return 1") == expected


def test_calls_are_a_function_of_the_kinds_of_the_parameters_and_differ() -> None:
    calls = calls_for("Write `f(numbers)`.", "def f(numbers): return 1")
    assert len(set(calls)) == len(calls) == CALLS
    assert calls == calls_for("Write `g(values)` now.", "def g(other): return 2")
    assert calls != calls_for("Write `f(words)`.", "def f(words): return 1")


def test_what_can_take_few_values_is_called_less_often() -> None:
    assert 1 <= len(calls_for("Write `f(year)`.", "")) <= 6


@pytest.mark.parametrize(
    ("instruction", "code", "name"),
    [
        ("Write `g(x)`.", "def f(x): return x\ndef g(x): return x", "g"),
        ("Write it.", "def f(x): return g(x)\ndef g(x): return x", "f"),
        ("Write a class `A`.", "class A: pass", None),
        ("Write `g(x)`.", "g = len", None),
        ("Write `g(x)`.", "def g(", None),
    ],
)
def test_the_function_that_is_asked_for_is_called(instruction: str, code: str, name: str | None) -> None:
    assert called_in(instruction, code) == name
