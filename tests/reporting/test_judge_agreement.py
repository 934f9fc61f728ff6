"""Agreement of two judges, against figures from the literature."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from genetic_udfs.reporting.judge_agreement import Agreement, format_agreement, print_agreement

COUNTS = st.integers(0, 50)


def test_share_and_kappa_of_a_known_table() -> None:
    found = Agreement(yes_yes=20, yes_no=5, no_yes=10, no_no=15)  # observed 0.7, by chance 0.5
    assert (found.total, found.share) == (50, 0.7)
    assert found.kappa == pytest.approx(0.4)


def test_full_disagreement_is_minus_one() -> None:
    assert Agreement(yes_no=5, no_yes=5).kappa == pytest.approx(-1.0)


def test_kappa_is_zero_where_one_judge_always_says_the_same() -> None:
    assert Agreement(yes_yes=8, no_yes=2).kappa == pytest.approx(0.0)


@pytest.mark.parametrize("found", [Agreement(), Agreement(yes_yes=7), Agreement(no_no=7)])
def test_kappa_is_undefined_where_chance_would_agree_on_everything(found: Agreement) -> None:
    assert found.kappa is None


@given(COUNTS, COUNTS, COUNTS, COUNTS)
def test_kappa_does_not_care_which_judge_is_the_first_and_never_exceeds_one(a: int, b: int, c: int, d: int) -> None:
    one, other = Agreement(a, b, c, d).kappa, Agreement(a, c, b, d).kappa
    assert (one is None) == (other is None)
    if one is not None:
        assert one == pytest.approx(other)
        assert -1.0 - 1e-9 <= one <= 1.0 + 1e-9
        assert (one == pytest.approx(1.0)) == (b == c == 0)


def test_the_words_give_share_and_kappa_or_say_that_it_is_undefined() -> None:
    assert (
        format_agreement(Agreement(20, 5, 10, 15)) == "They agree on 35 of 50 candidates (70%); Cohen's kappa is 0.40."
    )
    assert format_agreement(Agreement(yes_yes=3)).endswith(
        "kappa is undefined, as both said the same of every candidate."
    )
    assert format_agreement(Agreement()) == "No candidate has a verdict of both judges."


def test_the_table_has_the_first_judge_in_rows() -> None:
    out = io.StringIO()
    print_agreement(Console(file=out, width=100), Agreement(1, 2, 3, 4), "Verdicts [of a]")
    lines = [" ".join(line.replace("│", " ").split()) for line in out.getvalue().splitlines()]
    assert lines[0] == "Verdicts [of a]"
    assert {"first: Yes 1 2", "first: No 3 4"} <= set(lines)
