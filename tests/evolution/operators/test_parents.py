"""Parents are drawn from population and colony, uniformly or by fitness, the same under any partitioning."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from pyspark.sql import DataFrame, Row, SparkSession

from genetic_udfs.config import Config
from genetic_udfs.evolution.operators.parents import with_operator, with_parents
from genetic_udfs.evolution.operators.slots import slots

OWN = "colony int, index long, id string, instruction string, depth int, fitness double"


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


def population(
    spark: SparkSession, size: int, depth: int = 0, fitness: Callable[[int], float | None] = lambda ordinal: None
) -> DataFrame:
    rows = [(ordinal, f"p{ordinal}", f"text {ordinal}", depth, fitness(ordinal)) for ordinal in range(size)]
    return spark.createDataFrame(rows, "ordinal long, id string, instruction string, depth int, fitness double")


def drawn(
    spark: SparkSession,
    settings: Config,
    counts: dict[int, int],
    size: int,
    own: list[Any],
    partitions: int = 2,
    fitness: Callable[[int], float | None] = lambda ordinal: None,
    count: int = 100,
) -> list[Row]:
    offspring = with_operator(slots(spark, counts, 1, 0).repartition(partitions), settings)
    people = population(spark, size, fitness=fitness).repartition(partitions)
    rows = with_parents(offspring, people, spark.createDataFrame(own, OWN), size, settings, count=count)
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
    own = [(0, index, f"own{index}", "mine", 0, None) for index in range(5)]
    rows = drawn(spark, config(crossover_share=0), {0: 3000, 1: 300}, 5, own)
    counts = Counter(ids(row)[0] for row in rows if row["colony"] == 0)
    assert set(counts) == {*(f"p{i}" for i in range(5)), *(f"own{i}" for i in range(5))}
    assert sum((count - 300) ** 2 / 300 for count in counts.values()) < 27.9  # chi-squared, 9 degrees, 0.001


def test_a_colony_never_draws_what_another_has_accepted(spark: SparkSession) -> None:
    own = [(0, index, f"own{index}", "mine", 0, None) for index in range(50)]
    rows = drawn(spark, config(), {1: 200}, 5, own)
    assert {parent for row in rows for parent in ids(row)} <= {f"p{i}" for i in range(5)}


def test_parents_are_the_same_under_any_partitioning_and_way_of_joining(spark: SparkSession) -> None:
    own = [(0, index, f"own{index}", "mine", index, None) for index in range(3)]
    few = drawn(spark, config(), {0: 40, 1: 40}, 20, own, 1)
    assert few == drawn(spark, config(), {0: 40, 1: 40}, 20, own, 7, count=1_000_000)
    assert [ids(row) for row in few[:4]] == [["p7"], ["own1"], ["p12", "own0", "p19"], ["p5", "own1", "p4"]]
    assert [tuple(parent) for parent in few[2]["parents"]] == [
        ("p12", "text 12", 0),
        ("own0", "mine", 0),
        ("p19", "text 19", 0),
    ]


def test_a_mutation_draws_below_the_depth_cap(spark: SparkSession) -> None:
    own = [(0, index, f"deep{index}", "mine", 3, None) for index in range(5)]
    rows = drawn(spark, config(crossover_share=0, max_depth=3), {0: 200}, 5, own)
    assert {parent["depth"] for row in rows for parent in row["parents"]} == {0}


def test_a_slot_that_finds_no_parent_below_the_cap_stays_without(spark: SparkSession) -> None:
    settings = config(crossover_share=0, max_depth=3)
    offspring = with_operator(slots(spark, {0: 3}, 1, 0), settings)
    rows = with_parents(
        offspring, population(spark, 4, depth=3), spark.createDataFrame([], OWN), 4, settings, count=1
    ).collect()
    assert [row["parents"] for row in rows] == [[], [], []]


def by_rank(ordinal: int) -> float:
    return ordinal / 10


def chi_squared(counts: Counter[str], expected: dict[str, float]) -> float:
    assert set(counts) <= set(expected)
    return sum((counts[name] - number) ** 2 / number for name, number in expected.items())


@pytest.mark.parametrize("crossover_share", [0.0, 1.0])
def test_the_first_parent_is_the_fittest_of_three_drawn_uniformly(spark: SparkSession, crossover_share: float) -> None:
    settings = config(selection="tournament", crossover_share=crossover_share)
    assert settings.operators.tournament_size == 3
    rows = drawn(spark, settings, {0: 4000}, 10, [], fitness=by_rank)
    # The best of three draws out of ten has rank r with probability (r^3 - (r-1)^3) / 10^3.
    expected = {f"p{rank - 1}": 4000 * (rank**3 - (rank - 1) ** 3) / 1000 for rank in range(1, 11)}
    assert chi_squared(Counter(ids(row)[0] for row in rows), expected) < 27.9  # 9 degrees, 0.001


def test_a_larger_tournament_presses_harder(spark: SparkSession) -> None:
    def best(size: int) -> float:
        settings = config(selection="tournament", tournament_size=size, crossover_share=0)
        rows = drawn(spark, settings, {0: 1000}, 10, [], fitness=by_rank)
        return sum(ids(row) == ["p9"] for row in rows) / 1000

    assert best(2) == pytest.approx(1 - 0.9**2, abs=0.05)
    assert best(8) == pytest.approx(1 - 0.9**8, abs=0.05)


def test_without_fitness_a_tournament_is_uniform_and_any_fitness_beats_none(spark: SparkSession) -> None:
    settings = config(selection="tournament", crossover_share=0)
    rows = drawn(spark, settings, {0: 3000}, 10, [])
    counts = Counter(ids(row)[0] for row in rows)
    assert chi_squared(counts, {f"p{i}": 300.0 for i in range(10)}) < 27.9
    own = [(0, 0, "judged", "mine", 0, 0.0)]
    rows = drawn(spark, settings, {0: 3000}, 9, own)
    assert sum(ids(row) == ["judged"] for row in rows) / 3000 == pytest.approx(1 - 0.9**3, abs=0.03)


def test_parents_of_a_tournament_crossover_are_different_even_in_a_tiny_population(spark: SparkSession) -> None:
    rows = drawn(spark, config(selection="tournament", crossover_share=1.0), {0: 300}, 3, [], fitness=by_rank)
    assert len(rows) == 300
    assert {tuple(sorted(ids(row))) for row in rows} == {("p0", "p1", "p2")}
    fields = {tuple(parent.asDict()) for row in rows for parent in row["parents"]}
    assert fields == {("id", "instruction", "depth")}


def test_tournaments_are_the_same_under_any_partitioning(spark: SparkSession) -> None:
    settings = config(selection="tournament", tournament_size=4)
    own = [(0, index, f"own{index}", "mine", 0, 0.5) for index in range(3)]
    first, second = (drawn(spark, settings, {0: 40, 1: 40}, 20, own, n, by_rank) for n in (1, 7))
    assert first == second


def test_a_mutations_tournament_is_held_below_the_depth_cap(spark: SparkSession) -> None:
    own = [(0, index, f"deep{index}", "mine", 3, 1.0) for index in range(5)]
    settings = config(selection="tournament", crossover_share=0, max_depth=3)
    rows = drawn(spark, settings, {0: 400}, 5, own, fitness=by_rank)
    counts = Counter(ids(row)[0] for row in rows)
    assert set(counts) == {f"p{i}" for i in range(5)}
    assert counts["p4"] / 400 == pytest.approx(1 - 0.8**3, abs=0.08)
    at_the_cap = with_operator(slots(spark, {0: 3}, 1, 0), settings)
    none = with_parents(at_the_cap, population(spark, 4, depth=3), spark.createDataFrame([], OWN), 4, settings, count=1)
    assert [row["parents"] for row in none.collect()] == [[], [], []]
