"""Fixtures that every folder of tests shares: one Spark session with Delta for the whole run."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config import Config, Spark
from genetic_udfs.session import open_session

PROJECT = Path(__file__).resolve().parent.parent
# Many small jobs: compilers, Java's and Spark's own, would take more time than they gain (a run 54 s instead of 75).
FOR_LITTLE_DATA = {
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.codegen.wholeStage": False,
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
}
JARS = sorted((PROJECT / ".cache" / "ivy" / "jars").glob("*.jar"))


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process of pytest-xdist is left alone with one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session on 2 cores, with partitions to match the size of test data."""
    conf = {
        "spark.jars": ",".join(map(str, JARS)),
        "spark.driver.memory": "2g",
        **FOR_LITTLE_DATA,
        "spark.ui.enabled": False,
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": 4,
        "spark.databricks.delta.snapshotPartitions": 2,
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    settings = Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "any/model"}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        }
    ).model_copy(update={"spark": Spark(master="local[2]", conf=conf)})
    session = open_session(settings, "tests")
    yield session
    session.stop()
