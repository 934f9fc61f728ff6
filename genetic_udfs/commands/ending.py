"""How every job ends: its exit code, and one clear message instead of a trace where the user can act on it.

Exit codes: 0 done, 1 failed, 2 the configuration or the input is at fault, 143 stopped by SIGTERM or SIGINT.
"""

import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Any, Final, NoReturn

import typer

from genetic_udfs.errors import GeneticUdfsError

STOPPED: Final = 143


class Stopped(BaseException):
    """Somebody asked the job to stop."""


def run_job(command: Callable[..., Any]) -> NoReturn:
    """Run a typer command as a job and exit."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)
    app.command()(command)
    try:
        app(standalone_mode=False)
    except GeneticUdfsError as error:
        _end(f"error: {error}", error.exit_code)
    except Stopped:
        _end("stopped; the same command goes on from here", STOPPED)
    except typer.Abort:
        _end("stopped", STOPPED)
    except Exception as error:
        if hasattr(error, "format_message"):  # wrong usage, as click reports it
            _end(f"error: {error.format_message()}", 2)
        raise
    _end(None, 0)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    signal.signal(number, signal.SIG_IGN)
    raise Stopped


def _end(message: str | None, code: int) -> NoReturn:
    if message is not None:
        print(message, file=sys.stderr)
    sys.stdout.flush()
    sys.stderr.flush()
    sys.exit(code)
