"""How every job ends: its exit code, and one clear message instead of a trace where the user can act on it.

Exit codes: 0 done, 1 failed, 2 the configuration or the input is at fault, 143 stopped by SIGTERM or SIGINT.
"""

import signal
import sys
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NoReturn

import typer
from pyspark import SparkContext

from genetic_udfs.errors import GeneticUdfsError

_STOPPED: Final = 143

# Set by SIGTERM and SIGINT. What was under way fails then, because its Spark jobs are cancelled, until a command
# sets `winding_up`, to write how it ended.
stop_requested: Final = threading.Event()
winding_up: Final = threading.Event()


def run_job(command: Callable[..., Any], *, goes_on: bool = False) -> NoReturn:
    """Run a typer command as a job and exit; `goes_on` if the same command continues what was stopped."""
    hear_signals()
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    code: Any = 0
    try:
        app()
    except SystemExit as ended:  # how typer ends, wrong usage with 2
        code = ended.code
    except GeneticUdfsError as error:
        if not stop_requested.is_set():  # else what it tells of is a cancelled job
            _end(f"error: {error}", error.exit_code)
    except Exception:
        if not stop_requested.is_set():
            raise
    if stop_requested.is_set():
        _end("stopped; the same command goes on from here" if goes_on else "stopped", _STOPPED)
    _end(None, code)


def hear_signals() -> None:
    """Take SIGTERM and SIGINT; to be called again once Spark is up, which puts a handler of its own in place."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)


def _stop(number: int, frame: FrameType | None) -> None:
    """Cancel all Spark jobs from another thread.

    An exception raised here would cut into a call to the JVM and leave its connection with a reply that nobody
    reads: the next call would take it for its own.
    """
    stop_requested.set()
    threading.Thread(target=_cancel_jobs, name="cancel-jobs", daemon=True).start()


def _cancel_jobs() -> None:
    # Again and again: between two jobs there is nothing to cancel, and the next one begins afterwards.
    while not winding_up.wait(0.5):
        context = SparkContext._active_spark_context
        if context is not None:
            try:
                context.cancelAllJobs()
            except Exception:  # Spark is ending already
                return


def _end(message: str | None, code: int) -> NoReturn:
    if message is not None:
        print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
