"""Running something on every executor, so that none is missed."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.visit import Visit, visit
from genetic_udfs.config import Engine
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.runtime.session import executors, task_slots

_STAY: Final = 1.0  # seconds
_ROUNDS: Final = 6
_PAUSE: Final = 5.0  # seconds between two rounds, in which executors may come
_LOCAL_TIMEOUT, _CLUSTER_TIMEOUT = 60.0, 120.0

Seen = TypeVar("Seen")


@dataclass(frozen=True)
class Reached:
    """The executors that were reached, one visit for each set of GPUs, and how many there should be."""

    visits: list[Visit]
    expected: int
    slots: int

    @property
    def executors(self) -> int:
        """How many executors were reached."""
        return len({visit.executor for visit in self.visits})


def hold_seconds(spark: SparkSession) -> float:
    """Return how many seconds a task keeps its slot so that others go to other executors: none if there is just one."""
    return 0.0 if _is_local(spark) else _STAY


def run_on_all(spark: SparkSession, look: Callable[[], Seen]) -> list[Seen]:
    """Run a function in as many tasks as there are slots, each of which keeps its slot as `hold_seconds` says.

    Raises:
        TimeoutError: if no task runs after a while, as when no executor has what they ask for.
    """
    seconds = hold_seconds(spark)

    def in_task(_: Iterable[int]) -> Iterable[Seen]:
        time.sleep(seconds)
        yield look()

    context, slots = spark.sparkContext, task_slots(spark)
    timeout = _LOCAL_TIMEOUT if _is_local(spark) else _CLUSTER_TIMEOUT
    done, late = threading.Event(), threading.Event()

    def cancel_in_vain() -> None:
        """Cancel what no executor takes; tasks that run may take longer, as those that read the package first."""
        while not done.wait(timeout):
            if not _running_tasks(spark):
                late.set()
                context.cancelAllJobs()

    threading.Thread(target=cancel_in_vain, name="timeout", daemon=True).start()
    try:
        return context.parallelize(range(slots), slots).mapPartitions(in_task).collect()
    except Exception:
        if late.is_set():
            raise TimeoutError(f"no task got what it asks for within {timeout:.0f} s") from None
        raise
    finally:
        done.set()


def _running_tasks(spark: SparkSession) -> int:
    tracker = spark.sparkContext.statusTracker()
    stages = [tracker.getStageInfo(stage) for stage in tracker.getActiveStageIds()]
    return sum(stage.numActiveTasks for stage in stages if stage is not None)


def reach(spark: SparkSession, engines: Mapping[str, Engine]) -> Reached:
    """Visit every executor, in several rounds if some are missing.

    Raises:
        TimeoutError: as `run_on_all`.
        Exception: what made a task fail, as Spark tells it.
    """
    context = spark.sparkContext
    gpus = ExecutorGpus.of_session(spark)
    wanted = int(context.getConf().get("spark.executor.instances") or 0)
    found: dict[tuple[str, tuple[str, ...]], Visit] = {}
    reached = Reached([], 1, 1)
    for number in range(_ROUNDS):
        for seen in run_on_all(spark, lambda: visit(engines, gpus)):
            found[seen.executor, seen.gpus] = seen
        expected = 1 if _is_local(spark) else max(executors(spark), wanted)
        visits = sorted(found.values(), key=lambda seen: (seen.host, seen.executor, seen.gpus))
        reached = Reached(visits, expected, task_slots(spark))
        # Executors come one after the other: those of a cluster get a second round in any case.
        if reached.executors >= expected and (number > 0 or _is_local(spark)):
            break
        time.sleep(_PAUSE if reached.executors < expected else 0.0)
    return reached


def _is_local(spark: SparkSession) -> bool:
    return bool(spark.sparkContext._jsc.isLocal())
