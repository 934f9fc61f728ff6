"""Engines that share no code with Spark read the same tables: delta-rs, and DuckDB's reader on Delta's kernel.

DuckDB's extension comes from PyPI, so that nothing is fetched from DuckDB's own server.
"""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, RUNS
from genetic_udfs.store.tables import Store
from tests.made_store import make_store

pytestmark = pytest.mark.slow

TABLES = (POPULATION, CANDIDATES, REPLIES, GENERATIONS, RUNS)
COLUMNS = ("ordinal", "id", "parents", "fitness", "code")
Read = dict[int | None, list[tuple[Any, ...]]]


@pytest.fixture(scope="module", params=["folder", "schema"])
def store(
    request: pytest.FixtureRequest, spark: SparkSession, made_once: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Store]:
    name = str(tmp_path_factory.mktemp("engines")) if request.param == "folder" else "catalog:genetic_engines"
    if request.param == "folder":
        shutil.copytree(made_once, name, dirs_exist_ok=True)
        store = Store(spark, name)
    else:
        store = make_store(spark, name)
    store.table(POPULATION).optimize().executeCompaction()
    yield store
    spark.sql("DROP SCHEMA IF EXISTS genetic_engines CASCADE")


@pytest.fixture(scope="module")
def counts(store: Store) -> dict[str, int]:
    """How many rows Spark finds in each table."""
    return {table: store.read(table).count() for table in TABLES}


@pytest.fixture(scope="module")
def by_spark(store: Store) -> Read:
    """What Spark reads of the population: of its latest version, and of an earlier one."""
    return {
        version: [tuple(row) for row in store.read(POPULATION, version).select(*COLUMNS).orderBy("ordinal").collect()]
        for version in (None, 1)
    }


def folder(store: Store, table: str) -> str:
    return store.path(table).removeprefix("file:")


def test_delta_rs_reads_what_spark_reads(store: Store, counts: dict[str, int], by_spark: Read) -> None:
    for table in TABLES:
        assert DeltaTable(folder(store, table)).to_pyarrow_table().num_rows == counts[table] > 0
    for version, expected in by_spark.items():
        read = DeltaTable(folder(store, POPULATION), version=version).to_pyarrow_table().sort_by("ordinal").to_pylist()
        assert [tuple(row[name] for name in COLUMNS) for row in read] == expected


def test_duckdb_reads_what_spark_reads(store: Store, counts: dict[str, int], by_spark: Read) -> None:
    duckdb = pytest.importorskip("duckdb")
    extension = pytest.importorskip("duckdb_extension_delta")
    (file,) = Path(extension.__file__).parent.rglob("*.duckdb_extension")
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{file}'")
        for table in TABLES:
            query = f"SELECT count(*) FROM delta_scan('{folder(store, table)}')"
            assert connection.execute(query).fetchall() == [(counts[table],)]
        for version, clause in ((None, ""), (1, ", version = 1")):
            source = f"delta_scan('{folder(store, POPULATION)}'{clause})"
            query = f"SELECT {', '.join(COLUMNS)} FROM {source} ORDER BY ordinal"
            assert connection.execute(query).fetchall() == by_spark[version]
        # A recursive query of its own: the seeds of e.
        query = f"""
            WITH RECURSIVE population AS (SELECT * FROM delta_scan('{folder(store, POPULATION)}')),
            walk AS (
                SELECT id, parents FROM population WHERE id = 'e'
                UNION
                SELECT parent.id, parent.parents
                FROM walk JOIN population AS parent ON list_contains(walk.parents, parent.id)
            )
            SELECT id FROM walk WHERE len(parents) = 0 ORDER BY id
        """
        assert connection.execute(query).fetchall() == [("seed-0",), ("seed-1",), ("seed-2",)]
