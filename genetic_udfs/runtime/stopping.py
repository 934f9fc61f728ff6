"""Stopping before the end: what was asked for, what is finished first, and how the rest is cut short.

The state is the process's own, as signals are.
"""

import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from genetic_udfs.errors import GeneticUdfsError
from genetic_udfs.runtime.error_text import text_of

# Set when this process was asked to stop. What is under way fails then, because its Spark jobs are cancelled, until a
# command sets `shutting_down`, to write how it ended.
stop_requested: Final = threading.Event()
shutting_down: Final = threading.Event()

# What Spark and py4j say of jobs that were cancelled, and of a context or a JVM that is no more.
_CANCELLED: Final = re.compile(
    r"SPARK_JOB_CANCELLED|(?:[Jj]ob|[Ss]tage) .{0,40}cancell?ed|TaskKilled|Interrupted(?:IO)?Exception"
    r"|stopped SparkContext|SparkContext (?:was|has been|is being) (?:shut ?down|stopped)|Shutdown in progress"
    r"|Filesystem closed|Answer from Java side is empty|Error while sending or receiving"
)

_immediate: Final = threading.Event()
_lock: Final = threading.Lock()
_open_sections = 0


class Stopped(GeneticUdfsError):
    """What was not begun when the process was asked to stop is not begun any more."""


@contextmanager
def graceful_section() -> Iterator[None]:
    """Keep Spark's jobs alive while the body runs, even if a stop is asked for meanwhile.

    Raises:
        Stopped: if it was asked for before.
    """
    _count(1)
    try:
        # After the count: a stop that comes between the two finds something under way, and does not cut it short.
        if stop_requested.is_set():
            raise Stopped("asked to stop")
        yield
    finally:
        _count(-1)


def request_stop(grace: float) -> None:
    """Stop: cancel all Spark jobs as soon as nothing is to be finished first, or after `grace` seconds.

    Asked for once more, they are cancelled at once. It may be called by a handler of signals: the work is done in a
    thread, since an exception raised in a handler would cut into a call to the JVM and leave its connection with a
    reply that nobody reads; the next call would take it for its own.
    """
    if stop_requested.is_set():
        _immediate.set()
        return
    stop_requested.set()
    threading.Thread(target=_stop, args=[grace], name="stop", daemon=True).start()


def cancel_jobs() -> None:
    """Cancel all Spark jobs that run now."""
    from pyspark import SparkContext  # only now: a command line is read without Spark

    context = SparkContext._active_spark_context
    if context is not None:
        context.cancelAllJobs()


def is_stop(error: BaseException) -> bool:
    """Tell whether an error is what a stop led to: work not begun, a cancelled job, a Spark that is ending."""
    if not stop_requested.is_set():
        return False
    if isinstance(error, GeneticUdfsError):
        return isinstance(error, Stopped)
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, Stopped) or type(seen).__name__ == "Py4JNetworkError" or _CANCELLED.search(text_of(seen)):
            return True
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return False


def is_finishing() -> bool:
    """Tell whether something is under way that is finished first."""
    return _open_sections > 0


def _stop(grace: float) -> None:
    deadline = time.monotonic() + grace
    # Again and again: between two jobs there is nothing to cancel, and the next one begins afterwards.
    while not shutting_down.wait(0.2):
        if is_finishing() and not _immediate.is_set() and time.monotonic() < deadline:
            continue
        try:
            cancel_jobs()
        except Exception:  # Spark is ending already
            return


def _count(change: int) -> None:
    global _open_sections
    with _lock:
        _open_sections += change
