"""A Spark application of its own, started by `test_executors_with_gpus.py`: executors on one host that hold GPUs.

Its master is `local-cluster`: Spark's standalone master and workers in the driver's JVM, and executors that are JVMs of
their own. A worker finds its GPUs, 0 and 1, by a discovery script and hands them out. First one worker has an executor
with both; then two workers have three executors with a GPU each, of which two are called 0, as containers count theirs.
The servers are scripted ones.

One cluster follows another in the driver's JVM. It prints what each task saw as a JSON object a line, when its rows are
answered; in the last job each task writes that to a file, and then asks in vain.
"""

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil
from pyspark import SparkConf, SparkContext, TaskContext
from pyspark.resource import ResourceProfileBuilder, TaskResourceRequests

from genetic_udfs.config import Engine
from genetic_udfs.engine.chat_completion import Sampling
from genetic_udfs.engine.client import Client
from genetic_udfs.engine.connection import EngineConnection
from genetic_udfs.engine.executor import Executor, base_folder
from genetic_udfs.engine.protocol import EngineRequest
from genetic_udfs.engine.supervisor_launch import control_socket
from tests.conftest import QUICK_JVM
from tests.engine.conftest import eventually, processes_in

GPUS = 2  # of a worker
EXECUTORS = 3  # of two workers
TASKS = 2  # at once on an executor of these
WINDOW = 16
ROWS_PER_TASK = 5


@dataclass(frozen=True)
class Part:
    """How the tasks of a job hold GPUs: how many each, and how many tasks are to share a server before one asks."""

    name: str
    tasks: int
    task_gpus: float
    together: int


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, required=True, help="for the discovery script, and for the last tasks")
    folder = parser.parse_args().folder
    with cluster(folder, workers=1, executors=1, executor_gpus=GPUS) as context:
        run(context, Part("all GPUs of an executor", tasks=1, task_gpus=2, together=1))
        run(context, Part("a part of a GPU", tasks=4, task_gpus=0.5, together=2))
    with cluster(folder, workers=2, executors=EXECUTORS, executor_gpus=1) as context:
        tasks = EXECUTORS * TASKS
        run(context, Part("an executor for each GPU", tasks=tasks, task_gpus=1 / TASKS, together=TASKS))
        run(context, Part("held", tasks=tasks, task_gpus=1 / TASKS, together=TASKS), hold=folder)


@contextmanager
def cluster(folder: Path, *, workers: int, executors: int, executor_gpus: int) -> Iterator[SparkContext]:
    """Start executors, and see in the end that no engine outlives them."""
    cores = TASKS * executor_gpus  # of an executor
    script = folder / "discover.sh"
    found = {"name": "gpu", "addresses": [str(gpu) for gpu in range(GPUS)]}
    script.write_text(f"#!/bin/sh\necho '{json.dumps(found)}'\n")
    script.chmod(0o755)
    conf = {
        "spark.executor.cores": cores,
        "spark.executor.memory": "512m",
        "spark.worker.resource.gpu.amount": GPUS,
        "spark.worker.resource.gpu.discoveryScript": script,
        "spark.executor.resource.gpu.amount": executor_gpus,
        "spark.task.resource.gpu.amount": executor_gpus,
        "spark.driver.extraJavaOptions": " ".join(QUICK_JVM),
        "spark.executor.extraJavaOptions": " ".join(QUICK_JVM),
        # No task starts before all executors are there: else the first one might run them all.
        "spark.cores.max": executors * cores,
        "spark.scheduler.minRegisteredResourcesRatio": 1.0,
        "spark.scheduler.maxRegisteredResourcesWaitingTime": "600s",
        "spark.task.maxFailures": 1,
        "spark.ui.enabled": False,
        "spark.ui.showConsoleProgress": False,
        "spark.log.level": "ERROR",
    }
    spark_conf = SparkConf().setAll([(key, str(value)) for key, value in conf.items()])
    spark_conf.setAppName("executors with GPUs").setMaster(f"local-cluster[{workers},{TASKS * GPUS},1024]")
    context = SparkContext(conf=spark_conf)
    yield context
    context.stop()
    assert eventually(lambda: not processes_in(base_folder()), 300.0), "a supervisor or a server outlived its executor"


def run(context: SparkContext, part: Part, hold: Path | None = None) -> None:
    rows = context.parallelize(range(part.tasks * ROWS_PER_TASK), part.tasks)
    resources = TaskResourceRequests().cpus(1).resource("gpu", part.task_gpus)
    rows = rows.withResources(ResourceProfileBuilder().require(resources).build)
    for seen in rows.mapPartitions(partial(ask, part.together, hold)).collect():
        print(json.dumps(seen | {"part": part.name}), flush=True)


def ask(together: int, hold: Path | None, numbers: Iterable[int]) -> Iterator[dict[str, Any]]:
    """Ask a scripted server of this executor, when enough tasks have a share of it."""
    yield asyncio.run(_ask(together, hold, list(numbers)))


async def _ask(together: int, hold: Path | None, numbers: list[int]) -> dict[str, Any]:
    executor = Executor.of_this_task()
    shares: list[int] = []
    engine = Engine(model="any", args={"latency": 3600.0 if hold else 0.01})
    lease = EngineConnection(
        EngineRequest("smol", engine, WINDOW),
        partial(control_socket, executor, "tests.engine.fake_supervisor"),
        on_share=shares.append,
    )
    async with lease:
        async with asyncio.timeout(600), lease.route():
            while min(shares) > WINDOW // together:  # the others may be done before this one looks
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
        replies = await asyncio.gather(*(client.ask(f"row {number}") for number in numbers))
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
