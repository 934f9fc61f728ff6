"""Tables that were lost and rows that no run writes are named before anything is made of them."""

import shutil

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.errors import StoreError
from genetic_udfs.store.integrity import check_integrity, versions_of_generations
from genetic_udfs.store.presence import refuse_lost_tables, require
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, RUNS
from genetic_udfs.store.tables import Store
from tests.made_store import edit

TABLES = (RUNS, POPULATION, GENERATIONS, REPLIES, CANDIDATES)


def test_a_store_as_a_run_leaves_it_is_fine(made: Store) -> None:
    assert check_integrity(made) == 8
    assert versions_of_generations(made) == {0: 0, 1: 1, 2: 2}


def test_rows_edited_by_hand_are_named_each_by_the_rule_that_it_breaks(made: Store) -> None:
    edited = {"a": {"parents": ["d"]}, "b": {"parents": []}, "c": {"generation": None}, "d": {"parents": None}}
    with pytest.raises(StoreError) as refused:
        check_integrity(edit(made, **edited, e={"ordinal": None}))
    _, *told, hint = str(refused.value).splitlines()
    assert told == [
        "  generation: is null in 1 rows",
        "  generation 2: the population had 8 rows (generations.population_size), and has 7",
        "  ordinal None: is that of 'e'; 8 rows have 0 to 7, each once",
        "  id 'b': has no parents, and is no seed",
        "  id 'd': has no parents, and is no seed",
        "  id 'a': its parent 'd' is not older than it",
    ]
    assert "TO VERSION AS OF 2 with" in hint


def test_two_rows_with_one_id_are_named_where_nothing_else_is_wrong(made: Store) -> None:
    with pytest.raises(StoreError, match="id 'c': stands in 2 rows"):
        check_integrity(edit(made, d={"id": "c"}))


@pytest.mark.parametrize("name", TABLES)
def test_a_table_that_was_lost_is_named(made: Store, name: str) -> None:
    shutil.rmtree(made.path(name))
    with pytest.raises(StoreError, match=rf"/{name}: the table {name} is missing, although .* from a backup"):
        check_integrity(made)
    with pytest.raises(StoreError, match=f"the table {name} is missing"):
        require(made, name)


def test_only_tables_that_a_run_has_come_to_are_missed(made: Store, spark: SparkSession) -> None:
    spark.sql(f"UPDATE {made.name(CANDIDATES)} SET instructor_request = NULL")
    shutil.rmtree(made.path(REPLIES))
    refuse_lost_tables(Store(spark, made.root))  # no reply was ever asked for
    spark.sql(f"DELETE FROM {made.name(GENERATIONS)} WHERE generation > 0")
    spark.sql(f"DELETE FROM {made.name(POPULATION)} WHERE generation > 0")
    for name in (CANDIDATES, GENERATIONS, POPULATION, RUNS):  # from the last that a run makes to the first
        shutil.rmtree(made.path(name))
        refuse_lost_tables(Store(spark, made.root))
    assert check_integrity(Store(spark, made.root)) == 0


def test_of_each_rule_that_is_broken_some_rows_are_named_and_the_others_counted(made: Store) -> None:
    orphans = {id_: {"parents": []} for id_ in "abcd"}
    store = edit(made, **orphans, e={"parents": ["gone", "c", "e"], "id": "c", "ordinal": 9})
    with pytest.raises(StoreError) as refused:
        check_integrity(store)
    assert str(refused.value).splitlines()[1:-1] == [
        "  id 'c': stands in 2 rows",
        "  ordinal 9: is that of 'c'; 8 rows have 0 to 7, each once",
        *(f"  id '{id_}': has no parents, and is no seed" for id_ in "abc"),
        "  and 1 more of this kind",
        "  id 'c': its parent 'e' is not in the population",
        "  id 'c': its parent 'gone' is not in the population",
        "  id 'c': its parent 'c' is not older than it",
    ]


def test_rows_that_generations_lost_are_its_own_to_bring_back(made: Store, spark: SparkSession) -> None:
    store = made
    spark.sql(f"DELETE FROM {store.name(GENERATIONS)}")
    with pytest.raises(StoreError, match="generations: the last is -1, but the population has generation 2") as refused:
        check_integrity(store)
    way = str(refused.value).splitlines()[-1]
    assert f"RESTORE TABLE {store.name(GENERATIONS)} TO VERSION AS OF 2 with" in way
    spark.sql(way[way.index("RESTORE") : way.index(" with jobs/sql.py")])
    check_integrity(store)
