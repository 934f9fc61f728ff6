"""A solution has to define what its problem asks for by name."""

import json
from pathlib import Path

import pytest

from genetic_udfs.roles.coder import read_solution
from genetic_udfs.roles.entry_points import asked_of, missing_from

SEEDS = Path(__file__).parents[2] / "seeds"


@pytest.mark.parametrize(
    ("instruction", "names"),
    [
        ("Write a function `add(a, b)` that adds.", ["add"]),
        ("Write a function `two_sum(numbers)` that takes `O(n)` time and `Theta(1)` space.", ["two_sum"]),
        ("Each node is a `TreeNode(val, left, right)`. Write `depth(root)`.", ["depth"]),
        ("Compute `C(n, k)` with a function `choose(n, k)`.", ["choose"]),
        ("Write a function `count(words)` that gives `Counter(words)`.", ["count"]),
        ("Implement `encode(text)` and `decode(text)`.", ["encode", "decode"]),
        ("Model it as a class `Stack` with `push(item)` and `pop()`.", ["Stack", "push", "pop"]),
        ("`f(2)` returns 4 where f doubles: write `f(n)`.", ["f"]),
        ("Write `total(prices)` without `sum()`, `prod()` or `fsum(x)`, using `math.hypot(...)`.", ["total"]),
        ("Write `top(items)`, given a function `score(item)`.", ["top"]),
        ("Write `check(x)` that raises `BadValue(x)`.", ["check"]),
        ("Add numbers and call the function `add`.", []),
        ("Write `class Point` with x and y.", ["Point"]),
        ("Write add(a, b).", []),
    ],
)
def test_names_in_back_quotes_with_a_parenthesis_are_asked_for(instruction: str, names: list[str]) -> None:
    assert asked_of(instruction) == names


@pytest.mark.parametrize(
    ("code", "missing"),
    [
        ("def f(x): return x", []),
        ("f = lambda x: x", []),
        ("from math import floor as f", []),
        ("class A:\n    def f(self): pass", []),
        ("async def f(): pass", []),
        ("def g(x): return f(x)", ["f"]),
    ],
)
def test_a_name_counts_as_defined_wherever_it_is_bound(code: str, missing: list[str]) -> None:
    assert missing_from(code, ["f"]) == missing


def test_code_that_defines_something_else_is_rejected() -> None:
    reply = "```python\ndef plus(a, b):\n    return a + b\n```"
    assert read_solution("Write `add(a, b)`.", reply, "stop")[1:] == (
        "entry_point_missing",
        "the code does not define add",
    )
    assert read_solution("Write `plus(a, b)`.", reply, "stop").reason is None
    assert read_solution("Write `add(a, b)`.", "no code", "stop").reason == "no_code"


def test_no_solution_of_a_seed_is_rejected() -> None:
    file = SEEDS / "solutions.jsonl"
    if not file.exists():
        pytest.skip("the seeds have no solutions")
    instructions = {row["id"]: row["instruction"] for row in map(json.loads, (SEEDS / "seeds.jsonl").open())}
    solutions = {row["id"]: row["code"] for row in map(json.loads, file.open())}
    assert len(solutions) > 300
    assert {
        name: missing
        for name, code in solutions.items()
        if (missing := missing_from(code, asked_of(instructions[name])))
    } == {}
