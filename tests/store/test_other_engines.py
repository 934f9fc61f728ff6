"""Engines that share no code with Spark read the same tables: delta-rs, and DuckDB's reader on Delta's kernel.

DuckDB's extension comes from PyPI, so that nothing is fetched from DuckDB's own server.
"""

from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from genetic_udfs.store.maintenance import optimize
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, RUNS
from genetic_udfs.store.tables import Store
from tests.made_store import make_store

pytestmark = pytest.mark.slow

TABLES = (POPULATION, CANDIDATES, REPLIES, GENERATIONS, RUNS)


@pytest.fixture(scope="module", params=["folder", "schema"])
def store(request: pytest.FixtureRequest, spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Any:
    name = str(tmp_path_factory.mktemp("engines")) if request.param == "folder" else "catalog:genetic_engines"
    store = make_store(spark, name)
    optimize(store)
    yield store
    spark.sql("DROP SCHEMA IF EXISTS genetic_engines CASCADE")


def folder(store: Store, table: str) -> str:
    return store.path(table).removeprefix("file:")


def by_spark(store: Store, version: int | None = None) -> list[tuple[Any, ...]]:
    rows = store.read(POPULATION, version).select("ordinal", "id", "parents", "fitness", "code").orderBy("ordinal")
    return [tuple(row) for row in rows.collect()]


def test_delta_rs_reads_what_spark_reads(store: Store) -> None:
    for table in TABLES:
        assert DeltaTable(folder(store, table)).to_pyarrow_table().num_rows == store.read(table).count() > 0
    for version in (None, 1):
        read = DeltaTable(folder(store, POPULATION), version=version).to_pyarrow_table().sort_by("ordinal").to_pylist()
        columns = ("ordinal", "id", "parents", "fitness", "code")
        assert [tuple(row[name] for name in columns) for row in read] == by_spark(store, version)


def test_duckdb_reads_what_spark_reads(store: Store) -> None:
    duckdb = pytest.importorskip("duckdb")
    extension = pytest.importorskip("duckdb_extension_delta")
    (file,) = Path(extension.__file__).parent.rglob("*.duckdb_extension")
    with duckdb.connect() as connection:
        connection.execute(f"LOAD '{file}'")
        for table in TABLES:
            query = f"SELECT count(*) FROM delta_scan('{folder(store, table)}')"
            assert connection.execute(query).fetchall() == [(store.read(table).count(),)]
        for version, clause in ((None, ""), (1, ", version = 1")):
            source = f"delta_scan('{folder(store, POPULATION)}'{clause})"
            query = f"SELECT ordinal, id, parents, fitness, code FROM {source} ORDER BY ordinal"
            assert connection.execute(query).fetchall() == by_spark(store, version)
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
