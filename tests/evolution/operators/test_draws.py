"""Draws depend on their labels alone, are uniform, and never depend on partitions."""

from collections import Counter
from itertools import pairwise

import pytest
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.evolution.operators.draws import distinct_indexes, draw, index_below, unit, weighted_choice

ROWS = 6000


def values(spark: SparkSession, column: Column, partitions: int = 2) -> list[object]:
    rows = spark.range(ROWS).repartition(partitions).select("id", column.alias("value")).collect()
    return [row["value"] for row in sorted(rows, key=lambda row: row["id"])]


def test_a_draw_is_the_same_under_any_partitioning(spark: SparkSession) -> None:
    column = unit(draw(7, "purpose", F.col("id")))
    assert values(spark, column, 1) == values(spark, column, 5)


def test_the_type_of_a_label_does_not_matter(spark: SparkSession) -> None:
    assert values(spark, draw(7, F.col("id").cast("int"), 3)) == values(
        spark, draw(7, F.col("id"), F.lit(3).cast("long"))
    )


def test_seed_and_labels_each_change_the_draw(spark: SparkSession) -> None:
    one = draw(7, "a", F.col("id"))
    for other in (draw(8, "a", F.col("id")), draw(7, "b", F.col("id")), draw(7, "a", F.col("id") + 1)):
        assert sum(x == y for x, y in zip(values(spark, one), values(spark, other), strict=True)) == 0


def test_units_are_uniform(spark: SparkSession) -> None:
    counts = Counter(int(value * 10) for value in values(spark, unit(draw(1, F.col("id")))))  # type: ignore[operator]
    assert sorted(counts) == list(range(10))
    # Chi-squared with 9 degrees of freedom exceeds 27.9 once in a thousand seeds; this seed is fixed.
    assert sum((count - ROWS / 10) ** 2 / (ROWS / 10) for count in counts.values()) < 27.9


def test_indexes_stay_below_their_count(spark: SparkSession) -> None:
    assert set(values(spark, index_below(draw(1, F.col("id")), F.lit(7)))) == set(range(7))


@pytest.mark.parametrize(("count", "size"), [(5, 5), (5, 2), (128, 3)])
def test_distinct_indexes_are_distinct_and_in_range(spark: SparkSession, count: int, size: int) -> None:
    drawn = values(spark, distinct_indexes(lambda step: draw(3, F.col("id"), step), F.lit(count), size))
    assert all(len(set(indexes)) == size for indexes in drawn)  # type: ignore[call-overload]
    assert {index for indexes in drawn for index in indexes} == set(range(count))  # type: ignore[attr-defined]


def test_every_subset_is_equally_likely(spark: SparkSession) -> None:
    drawn = values(spark, distinct_indexes(lambda step: draw(3, F.col("id"), step), F.lit(5), 2))
    counts = Counter(frozenset(indexes) for indexes in drawn)  # type: ignore[call-overload]
    assert len(counts) == 10
    assert sum((count - ROWS / 10) ** 2 / (ROWS / 10) for count in counts.values()) < 27.9


def test_choices_follow_their_weights(spark: SparkSession) -> None:
    weights = {"a": 1.0, "b": 0.0, "c": 3.0}
    counts = Counter(values(spark, weighted_choice(unit(draw(5, F.col("id"))), weights)))
    assert set(counts) == {"a", "c"}
    assert counts["c"] / ROWS == pytest.approx(0.75, abs=0.02)


@pytest.mark.parametrize("weights", [{"only": 2.0}, {"a": 0.1, "b": 0.2, "c": 0.7}])
def test_the_bounds_of_a_choice_rise_to_the_last_name(spark: SparkSession, weights: dict[str, float]) -> None:
    chosen = values(spark, weighted_choice(F.col("id") / ROWS, weights))
    assert list(dict.fromkeys(chosen)) == list(weights)
    assert sum(x != y for x, y in pairwise(chosen)) == len(weights) - 1
