"""Stores in a folder and in a schema of the catalog: appending once, versions, what tables are made with."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.errors import StoreError
from genetic_udfs.store.presence import require
from genetic_udfs.store.schema import GENERATIONS, POPULATION, POPULATION_SCHEMA
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store


@pytest.fixture(params=["folder", "schema"])
def store(request: pytest.FixtureRequest, spark: SparkSession, tmp_path: Path) -> Iterator[Store]:
    if request.param == "folder":
        yield Store(spark, str(tmp_path / "it's a `store` [1]{a}"))
        return
    yield Store(spark, "catalog:genetic_tables")
    spark.sql("USE default")
    spark.sql("DROP SCHEMA IF EXISTS genetic_tables CASCADE")


def seeds(spark: SparkSession, *ordinals: int) -> DataFrame:
    rows = [{"id": f"seed-{i}", "generation": 0, "parents": [], "operator": "seed", "ordinal": i} for i in ordinals]
    return spark.createDataFrame(rows, POPULATION_SCHEMA)  # type: ignore[type-var]


def test_a_commit_is_made_once_and_says_what_it_is(store: Store, spark: SparkSession) -> None:
    for version, ordinal in ((0, 0), (0, 0), (1, 1), (1, 1)):
        rows = seeds(spark, ordinal)
        store.append(POPULATION, rows, transaction="generation", version=version, generation=version)
    assert store.version(POPULATION) == 1
    assert [store.read(POPULATION, version).count() for version in (0, 1)] == [1, 2]
    commits = store.table(POPULATION).history().orderBy("version").collect()
    assert [json.loads(commit["userMetadata"]) for commit in commits] == [{"generation": 0}, {"generation": 1}]


def test_a_population_is_made_so_that_its_versions_stay(store: Store, spark: SparkSession) -> None:
    store.append(POPULATION, seeds(spark, 0, 1, 2), transaction="generation", version=0)
    properties = store.table(POPULATION).detail().select("properties").collect()[0][0]
    assert properties["delta.logRetentionDuration"] == "interval 3650 days"
    assert properties["delta.deletedFileRetentionDuration"] == "interval 3650 days"
    log = Path(store.path(POPULATION).removeprefix("file:")) / "_delta_log" / f"{0:020}.json"
    added = [json.loads(line)["add"] for line in log.read_text().splitlines() if '"add"' in line]
    minimums = [json.loads(file["stats"])["minValues"] for file in added]
    assert sorted(ordinal for minimum in minimums for ordinal in [minimum["ordinal"]])[0] == 0
    assert {name for minimum in minimums for name in minimum} == {"ordinal", "generation"}


def test_replacing_keeps_no_row(store: Store, spark: SparkSession) -> None:
    store.append(POPULATION, seeds(spark, 0, 1), transaction="generation", version=0)
    store.replace(POPULATION, seeds(spark, 7), run_id="r")
    assert [row["ordinal"] for row in store.read(POPULATION).collect()] == [7]


def test_a_table_that_was_never_written_to_is_empty_and_reading_makes_nothing(store: Store) -> None:
    assert not store.exists(POPULATION)
    assert store.read(POPULATION).count() == 0
    assert not Path(store.folder.removeprefix("file:")).exists()
    with pytest.raises(StoreError, match=r"is not a store of this project: there is no table .*/generations"):
        require(store, GENERATIONS)


def test_scratch_space_lies_in_the_stores_folder(store: Store, spark: SparkSession) -> None:
    store.append(POPULATION, seeds(spark, 0), transaction="generation", version=0)
    scratch = Scratch(spark, f"{store.root}/_scratch/r")
    rows = scratch.checkpoint(spark.range(3), "n")
    found = scratch.read("?", rows.schema)
    assert found is not None and (rows.count(), found.count()) == (3, 3)
    kept = Path(store.folder.removeprefix("file:")) / "_scratch" / "r"
    assert (kept / "n").is_dir()
    scratch.clear()
    assert not kept.exists()


def test_tables_of_a_schema_are_managed_and_a_catalog_that_forgot_them_is_reported(
    spark: SparkSession, tmp_path: Path
) -> None:
    store = Store(spark, "catalog:genetic_forgotten")
    store.append(POPULATION, seeds(spark, 0), transaction="generation", version=0)
    described = {
        row["col_name"]: row["data_type"] for row in spark.sql(f"DESCRIBE EXTENDED {store.name(POPULATION)}").collect()
    }
    assert described["Type"] == "MANAGED"
    moved = tmp_path / "population"
    Path(store.path(POPULATION).removeprefix("file:")).rename(moved)
    spark.sql("DROP SCHEMA genetic_forgotten CASCADE")
    assert not store.exists(POPULATION)
    home = Path(store.path(POPULATION).removeprefix("file:"))
    home.parent.mkdir(parents=True)
    moved.rename(home)
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr] # as in another session
    try:
        assert store.read(POPULATION).count() == 1
        assert spark.catalog.tableExists("genetic_forgotten.population")
        store.append(POPULATION, seeds(spark, 0), transaction="generation", version=0)
        store.append(POPULATION, seeds(spark, 1), transaction="generation", version=1)
        assert store.read(POPULATION).count() == 2
    finally:
        spark.sql("DROP SCHEMA genetic_forgotten CASCADE")


def test_views_of_a_schema_that_may_not_be_written_to_are_the_sessions_own_and_no_other_error_is_taken_for_that(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    session = spark.newSession()
    store = Store(session, "catalog:genetic_foreign")
    store.append(POPULATION, seeds(session, 0), transaction="generation", version=0)
    run_sql = SparkSession.sql

    def refused(of: SparkSession, statement: str) -> DataFrame:
        if statement.startswith("CREATE OR REPLACE VIEW"):
            raise AnalysisException("Permission denied: user=reader, access=WRITE")
        return run_sql(of, statement)

    try:
        monkeypatch.setattr(SparkSession, "sql", refused)
        store.register()
        monkeypatch.undo()
        assert {row["viewName"]: row["isTemporary"] for row in session.sql("SHOW VIEWS").collect()}["ancestry"]
        session.sql("CREATE TABLE genetic_foreign.ancestry (id INT)")
        with pytest.raises(AnalysisException, match="ancestry"):
            store.register()
    finally:
        session.sql("USE default")
        session.sql("DROP SCHEMA genetic_foreign CASCADE")
