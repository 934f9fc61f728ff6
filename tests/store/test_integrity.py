"""Rows that no run writes are named before anything is made of them."""

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.errors import StoreError
from genetic_udfs.schema import GENERATIONS, POPULATION
from genetic_udfs.store.integrity import check_integrity, versions_of_generations
from tests.made_store import make_store


def test_a_store_as_a_run_leaves_it_is_fine(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = make_store(spark, str(tmp_path_factory.mktemp("whole")))
    check_integrity(store)
    assert versions_of_generations(store) == {0: 0, 1: 1, 2: 2}


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"c": {"generation": None}}, "generation: is null in 1 rows"),
        ({"d": {"parents": []}}, "id 'd': has no parents, and is no seed"),
        ({"d": {"parents": None}}, "id 'd': has no parents, and is no seed"),
        ({"d": {"parents": ["e"]}}, "id 'd': its parent 'e' is not older than it"),
        ({"d": {"id": "c"}}, "id 'c': stands in 2 rows"),
        ({"e": {"ordinal": None}}, "ordinal None: is that of 'e'; 8 rows have 0 to 7, each once"),
    ],
)
def test_a_row_edited_by_hand_is_named(
    spark: SparkSession,
    tmp_path_factory: pytest.TempPathFactory,
    changed: dict[str, dict[str, object]],
    told: str,
) -> None:
    store = make_store(spark, str(tmp_path_factory.mktemp("edited")), **changed)
    with pytest.raises(StoreError) as refused:
        check_integrity(store)
    assert told in str(refused.value)
    assert "TO VERSION AS OF 2 with" in str(refused.value)


def test_a_table_of_generations_that_was_lost_is_not_made_up(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> None:
    store = make_store(spark, str(tmp_path_factory.mktemp("lost")))
    spark.sql(f"DELETE FROM {store.name(GENERATIONS)}")
    with pytest.raises(StoreError, match="generations: the last is -1, but the population has generation 2"):
        check_integrity(store)
    spark.sql(f"DELETE FROM {store.name(POPULATION)} WHERE generation > 0")
    check_integrity(store)  # as if a run had been killed before it wrote its first row there
