"""Tables carry a schema version: what older versions wrote is migrated, what newer ones wrote is refused by name."""

from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StructType

from genetic_udfs.errors import StoreError
from genetic_udfs.store.schema import (
    GENERATIONS,
    GENERATIONS_SCHEMA,
    POPULATION,
    POPULATION_SCHEMA,
    SCHEMA_VERSION,
    SCHEMA_VERSION_PROPERTY,
)
from genetic_udfs.store.schema_version import bring_up_to_date, schema_version
from genetic_udfs.store.tables import SCHEMAS, Store


@pytest.fixture
def store(spark: SparkSession, tmp_path: Path) -> Store:
    return Store(spark, str(tmp_path))


def of_version_1(store: Store, *lacking: str) -> None:
    """Write a row of `generations` as it was before some columns were there, and without a version."""
    rows = store.spark.createDataFrame([{"generation": 0, "population_size": 8}], GENERATIONS_SCHEMA).drop(*lacking)
    rows.write.format("delta").save(store.path(GENERATIONS))


def test_each_table_carries_its_version_from_its_first_commit(store: Store) -> None:
    for table in SCHEMAS:
        store.create(table)
        assert store.version(table) == 0
        assert schema_version(store, table) == SCHEMA_VERSION
        assert DeltaTable(store.path(table)).metadata().configuration[SCHEMA_VERSION_PROPERTY] == str(SCHEMA_VERSION)
    bring_up_to_date(store)
    assert {store.version(table) for table in SCHEMAS} == {0}


@pytest.mark.parametrize("lacking", [(), ("audit",), ("audit", "engines")])
def test_generations_of_version_1_get_the_columns_they_lack_and_keep_their_rows(
    store: Store, lacking: tuple[str, ...]
) -> None:
    of_version_1(store, *lacking)
    assert schema_version(store, GENERATIONS) == 1
    bring_up_to_date(store)
    assert schema_version(store, GENERATIONS) == SCHEMA_VERSION
    assert [field.name for field in store.read(GENERATIONS).schema if field.name not in lacking] == [
        name for name in GENERATIONS_SCHEMA.names if name not in lacking
    ]
    new = store.spark.createDataFrame([{"generation": 1, "population_size": 14}], GENERATIONS_SCHEMA)
    store.append(GENERATIONS, new, transaction="generation", version=1)
    rows = store.read(GENERATIONS).select("generation", "population_size", "audit", "engines").orderBy("generation")
    assert rows.collect() == [Row(0, 8, None, None), Row(1, 14, None, None)]
    version = store.version(GENERATIONS)
    bring_up_to_date(store)
    assert store.version(GENERATIONS) == version


def test_a_field_that_engines_lacked_is_added_within_them(store: Store) -> None:
    engines = GENERATIONS_SCHEMA["engines"].dataType
    assert isinstance(engines, ArrayType) and isinstance(engines.elementType, StructType)
    older = StructType([field for field in engines.elementType if field.name != "restarts"])
    rows = store.spark.createDataFrame([{"generation": 0}], GENERATIONS_SCHEMA)
    rows.withColumn("engines", F.array().cast(ArrayType(older))).write.format("delta").save(store.path(GENERATIONS))
    bring_up_to_date(store)
    assert store.read(GENERATIONS).select(F.explode_outer("engines").alias("e")).select("e.restarts").count() == 1


def test_columns_that_do_not_fit_are_refused_by_the_tables_name(store: Store) -> None:
    odd = store.spark.createDataFrame([("x",)], "id string").withColumn("ordinal", F.lit("first"))
    odd.write.format("delta").save(store.path(POPULATION))
    with pytest.raises(StoreError, match=r"/population: has schema version 1, and its columns do not fit .*ordinal"):
        bring_up_to_date(store)


def test_a_newer_version_is_refused_and_nothing_is_migrated(store: Store) -> None:
    of_version_1(store, "audit")
    store.append(POPULATION, store.spark.createDataFrame([], POPULATION_SCHEMA), transaction="generation", version=0)
    newer, known = SCHEMA_VERSION + 1, SCHEMA_VERSION
    properties = f"('{SCHEMA_VERSION_PROPERTY}' = '{newer}')"
    store.spark.sql(f"ALTER TABLE delta.`{store.path(POPULATION)}` SET TBLPROPERTIES {properties}")
    with pytest.raises(StoreError, match=rf"/population: has schema version {newer}, .* knows {known} at most: go"):
        bring_up_to_date(store)
    assert schema_version(store, GENERATIONS) == 1
