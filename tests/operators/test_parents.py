"""Parents are drawn uniformly from the population and the colony's own, the same under any partitioning."""

from collections import Counter
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from genetic_udfs.config import Config
from genetic_udfs.operators.parents import with_operator, with_parents
from genetic_udfs.operators.slots import slots

OWN = "colony int, index long, id string, instruction string, depth int"


def config(**operators: Any) -> Config:
    return Config.model_validate(
        {
            "store": "unused",
            "seed": 11,
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 10,
            "operators": operators,
            "engines": {"any": {"model": "any"}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        }
    )


def population(spark: SparkSession, size: int, depth: int = 0) -> DataFrame:
    rows = [(ordinal, f"p{ordinal}", f"text {ordinal}", depth) for ordinal in range(size)]
    return spark.createDataFrame(rows, "ordinal long, id string, instruction string, depth int")


def drawn(
    spark: SparkSession,
    settings: Config,
    counts: dict[int, int],
    size: int,
    own: list[Any],
    partitions: int = 2,
) -> list[Row]:
    offspring = with_operator(slots(spark, counts, 1, 0).repartition(partitions), settings)
    people = population(spark, size).repartition(partitions)
    rows = with_parents(offspring, people, spark.createDataFrame(own, OWN), size, settings)
    return sorted(rows.collect(), key=lambda row: (row["colony"], row["slot"]))


def ids(row: Row) -> list[str]:
    return [parent["id"] for parent in row["parents"]]


def test_half_are_crossovers_and_tasks_follow_their_weights(spark: SparkSession) -> None:
    rows = with_operator(slots(spark, {0: 4000}, 1, 0), config()).collect()
    operators = Counter(row["operator"] for row in rows)
    assert operators["crossover"] / 4000 == pytest.approx(0.5, abs=0.03)
    tasks = Counter(row["task"] for row in rows if row["operator"] == "mutation")
    assert {row["task"] for row in rows if row["operator"] == "crossover"} == {None}
    assert len(tasks) == 5
    assert tasks["complexity"] / operators["mutation"] == pytest.approx(0.25 / 4.25, abs=0.02)


def test_a_mutation_has_one_parent_and_a_crossover_its_number_of_different_ones(spark: SparkSession) -> None:
    rows = drawn(spark, config(crossover_parents=4), {0: 200, 1: 200}, 6, [])
    assert len(rows) == 400
    for row in rows:
        expected = 1 if row["operator"] == "mutation" else 4
        assert len(set(ids(row))) == len(ids(row)) == expected


def test_parents_are_uniform_over_population_and_own(spark: SparkSession) -> None:
    own = [(0, index, f"own{index}", "mine", 0) for index in range(5)]
    rows = drawn(spark, config(crossover_share=0), {0: 3000, 1: 300}, 5, own)
    counts = Counter(ids(row)[0] for row in rows if row["colony"] == 0)
    assert set(counts) == {*(f"p{i}" for i in range(5)), *(f"own{i}" for i in range(5))}
    assert sum((count - 300) ** 2 / 300 for count in counts.values()) < 27.9  # chi-squared, 9 degrees, 0.001


def test_a_colony_never_draws_what_another_has_accepted(spark: SparkSession) -> None:
    own = [(0, index, f"own{index}", "mine", 0) for index in range(50)]
    rows = drawn(spark, config(), {1: 200}, 5, own)
    assert {parent for row in rows for parent in ids(row)} <= {f"p{i}" for i in range(5)}


def test_parents_are_the_same_under_any_partitioning(spark: SparkSession) -> None:
    own = [(0, index, f"own{index}", "mine", 0) for index in range(3)]
    assert drawn(spark, config(), {0: 40, 1: 40}, 20, own, 1) == drawn(spark, config(), {0: 40, 1: 40}, 20, own, 7)


def test_a_mutation_draws_below_the_depth_cap(spark: SparkSession) -> None:
    own = [(0, index, f"deep{index}", "mine", 3) for index in range(5)]
    rows = drawn(spark, config(crossover_share=0, max_depth=3), {0: 200}, 5, own)
    assert {parent["depth"] for row in rows for parent in row["parents"]} == {0}


def test_a_slot_that_finds_no_parent_below_the_cap_stays_without(spark: SparkSession) -> None:
    settings = config(crossover_share=0, max_depth=3)
    offspring = with_operator(slots(spark, {0: 3}, 1, 0), settings)
    rows = with_parents(offspring, population(spark, 4, depth=3), spark.createDataFrame([], OWN), 4, settings).collect()
    assert [row["parents"] for row in rows] == [[], [], []]
