"""Making sure that an executor has its supervisor: exactly one, whoever needs it first."""

import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from genetic_udfs.engine.executor import CONTROL, Executor
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import python_path

PROGRAM: Final = "genetic_udfs.engine.supervisor_process"
_TIMEOUT: Final = 90.0  # seconds until the supervisor listens: a Python start on a busy machine, and a sweep


def control_socket(executor: Executor, program: str = PROGRAM) -> Path:
    """Return the control socket of the executor's supervisor, which is started if it does not run. It blocks.

    Args:
        executor: Whose.
        program: The module that is the supervisor.

    Raises:
        EngineError: It does not start.
    """
    folder = executor.folder()
    control = folder / CONTROL
    with _locked(folder / "launch.lock"):
        if not _answers(control):
            _start(executor, folder, program)
            deadline = time.monotonic() + _TIMEOUT
            while not _answers(control):
                if not executor.watched.is_alive():
                    raise EngineError(f"process {executor.watched.pid}, whose engines these are, is gone")
                if time.monotonic() > deadline:
                    raise EngineError(f"the engines' supervisor does not start; its log is {_log(folder)}")
                time.sleep(0.05)
    return control


def _start(executor: Executor, folder: Path, program: str) -> None:
    environment = dict(os.environ)
    # A Spark worker may have this package from a zip file, which is only on its own sys.path.
    environment["PYTHONPATH"] = python_path()
    watched = executor.watched
    arguments = ["--folder", str(folder), "--watch", str(watched.pid), str(watched.started)]
    if executor.gpus:
        arguments += ["--gpus", ",".join(executor.gpus)]
    with _log(folder).open("ab") as log:
        started = subprocess.run(
            [sys.executable, "-m", program, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            timeout=_TIMEOUT,
            check=False,
        )
    if started.returncode != 0:
        last = _log(folder).read_text(errors="replace").splitlines()[-20:]
        raise EngineError("the engines' supervisor does not start:\n" + "\n".join(last))


def _log(folder: Path) -> Path:
    return folder / "supervisor.log"


def _answers(control: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5.0)
        try:
            probe.connect(str(control))
        except OSError:
            return False
        return True


@contextlib.contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX)
        yield
