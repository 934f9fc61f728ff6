"""A Spark session of this machine for benchmarks: Delta's jars from the project's cache, no UI."""

import contextlib
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import Any

from pyspark.sql import SparkSession

from benchmarks.processes import PROJECT
from genetic_udfs.config import Config, Spark
from genetic_udfs.engine.models import BUNDLED
from genetic_udfs.runtime.session import open_session
from genetic_udfs.store.scratch import Scratch


def configuration(**changes: Any) -> Config:
    """Return what a configuration must have, with changes."""
    roles = {role: {"engine": "smol"} for role in ("instructor", "coder", "judge")}
    settings = {"store": "unused", "seeds": "unused", "generations": 1, "samples_per_generation": 1}
    return Config.model_validate({**settings, "engines": {"smol": {"model": BUNDLED}}, "roles": roles, **changes})


def delta_jars() -> list[str]:
    """Return the paths of Delta's jars in the project's cache."""
    return [str(jar) for jar in sorted((PROJECT / ".cache" / "ivy" / "jars").glob("*.jar"))]


def session(master: str = "local[2]", **conf: bool | int | float | str) -> SparkSession:
    """Start Spark; names in `conf` have underscores in the place of dots, and two in that of one."""
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    properties: dict[str, bool | int | float | str] = {
        "spark.jars": ",".join(delta_jars()),
        "spark.driver.memory": "1g",
        "spark.ui.enabled": False,
        "spark.log.level": "ERROR",
        **{name.replace("__", "\0").replace("_", ".").replace("\0", "_"): value for name, value in conf.items()},
    }
    settings = configuration().model_copy(update={"spark": Spark(master=master, conf=properties)})
    return open_session(settings, "benchmark")


@contextlib.contextmanager
def scratch(spark: SparkSession) -> Iterator[Scratch]:
    """Return a place for intermediate results that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        yield Scratch(spark, folder)
