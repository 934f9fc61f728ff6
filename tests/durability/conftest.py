"""A run that nothing befalls, to hold the others against."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from tests import scripted_model
from tests.durability.small_run import evolve, settings
from tests.scripted_server import ScriptedServer


@dataclass(frozen=True)
class Undisturbed:
    """A finished run, and how many requests it took."""

    config: Config
    requests: int


@pytest.fixture(scope="package", autouse=True)
def few_partitions(spark: SparkSession) -> Iterator[None]:
    """The tables here have a dozen rows; a run's results do not depend on partitions (tests/test_evolution.py)."""
    before = spark.conf.get("spark.sql.shuffle.partitions")
    spark.conf.set("spark.sql.shuffle.partitions", "1")
    yield
    spark.conf.set("spark.sql.shuffle.partitions", before or "2")


@pytest.fixture(scope="package")
def undisturbed(
    spark: SparkSession, few_partitions: None, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Undisturbed]:
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        config = settings(tmp_path_factory.mktemp("undisturbed"), server.url)
        (_, row) = evolve(spark, config)
        assert (row["accepted"], row["shortfall"]) == (6, 0)
        assert row["rounds"] >= 2
        yield Undisturbed(config, server.calls.total())
