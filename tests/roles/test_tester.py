"""The Tester's prompt, and the assertions that count in its replies."""

import pytest

from genetic_udfs.roles import tester

CODE = "import math\n\ndef helper(n):\n    return n * 7919\n\ndef area(r):\n    return helper(r)\n"


def taken(reply: str, most: int = 9) -> list[str]:
    found = tester.tests_in(reply, CODE, most)
    assert (found.tests is None) == (found.reason is not None) == (found.detail is not None)
    return found.tests or []


def test_from_the_instruction_the_code_is_not_seen() -> None:
    blind = tester.tester_prompt("Compute an area.", CODE, 4, shows_code=False)
    seeing = tester.tester_prompt("Compute an area.", CODE, 4, shows_code=True)
    assert blind is not None and seeing is not None
    assert "7919" in seeing and "7919" not in blind
    for prompt in (blind, seeing):
        assert "Compute an area." in prompt and "def area(r):" in prompt and "4 assert statements" in prompt
        assert "it calls area with" in prompt
    assert tester.tester_prompt("Compute an area.", "x = 3", 4, shows_code=True) is None


def test_assertions_are_taken_one_by_one() -> None:
    reply = "Sure:\n```python\nassert area(1) == 2\n\nassert area(2) == 3, 'a message'\nassert not area(0)\n```\nDone."
    assert taken(reply) == ["assert area(1) == 2", "assert area(2) == 3", "assert not area(0)"]
    assert taken(reply, most=2) == ["assert area(1) == 2", "assert area(2) == 3"]


def test_equal_assertions_count_once() -> None:
    assert taken("```\nassert area(1)==2\nassert area( 1 ) == 2\n```") == ["assert area(1) == 2"]


@pytest.mark.parametrize(
    "reply",
    [
        "```python\nassert helper(1) == 2\n```",
        "```python\nassert 1 == 1\n```",
        "```python\nassert area\n```",
        "```python\nassert other(1) == area(1)\n```",
        "```python\nr = 1\nassert area(r) == 2\n```",
        "```python\nprint(area(1))\n```",
        "I will not.",
        "",
        "```python\nassert area(1 == 2\n```",
        "nul \0 assert area(1)",
        "assert " + "(" * 9999 + "area(1)",
    ],
)
def test_what_does_not_stand_alone_or_calls_no_entry_point_is_no_test(reply: str) -> None:
    found = tester.tests_in(reply, CODE, 9)
    assert (found.tests, found.reason) == (None, "no_tests")
    assert "area" in (found.detail or "")


def test_assertions_inside_of_functions_count_where_they_stand_alone() -> None:
    reply = "```python\ndef test_it():\n    x = 3\n    assert area(1) == 2\n    assert area(x) == 2\n```"
    assert taken(reply) == ["assert area(1) == 2"]


@pytest.mark.parametrize(
    "block", ["with pytest.raises(ValueError)", "if False", "for _ in range(0)", "while area(0)", "try"]
)
def test_assertions_inside_of_blocks_that_may_not_let_them_hold_do_not_count(block: str) -> None:
    end = "except ValueError:\n    pass\n" if block == "try" else ""
    reply = f"```python\n{block}:\n    assert area(-1) == 2\n{end}assert area(1) == 2\n```"
    assert taken(reply) == ["assert area(1) == 2"]


def test_a_comprehension_has_names_of_its_own() -> None:
    assert taken("assert [area(x) for x in range(2)] == [0, 1]") == ["assert [area(x) for x in range(2)] == [0, 1]"]
    assert taken("assert math.isclose(area(1), 2.5)") == ["assert math.isclose(area(1), 2.5)"]


def test_of_a_reply_that_was_cut_off_the_whole_lines_count() -> None:
    assert taken("```python\nassert area(1) == 2\nassert area(2) ==") == ["assert area(1) == 2"]
    assert taken("assert area(1) == 2\nassert area(2) ==") == ["assert area(1) == 2"]
    assert taken("if 0:\n    assert area(3)\nassert area(1) == 2\nassert area(2) ==") == ["assert area(1) == 2"]


def test_code_without_an_entry_point_cannot_be_tested() -> None:
    assert tester.tests_in("assert f(1)", "x = 3", 9).reason == "no_tests"


@pytest.mark.parametrize(
    "reply",
    [
        "1. `assert area(1) == 2`\n2. `assert area(2) == 3` for a larger one",
        "- assert area(1) == 2\n- assert area(2) == 3",
    ],
)
def test_assertions_may_be_a_list(reply: str) -> None:
    assert taken(reply) == ["assert area(1) == 2", "assert area(2) == 3"]


def test_of_two_values_of_a_call_the_last_counts() -> None:
    reply = "```python\nassert area(1) == 5\nassert area(2) == 3\nassert area(1) == 2\n```"
    assert taken(reply) == ["assert area(1) == 2", "assert area(2) == 3"]
    assert taken("assert 2 == area(1)\nassert 2 == area(3)") == ["assert 2 == area(1)", "assert 2 == area(3)"]
