"""Watching the executors of an application: one line when none comes, when some are lost, when others come."""

import threading
import time
from collections.abc import Callable
from typing import Any, Final

from py4j.protocol import Py4JError, Py4JJavaError, Py4JNetworkError
from pyspark.sql import SparkSession

from genetic_udfs.runtime.offers import describe_offer

_INTERVAL: Final = 2.0  # seconds between two looks
_REPEATED: Final = 15.0  # seconds between two lines of an application that has none


class ExecutorWatch:
    """What is said of the executors that there are at a moment, by those that there were before.

    Args:
        wanted: What each executor requests.
        offers: Returns what the cluster has.
    """

    def __init__(self, wanted: str, offers: Callable[[], str]) -> None:
        self._wanted = wanted
        self._offers = offers
        self._known: frozenset[str] = frozenset()
        self._none_since: float | None = None
        self._repeated = 0.0

    def lines(self, now: frozenset[str], seconds: float) -> list[str]:
        """Return what is to be said.

        Args:
            now: The executors, each as HOST:PORT.
            seconds: The time, of a clock that never goes back.
        """
        lost, new, had_some = self._known - now, now - self._known, bool(self._known)
        self._known = now
        if now:
            self._none_since = None
        elif self._none_since is None:
            self._none_since = self._repeated = seconds
        lines = []
        if lost:
            left = f"{len(now)} left" if now else "none is left"
            lines.append(f"lost {_named('executor', lost)}: {left}; their tasks are run again")
        if new and had_some:
            lines.append(f"{_named('executor', new)} came: {len(now)} now")
        if self._none_since is not None and seconds - self._repeated >= _REPEATED:
            self._repeated = seconds
            waited = f"no executor for {seconds - self._none_since:.0f} s"
            lines.append(f"{waited}; each requests {self._wanted}; {self._offers()}")
        return lines


def watch_executors(spark: SparkSession, say: Callable[[str], None], ended: threading.Event) -> None:
    """Say what becomes of a session's executors until it has ended; a local master has none to watch."""
    context = spark.sparkContext
    if context._jsc.isLocal():
        return
    watch = ExecutorWatch(wanted(context.getConf()), lambda: describe_offer(spark))
    try:
        java: Any = context._jsc.sc()
        driver = java.env().blockManager().blockManagerId().hostPort()
        while not ended.wait(_INTERVAL):
            found = frozenset(java.getExecutorMemoryStatus().keySet().mkString(" ").split()) - {driver}
            for line in watch.lines(found, time.monotonic()):
                say(line)
    except (Py4JError, Py4JJavaError, Py4JNetworkError, OSError):
        return  # Spark is ending


def wanted(conf: Any) -> str:
    """Return what an executor requests by a configuration of Spark."""
    cores = conf.get("spark.executor.cores")
    parts = [
        f"{cores} cores" if cores else "the cores of a worker",
        f"{conf.get('spark.executor.memory', '1g')} of memory",
    ]
    if overhead := conf.get("spark.executor.memoryOverhead"):
        parts[-1] += f" (and {overhead} beside the JVM on YARN and Kubernetes)"
    if gpus := conf.get("spark.executor.resource.gpu.amount"):
        parts.append(f"{gpus} GPUs")
    return ", ".join(parts)


def _named(what: str, which: frozenset[str]) -> str:
    shown = ", ".join(sorted(which)[:3])
    more = f" and {len(which) - 3} more" if len(which) > 3 else ""
    return f"{what}{'s' if len(which) > 1 else ''} {shown}{more}"
