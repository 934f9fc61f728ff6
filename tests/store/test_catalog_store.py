"""A run whose store is a schema of Spark's catalog: evolving, resuming, and reading it."""

from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands.evolve import new_run
from genetic_udfs.config.file import load_config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.history import generations
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import EMBEDDINGS, REPLIES, VERDICTS
from genetic_udfs.store.tables import SCHEMAS, Store
from tests import scripted_model
from tests.evolution.test_evolution import evolve, settings
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.slow

LOCAL = Path(__file__).parents[2] / "conf" / "local.yaml"


def test_a_run_in_a_schema_resumable_and_is_read_as_one_in_a_folder(spark: SparkSession) -> None:
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        few = {"generations": 1, "colonies": 1, "samples_per_generation": 2}
        config = settings(Path("unused"), server.url, operators={"crossover_share": 1.0}, **few)
        config = config.model_copy(update={"store": "catalog:genetic_run"})
        store = Store(spark, config.store)
        try:
            first = evolve(spark, config)
            assert [row["accepted"] for row in first] == [16, 2]
            more = evolve(spark, config.model_copy(update={"generations": 2}))
            assert more[:2] == first
            assert store.read(REPLIES).count() == server.calls.total()
            assert [row["population_version"] for row in more] == [0, 1, 2]
            tables = spark.sql("SHOW TABLES IN genetic_run").filter("NOT isTemporary").collect()
            assert {row["tableName"] for row in tables} == set(SCHEMAS) - {EMBEDDINGS, VERDICTS}
            described = spark.sql("DESCRIBE EXTENDED genetic_run.population").collect()
            assert ("Type", "MANAGED") in {(row["col_name"], row["data_type"]) for row in described}
            assert [one.missing for one in generations(store)] == [0, 0, 0]
            store.register()
            assert spark.sql("SELECT count(*) FROM population VERSION AS OF 1").collect()[0][0] == 18
            seeds = spark.sql("SELECT count(DISTINCT descendant) FROM ancestry WHERE operator = 'seed'")
            assert seeds.collect()[0][0] == 20
            # The schema keeps its views: they are there for others too.
            assert spark.newSession().sql("SELECT count(*) FROM genetic_run.by_operator").collect()[0][0] > 0
            folder = Path(store.folder.removeprefix("file:"))
            assert not [file for file in folder.glob("_scratch/**/*") if file.is_file()]
            with Progress() as progress:
                kept = new_run(spark, config, progress).scratch.checkpoint(spark.range(1), "n")
            assert kept.inputFiles()[0].startswith(f"file://{folder}/_scratch/")
        finally:
            spark.sql("USE default")
            spark.sql("DROP SCHEMA IF EXISTS genetic_run CASCADE")


@pytest.mark.parametrize("name", ["", "a.b.c", "a b", "1st", "../x", "x;DROP TABLE y"])
def test_a_schemas_name_is_checked_before_spark_starts(name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"store: after 'catalog:' stands the name of a schema"):
        load_config(LOCAL, [f"store='catalog:{name}'"])


def test_a_schemas_name_is_no_path() -> None:
    assert load_config(LOCAL, ["store=catalog:lake.genetic"]).store == "catalog:lake.genetic"
