"""A job that measures how an engine is fed and how other stages run: `feeding.py CONFIG ENGINE ROWS FILE`.

It writes JSON: `replies`, each with the host process and the times of its task and of its request, and `cpu`, with the
times of tasks of a stage that asks no engine.
"""

import json
import os
import sys
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from pyspark.sql import functions as F

from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.engine.chat_completion import Sampling
from genetic_udfs.engine.stage import feeder_slots, with_answers
from genetic_udfs.runtime.process import ancestor_named
from genetic_udfs.runtime.session import small_batches

_TASKS_A_SLOT = 2
_SECONDS = 1.0


def executor() -> int:
    found = ancestor_named("java")
    assert found is not None
    return found.pid


def busy(rows: Iterable[int]) -> Iterator[dict[str, Any]]:
    began = time.time()
    for _ in rows:
        time.sleep(_SECONDS)
    yield {"executor": executor(), "began": began, "ended": time.time()}


def mark(batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    here = f"{executor()}.{os.getpid()}.{time.time_ns()}"
    for batch in batches:
        yield pd.DataFrame({"task": here, "prompt": [f"{here} row {row}" for row in batch["id"]]})


def main(config: str, name: str, rows: str, file: str) -> None:
    settings = load_config(config)
    engine = settings.engines[name]
    with job_session(settings, "feeding") as spark:
        while spark.sparkContext.defaultParallelism < int(spark.conf.get("spark.cores.max") or 0):
            time.sleep(0.2)  # executors come one by one
        cores = spark.sparkContext.defaultParallelism
        tasks = cores * _TASKS_A_SLOT
        cpu = spark.sparkContext.parallelize(range(tasks), tasks).mapPartitions(busy).collect()
        feeders = feeder_slots(spark, engine)
        marked = (
            spark.range(0, int(rows), 1, feeders).repartition(feeders).mapInPandas(mark, "task string, prompt string")
        )
        asked = with_answers(marked, "prompt", "reply", name, engine, Sampling(0.0, 1.0, 8)).select(
            "task", (F.unix_micros("reply.sent_at") / 1e6).alias("sent"), "reply.seconds", "reply.error"
        )
        began = time.time()
        with small_batches(spark):
            replies = [row.asDict() for row in asked.collect()]
        found = {"cpu": cpu, "replies": replies, "began": began, "ended": time.time(), "feeders": feeders}
    Path(file).write_text(json.dumps(found))


def most_at_once(spans: Iterable[tuple[Any, float, float]]) -> dict[Any, int]:
    """Return how many spans (of whom, from, to) overlapped at most, by whose they are."""
    changes = sorted((at, change, whose) for whose, began, ended in spans for at, change in ((began, 1), (ended, -1)))
    running: dict[Any, int] = {}
    most: dict[Any, int] = {}
    for _, change, whose in changes:
        running[whose] = running.get(whose, 0) + change
        most[whose] = max(most.get(whose, 0), running[whose])
    return most


def most_feeders(replies: Iterable[dict[str, Any]]) -> dict[str, int]:
    """Return how many tasks had requests in flight at once, by executor."""
    spans: dict[str, tuple[float, float]] = {}
    for row in replies:
        began, ended = spans.get(row["task"], (row["sent"], 0.0))
        spans[row["task"]] = (min(began, row["sent"]), max(ended, row["sent"] + row["seconds"]))
    return most_at_once((task.partition(".")[0], *span) for task, span in spans.items())


if __name__ == "__main__":
    main(*sys.argv[1:])
