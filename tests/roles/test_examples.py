"""Examples that a problem gives become assertions; nothing is read into what is none."""

import pytest

from genetic_udfs.roles.examples import examples_in


@pytest.mark.parametrize(
    ("instruction", "found"),
    [
        (
            "Write `f(n)`. For example, `f(2)` returns 4 and f([1, (2)]) == [2, 4].",
            ["f(2) == 4", "f([1, (2)]) == [2, 4]"],
        ),
        ("Implement `f(n)`.\n>>> f(2)\n4\n>>> f('a')\n'aa'", ["f(2) == 4", "f('a') == 'aa'"]),
        ("Write `f(x)` which returns 3 for `f(2)`.", ["f(2) == 3"]),
        ("Write `f(x)`, so that f(1) = 1.5, and f(2)=3.", ["f(1) == 1.5", "f(2) == 3"]),
        ('Create `f(s)`: f("ab") -> "ba".', ['f("ab") == "ba"']),
        ("Write `f(x, k)`; `f(1, k=2)` should return `True`.", ["f(1, k=2) == True"]),
        ("Write `f(x)`, where f(2) is 300.", ["f(2) == 300"]),
        ("Write `f(x)`; `f(2)` is even more.", []),
        ("Write `f(x)`; f(y) returns 3, g(2) returns 4, x.f(2) returns 5, f() returns 6.", []),
        ("Add numbers: f(2) == 4.", []),
        ("Write `f(x)`: f(2) == __import__('os').getpid() and f((((", []),
    ],
)
def test_a_call_with_its_value_is_an_assertion(instruction: str, found: list[str]) -> None:
    assert examples_in(instruction) == [f"assert {each}" for each in found]


def test_an_example_counts_once_and_ten_are_enough() -> None:
    assert examples_in("Write `f(x)`. f(1) == 1, f(1) == 1.") == ["assert f(1) == 1"]
    assert len(examples_in("Write `f(x)`. " + "; ".join(f"f({n}) == {n}" for n in range(30)))) == 10
