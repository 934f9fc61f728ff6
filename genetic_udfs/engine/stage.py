"""A stage of a job that asks an engine: rows in, the same rows with their replies out, in as many tasks as feed it.

Where executors hold GPUs the stage is the only one that asks Spark for them: its tasks share out those of an executor,
and all other stages have every core. `local` masters know no such requests; there, and as an SQL function, an engine is
asked by a pandas UDF (`udf.py`).
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any, Final

import pyarrow as pa
from pyspark.resource import ResourceProfile, ResourceProfileBuilder, TaskResourceRequests
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import StructField, StructType

from genetic_udfs.config import Engine
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.engine.udf import Asking, ask
from genetic_udfs.runtime import arrow
from genetic_udfs.runtime.session import executor_cores, setting, task_slots

_REPLY: Final = to_arrow_type(REPLY, timezone="UTC")


def with_answers(
    rows: DataFrame, prompt: str, reply: str, name: str, engine: Engine, sampling: Any, **options: Any
) -> DataFrame:
    """Have an engine asked about each row, and add the replies.

    Args:
        rows: Any columns, in as many partitions as `feeder_slots` says.
        prompt: The column of prompts; nothing is asked where it is null.
        reply: The column to add, a struct `columns.REPLY`.
        name: The engine's name in the configuration.
        engine: The engine.
        sampling: How it samples.
        options: As those of `udf.Asking`, but for `feeders` and `gpus`.
    """
    spark = rows.sparkSession
    feeders, gpus = feeder_slots(spark, engine), ExecutorGpus.of_session(spark)
    profile = task_profile(spark, engine, gpus)
    if profile is None:
        call = ask(name, engine, sampling, feeders=feeders, gpus=gpus, **options)
        return rows.withColumn(reply, call(prompt))
    way = Asking(name, engine, sampling, feeders=feeders, gpus=gpus, **options)

    def answered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        yield from answered_batches(way, prompt, reply, batches)

    answered.__name__ = f"ask_{name}"  # what Spark's plans and its UI call it
    schema = StructType([*rows.schema.fields, StructField(reply, REPLY)])
    return rows.mapInArrow(answered, schema, profile=profile)


def feeder_slots(spark: SparkSession, engine: Engine) -> int:
    """Return how many tasks feed an engine at once in the whole cluster, as far as its executors have registered."""
    slots = task_slots(spark)
    if engine.urls:
        return slots
    executors = max(1, slots // executor_cores(spark))
    return min(slots, executors * engine.tasks_feeding)


def gpus_in_all(spark: SparkSession) -> int | None:
    """Return how many GPUs the executors that have registered hold together; None where Spark manages none."""
    gpus = ExecutorGpus.of_session(spark)
    return None if gpus is None else gpus.amount * max(1, task_slots(spark) // executor_cores(spark))


def task_profile(spark: SparkSession, engine: Engine, gpus: ExecutorGpus | None) -> ResourceProfile | None:
    """Return what tasks that feed an engine ask of Spark; None where they ask for a core alone.

    A task gets its share of the executor's GPUs, so that `feeders` of them run at once.
    """
    if gpus is None or engine.urls or setting(spark, "spark.dynamicAllocation.enabled") == "true":
        return None  # with dynamic allocation a profile would have executors of its own
    share = gpus.amount / min(engine.tasks_feeding, executor_cores(spark))
    if 0.5 < share < 1 or share > 1:
        share = float(-(-gpus.amount // engine.tasks_feeding))  # Spark shares out parts up to a half, or whole ones
    return ResourceProfileBuilder().require(TaskResourceRequests().cpus(1).resource("gpu", share)).build


def answered_batches(
    way: Asking, prompt: str, reply: str, batches: Iterator[pa.RecordBatch]
) -> Iterator[pa.RecordBatch]:
    """Yield the rows of a partition with their replies, in their order; batches are of other lengths."""
    read: deque[pa.RecordBatch] = deque()

    def prompts() -> Iterator[list[str | None]]:
        for batch in batches:
            if batch.num_rows:
                read.append(batch)
                yield [text for (text,) in arrow.rows([batch], prompt)]

    for replies in way.replies(prompts()):
        while replies:
            batch = read.popleft()
            now, replies = replies[: batch.num_rows], replies[batch.num_rows :]
            if len(now) < batch.num_rows:
                read.appendleft(batch.slice(len(now)))
            added = pa.array([asdict(each) for each in now], _REPLY)
            rows = batch.slice(0, len(now))
            yield pa.RecordBatch.from_arrays([*rows.columns, added], names=[*rows.schema.names, reply])
