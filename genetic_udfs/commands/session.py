"""The Spark session of a job: started by the configuration, ended with the job, stopped by signals."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from pyspark.sql import SparkSession

from genetic_udfs.commands.job_exit import install_signal_handlers
from genetic_udfs.config import Config
from genetic_udfs.runtime.executors import watch_executors
from genetic_udfs.runtime.session import open_session

if TYPE_CHECKING:
    from genetic_udfs.reporting.progress import Progress


@contextmanager
def job_session(config: Config, job: str, grace: float = 0.0) -> Iterator[SparkSession]:
    """Start Spark for the body, and end it afterwards.

    Args:
        config: says how Spark runs.
        job: name of the job, for Spark's own interface.
        grace: seconds for what is finished after a signal, before the job ends.
    """
    spark = open_session(config, f"genetic-udfs {job}")
    install_signal_handlers(grace)  # Spark has put a handler of its own in place
    try:
        yield spark
    finally:
        spark.stop()


def job_progress(spark: SparkSession, *, in_log: bool = True) -> "Progress":
    """Return a display of progress to which executors can report.

    Args:
        spark: the session.
        in_log: as of `Progress`.
    """
    from genetic_udfs.reporting.progress import Progress  # jobs that only read start without it

    host = spark.conf.get("spark.driver.host") or "127.0.0.1"
    return Progress(host, in_log=in_log, watch=partial(watch_executors, spark))
