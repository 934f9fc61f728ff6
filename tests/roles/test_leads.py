"""What the words before a code block say of it."""

import pytest

from genetic_udfs.roles.leads import is_called_wrong


@pytest.mark.parametrize(
    "lead",
    [
        "The original was:",
        "Old version:",
        "Before:",
        "Previously:",
        "Your version was:",
        "The erroneous code from the question:",
        "For reference, the code from the problem:",
    ],
)
def test_a_version_that_is_shown_for_comparison_is_not_the_solution(lead: str) -> None:
    assert is_called_wrong(f"{lead}\n")


@pytest.mark.parametrize(
    "lead",
    [
        "Here is your function:",
        "Here is the fixed function:",
        "The original problem is solved by this:",
        "The updated version of the original code:",
    ],
)
def test_what_speaks_of_an_earlier_version_may_show_the_new_one(lead: str) -> None:
    assert not is_called_wrong(f"{lead}\n")
