"""Quotas add up, and rounds ask for what is missing at the yield that was seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from genetic_udfs.evolution.operators import slots as module
from genetic_udfs.evolution.operators.slots import quotas, slots, slots_by_colony


@given(samples=st.integers(1, 10_000), colonies=st.integers(1, 50))
def test_quotas_add_up_and_differ_by_one_at_most(samples: int, colonies: int) -> None:
    shares = quotas(samples, colonies)
    assert sum(shares.values()) == samples
    assert max(shares.values()) - min(shares.values()) <= 1
    assert list(shares) == list(range(colonies))


def test_the_first_round_asks_for_what_is_needed() -> None:
    assert slots_by_colony({0: 3, 1: 2}, accepted=0, used=0) == {0: 3, 1: 2}


def test_later_rounds_follow_the_yield() -> None:
    assert slots_by_colony({0: 3, 1: 0}, accepted=5, used=10) == {0: 6}


def test_a_tiny_yield_does_not_ask_for_a_flood() -> None:
    assert slots_by_colony({0: 3}, accepted=0, used=1000) == {0: 30}


def test_several_instructions_from_a_slot_never_ask_for_less_than_is_needed() -> None:
    assert slots_by_colony({0: 4}, accepted=20, used=10) == {0: 4}


@pytest.mark.parametrize(("at_once", "partitions"), [(50_000, 1), (2, 2)])
def test_slots_are_numbered_within_their_colony_in_however_many_tasks(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch, at_once: int, partitions: int
) -> None:
    monkeypatch.setattr(module, "SLOTS_A_TASK", at_once)
    assert slots(spark, {0: 5}, generation=4, round_=1).rdd.getNumPartitions() == partitions
    rows = slots(spark, {0: 5, 3: 1}, generation=4, round_=1).orderBy("colony", "slot").collect()
    assert [tuple(row) for row in rows] == [*((4, 1, 0, slot) for slot in range(5)), (4, 1, 3, 0)]
