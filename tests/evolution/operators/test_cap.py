"""However many instructions the replies hold, a generation has no more candidates than it may."""

from collections import Counter

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config.operators import CROSSOVER
from genetic_udfs.evolution.operators.cap import max_candidates_per_slot, within_cap
from genetic_udfs.evolution.operators.parents import with_operator
from genetic_udfs.evolution.operators.slots import slots
from tests.evolution.operators.test_parents import config

COUNTS = {0: 12, 1: 12, 2: 6}


@pytest.mark.parametrize("room", [0, 1, 7, 30, 70])
def test_the_slots_that_are_left_fit_whatever_they_bear_and_one_more_would_not(spark: SparkSession, room: int) -> None:
    settings = config(crossover_instructions=3)
    kept = within_cap(spark, COUNTS, room, 1, 0, settings)
    rows = slots(spark, COUNTS, 1, 0).transform(with_operator, settings).orderBy("slot", "colony").collect()
    assert max_candidates_per_slot(settings) == (1, 4)
    bears = [4 if row["operator"] == CROSSOVER else 1 for row in rows]
    number = sum(kept.values())
    assert sum(bears[:number]) <= room < sum(bears[: number + 1])
    assert kept == Counter(row["colony"] for row in rows[:number])


def test_further_solutions_and_a_mended_one_are_candidates_too(spark: SparkSession) -> None:
    plain = config(crossover_share=0)
    coder = plain.roles.coder.model_copy(update={"samples": 3, "repair": True})
    settings = plain.model_copy(update={"roles": plain.roles.model_copy(update={"coder": coder})})
    assert within_cap(spark, COUNTS, 8, 1, 0, settings) == {0: 1, 1: 1}


def test_colonies_take_turns(spark: SparkSession) -> None:
    assert within_cap(spark, COUNTS, 8, 1, 0, config(crossover_share=0)) == {0: 3, 1: 3, 2: 2}


def test_with_room_for_all_nothing_is_cut(spark: SparkSession) -> None:
    assert within_cap(spark, COUNTS, 30 * 4, 1, 0, config(crossover_instructions=3)) == COUNTS
