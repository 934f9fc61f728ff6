"""How every job ends: its exit code, and one clear message instead of a trace where the user can act on it.

Exit codes: 0 done, 1 failed, 2 the configuration or the input is at fault, 3 the budget is
reached, 143 stopped by SIGTERM or SIGINT.
"""

import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import FrameType
from typing import Any, Final, NoReturn

import typer

from genetic_udfs.errors import GeneticUdfsError
from genetic_udfs.runtime.stopping import is_finishing, is_stop, request_stop, stop_requested

_STOPPED: Final = 143


def run_job(
    command: Callable[..., Any], *, resumable: bool = False, optional_values: Mapping[str, str] | None = None
) -> NoReturn:
    """Run a typer command as a job and exit.

    Args:
        command: reads the command line.
        resumable: whether the same command continues what was stopped.
        optional_values: options that may stand without a value, which typer does not know, and what it is then.
    """
    install_signal_handlers()
    sys.argv = with_values(sys.argv, optional_values or {})
    # Typer's tables show a flag as if it took a value.
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None)
    app.command()(command)
    try:
        app()
        _end(None, 0)
    except SystemExit as ended:  # how typer ends, wrong usage with 2
        _end(None, ended.code)  # also if a signal came since: what was asked for is done
    except GeneticUdfsError as error:
        if not is_stop(error):
            _end(f"error: {error}", error.exit_code)
    except Exception as error:
        if not is_stop(error):
            if (known := known_error_in(error)) is None:
                raise
            _end(f"error: {known}", known.exit_code)
    _end("stopped; run the same command to resume" if resumable else "stopped", _STOPPED)


def known_error_in(error: Exception) -> GeneticUdfsError | None:
    """Return what a user can act on in an error of Spark's: an engine's, the sandbox's, a table's, the cluster's."""
    # Not before an error: a command line is read without Spark.
    from genetic_udfs.engine.failure import engine_error_in
    from genetic_udfs.runtime.cluster_errors import cluster_error_in
    from genetic_udfs.sandbox.stages import sandbox_error_in
    from genetic_udfs.store.table_errors import table_error_in

    return engine_error_in(error) or sandbox_error_in(error) or table_error_in(error) or cluster_error_in(error)


def with_values(arguments: Sequence[str], optional: Mapping[str, str]) -> list[str]:
    """Return arguments with a value after each option that may stand without one: a number that follows is its own."""
    found = []
    for place, argument in enumerate(arguments):
        found.append(argument)
        following = arguments[place + 1] if place + 1 < len(arguments) else ""
        if argument in optional and not _is_number(following):
            found.append(optional[argument])
    return found


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def install_signal_handlers(grace: float = 0.0) -> None:
    """Take SIGTERM and SIGINT; to be called again once Spark is up, which puts a handler of its own in place.

    Args:
        grace: seconds for what is finished before the job ends; a second signal ends it at once.
    """
    signal.signal(signal.SIGTERM, partial(_stop, grace))
    signal.signal(signal.SIGINT, partial(_stop, grace))


def _stop(grace: float, number: int, frame: FrameType | None) -> None:
    if is_finishing() and not stop_requested.is_set():
        waits = f"finishing the requests under way, for {grace:.0f} s at most; a second signal ends them"
        print(f"stopping: {waits}", file=sys.stderr, flush=True)
    request_stop(grace)


def _end(message: str | None, code: Any) -> NoReturn:
    if message is not None:
        from genetic_udfs.data.text import printable  # not before a message: its tables of Unicode take time

        print(printable(message), file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
