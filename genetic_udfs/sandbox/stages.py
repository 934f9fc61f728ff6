"""What a job that has code run needs beside the column: a check of every slot, small tasks, progress, errors."""

import re
import socket
from collections.abc import Iterator
from typing import Final

import pyarrow as pa
from pyspark import TaskContext
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Sandbox
from genetic_udfs.engine.progress import Counters, ProgressAddress, ProgressReporter
from genetic_udfs.errors import SandboxError
from genetic_udfs.runtime.session import task_slots
from genetic_udfs.sandbox.spark import SANDBOX_TIER, outcome_of

# Few enough rows that a task with slow code does not end long after the others, and few enough tasks for the driver.
_ROWS_A_TASK: Final = 200
_TASKS_A_SLOT: Final = 32
# The text of a worker's exception goes on with the Java stack, after an empty line.
_RAISED: Final = re.compile(rf"{SandboxError.__name__}: (.*?)(?:\n\s*\n|\n\s+at |\Z)", re.DOTALL)


def check_tier(spark: SparkSession, settings: Sandbox) -> dict[str, list[str]]:
    """Start the sandbox in every task slot, so that what it lacks is said before any code is run.

    Returns:
        By tier, the hosts that have it.

    Raises:
        SandboxError: If a slot does not reach `sandbox.least_tier`.
    """
    slots = task_slots(spark)
    tier = outcome_of(F.lit(""), None, settings)[SANDBOX_TIER]
    try:
        host = F.udf(lambda: socket.gethostname()).asNondeterministic()()  # Spark warns of a built-in function
        rows = spark.range(0, slots, 1, slots).select(tier.alias("tier"), host.alias("host")).distinct().collect()
    except Exception as error:
        if (known := sandbox_error_in(error)) is not None:
            raise SandboxError(f"{known}. The configuration's sandbox.least_tier says what is accepted") from None
        raise
    return {tier: sorted(row["host"] for row in rows if row["tier"] == tier) for tier in {row["tier"] for row in rows}}


def spread(rows: DataFrame, count: int) -> DataFrame:
    """Spread rows over the cores, in tasks so small that they end together.

    Args:
        rows: Any rows.
        count: How many they are.
    """
    slots = task_slots(rows.sparkSession)
    return rows.repartition(min(max(slots, count // _ROWS_A_TASK), slots * _TASKS_A_SLOT))


def report_progress(rows: DataFrame, stage: str, progress: ProgressAddress | None) -> DataFrame:
    """Return rows as they are, and report them to a stage as they pass."""

    def passing(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        task = TaskContext.get()
        assert task is not None
        reporter = ProgressReporter(progress, stage, f"{task.stageId()}.{task.partitionId()}", task.attemptNumber())
        try:
            for batch in batches:
                reporter.add(Counters(rows=batch.num_rows))
                yield batch
        finally:
            reporter.close()

    return rows.mapInArrow(passing, rows.schema)


def sandbox_error_in(exception: BaseException) -> SandboxError | None:
    """Return the `SandboxError` that made a Spark job fail, with its own message only; None if there is none.

    Args:
        exception: What an action raised on the driver.
    """
    seen: BaseException | None = exception
    while seen is not None:
        if isinstance(seen, SandboxError):
            return seen
        if found := _RAISED.search(str(seen)):
            return SandboxError(found.group(1).strip())
        seen = seen.__cause__ or seen.__context__
    return None
