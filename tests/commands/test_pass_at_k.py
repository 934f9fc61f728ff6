"""pass@k: the unbiased estimate, against its definition and against drawing."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genetic_udfs.commands.pass_at_k import mean_pass_at_k, pass_at_k


@given(st.integers(1, 9), st.data())
def test_it_is_the_share_of_all_draws_of_k_that_hold_a_right_one(samples: int, data: st.DataObject) -> None:
    passed, k = data.draw(st.integers(0, samples)), data.draw(st.integers(1, samples))
    draws = list(combinations([True] * passed + [False] * (samples - passed), k))
    assert pass_at_k(samples, passed, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_1_is_the_share_that_is_right() -> None:
    assert pass_at_k(10, 3, 1) == pytest.approx(0.3)


def test_it_is_not_the_biased_estimate() -> None:
    assert pass_at_k(4, 2, 2) == pytest.approx(5 / 6)  # 1 - (1 - 2/4)^2 would be 3/4


def test_many_samples_neither_overflow_nor_lose_the_difference() -> None:
    assert pass_at_k(10_000, 1, 100) == pytest.approx(0.01)


def test_the_mean_is_over_problems() -> None:
    assert mean_pass_at_k([0, 1, 2], samples=2, k=1) == pytest.approx(0.5)
    assert mean_pass_at_k([0, 1, 2], samples=2, k=2) == pytest.approx(2 / 3)


@pytest.mark.parametrize(("samples", "passed", "k"), [(2, 3, 1), (2, -1, 1), (2, 1, 3), (2, 1, 0), (0, 0, 1)])
def test_numbers_that_cannot_be_are_refused(samples: int, passed: int, k: int) -> None:
    with pytest.raises(ValueError, match=f"pass@{k}"):
        pass_at_k(samples, passed, k)


def test_no_problem_has_no_mean() -> None:
    with pytest.raises(ValueError, match="no problem"):
        mean_pass_at_k([], samples=1, k=1)
