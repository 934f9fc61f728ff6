"""A Spark application of its own, started by `test_executors_with_gpus.py`: executors on one host that hold GPUs.

Its master is `local-cluster`: Spark's standalone master and workers in the driver's JVM, and executors that are JVMs of
their own. A worker finds its GPUs by a discovery script and hands them out: one worker GPUs 0 and 1, two workers GPU 0
each, as containers with a GPU each would. The servers are scripted ones.

It prints what each task saw as a JSON object a line: when its rows are answered, or, with `--hold`, before.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from pyspark import TaskContext
from pyspark.sql import SparkSession

from genetic_udfs.config import Engine
from genetic_udfs.engine.client import Client
from genetic_udfs.engine.exchange import Question, Sampling
from genetic_udfs.engine.executor import Executor
from genetic_udfs.engine.launch import control_socket
from genetic_udfs.engine.lease import Lease
from genetic_udfs.engine.orders import Order
from tests.engine.conftest import processes_in

GPUS = 2
CORES = 8
WINDOW = 16
ROWS_PER_TASK = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the discovery script, and what --hold writes")
    parser.add_argument("--workers", type=int, default=1)
    parser.add_argument("--executor-gpus", type=int, required=True)
    parser.add_argument("--task-gpus", type=float, required=True)
    parser.add_argument("--together", type=int, required=True, help="tasks that share a server before one asks")
    parser.add_argument("--hold", action="store_true", help="write what a task saw to a file, then ask in vain")
    options = parser.parse_args()
    executors = GPUS // options.executor_gpus
    worker_gpus = GPUS // options.workers
    script = options.folder / "discover.sh"
    found = {"name": "gpu", "addresses": [str(gpu) for gpu in range(worker_gpus)]}
    script.write_text(f"#!/bin/sh\necho '{json.dumps(found)}'\n")
    script.chmod(0o755)
    conf = {
        "spark.executor.cores": CORES // executors,
        "spark.executor.memory": "512m",
        "spark.worker.resource.gpu.amount": worker_gpus,
        "spark.worker.resource.gpu.discoveryScript": script,
        "spark.executor.resource.gpu.amount": options.executor_gpus,
        "spark.task.resource.gpu.amount": options.task_gpus,
        # No task starts before all executors are there: else the first one might run them all.
        "spark.cores.max": CORES,
        "spark.scheduler.minRegisteredResourcesRatio": 1.0,
        "spark.task.maxFailures": 1,
        "spark.ui.enabled": False,
        "spark.ui.showConsoleProgress": False,
        "spark.log.level": "ERROR",
    }
    master = f"local-cluster[{options.workers},{CORES // options.workers},1024]"
    builder = SparkSession.builder.appName("two executors").master(master)
    for key, value in conf.items():
        builder = builder.config(key, str(value))
    spark = builder.getOrCreate()
    tasks = round(GPUS / options.task_gpus)
    rows = spark.sparkContext.parallelize(range(tasks * ROWS_PER_TASK), tasks)
    hold = options.folder if options.hold else None
    for seen in rows.mapPartitions(partial(ask, options.together, hold)).collect():
        print(json.dumps(seen), flush=True)
    spark.stop()


def ask(together: int, hold: Path | None, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Ask a scripted server of this executor, when enough tasks have a share of it."""
    yield asyncio.run(_ask(together, hold, list(numbers)))


async def _ask(together: int, hold: Path | None, numbers: list[int]) -> dict[str, Any]:
    executor = Executor.of_this_task()
    shares: list[int] = []
    engine = Engine(model="any", args={"latency": 600.0 if hold else 0.01})
    lease = Lease(
        Order("smol", engine, WINDOW),
        partial(control_socket, executor, "tests.engine.fake_supervisor"),
        on_share=shares.append,
    )
    async with lease:
        async with asyncio.timeout(60), lease.route():
            while shares[-1] > WINDOW // together:
                await asyncio.sleep(0.02)
        folder = executor.folder()
        seen = {"jvm": executor.watched.pid, "gpus": executor.gpus, "folder": str(folder), "servers": servers(folder)}
        if hold is not None:
            task = TaskContext.get()
            assert task is not None
            new = hold / f"task-{task.partitionId()}.new"
            new.write_text(json.dumps(seen))
            new.rename(new.with_suffix(".json"))
        client = Client(lease, Sampling(temperature=0.0, top_p=1.0, max_tokens=8))
        replies = await asyncio.gather(*(client.ask(Question(f"row {number}")) for number in numbers))
    return seen | {"rows": {number: reply.text for number, reply in zip(numbers, replies, strict=True)}}


def servers(folder: Path) -> dict[int, str]:
    """The GPUs that each scripted server in a folder sees, by the server's process number."""
    found = [psutil.Process(process.pid) for process in processes_in(folder)]
    return {
        process.pid: process.environ().get("CUDA_VISIBLE_DEVICES", "")
        for process in found
        if any(part.endswith("scripted_server.py") for part in process.cmdline())
    }


if __name__ == "__main__":
    os.environ["PYSPARK_PYTHON"] = sys.executable
    main()
