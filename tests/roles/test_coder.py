"""Code is taken from a reply with or without proper fences, and only what Python's parser accepts."""

import pytest

from genetic_udfs.roles.coder import extract_code
from genetic_udfs.roles.solution import fault_of

GOOD = "import math\n\ndef area(r):\n    return math.pi * r ** 2"


@pytest.mark.parametrize(
    "reply",
    [
        f"```python\n{GOOD}\n```",
        f"Here you are:\n\n```py\n{GOOD}\n```\nIt multiplies.",
        f"```\n{GOOD}\n```",
        f"~~~python\n{GOOD}\n~~~",
        f"```python\n{GOOD}\n",
        GOOD,
        f"Here is the code:\n\n{GOOD}\n\nThis function returns the area of a circle.",
        "1. Like so:\n   ```python\n"
        + "\n".join(f"   {line}" if line else "" for line in GOOD.split("\n"))
        + "\n   ```",
        f"```bash\npip install x\n```\n```python\n{GOOD}\n```",
        f"```python\ndef broken(:\n```\nRather:\n```python\n{GOOD}\n```",
    ],
)
def test_the_solution_is_found(reply: str) -> None:
    found = extract_code(reply, "stop")
    assert found.code is not None
    assert found.code.strip() == GOOD
    assert found.reason is None


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "I cannot do that.",
        "```json\n{}\n```",
        "```python\n# nothing\n```",
        "```\n42\n```",
        "```python\n```",
    ],
)
def test_a_reply_without_code_says_so(reply: str) -> None:
    assert extract_code(reply, "stop")[:2] == (None, "no_code")


def test_a_syntax_error_is_given_with_its_line() -> None:
    found = extract_code("```python\nx = 1\ndef f(:\n```", "stop")
    assert (found.code, found.reason) == (None, "syntax_error")
    assert found.detail is not None
    assert found.detail.startswith("line 2:")


def test_code_that_was_cut_off_is_truncated_rather_than_wrong() -> None:
    assert extract_code("```python\ndef f(x):\n    return (x +", "length").reason == "truncated"


@pytest.mark.parametrize("code", ["x = 1\0", "(" * 100_000, "-" * 100_000 + "1", "'" * 100_001, "\ud800 = 1"])
def test_hostile_code_is_refused_and_nothing_breaks(code: str) -> None:
    assert fault_of(code) is not None


def test_a_megabyte_of_prose_takes_no_time_to_refuse() -> None:
    assert extract_code("import this was said\n" * 50_000, "stop").reason == "syntax_error"


@pytest.mark.parametrize("finish_reason", ["length", "stop"])
def test_unfenced_code_is_not_cut_down_until_it_parses(finish_reason: str) -> None:
    assert extract_code("def f(x):\n    y = x\n    return (y +", finish_reason).code is None
