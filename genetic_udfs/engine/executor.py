"""The executor that a feeder runs in: which JVM and which GPUs, and the folder where its engines are found.

The JVM's process is the executor's identity: it is what (application id, executor id) stand for, it is known
in every Python worker without asking the driver, and it is what engines must not outlive.
"""

import hashlib
import os
import stat
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Self

from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import ProcessId, ancestor_named, this_machine

if TYPE_CHECKING:
    from genetic_udfs.engine.gpus import ExecutorGpus  # and Spark, which the supervisor would pay for nothing

CONTROL: Final = "control.sock"
"""The name of a supervisor's socket in its folder."""

_LONGEST_SOCKET_PATH: Final = 107  # bytes: sockaddr_un.sun_path without its last zero
_LONGEST_NAME_IN_FOLDER: Final = 24  # bytes: "/e1795392193123.sock" and some to spare


@dataclass(frozen=True)
class Executor:
    """One executor and set of GPUs: there is one supervisor for each.

    Args:
        watched: The process with which its engines end: the executor's JVM.
        gpus: Addresses of the GPUs of its engines; empty when Spark manages none.
    """

    watched: ProcessId
    gpus: tuple[str, ...] = ()

    @classmethod
    def of_this_task(cls, gpus: "ExecutorGpus | None" = None) -> Self:
        """Return the executor of the running Spark task; outside Spark this process stands in for it.

        Args:
            gpus: How to find the GPUs of the executor; those that the task holds count unless given.

        Raises:
            EngineError: No JVM is above this process, or the GPUs cannot be found.
        """
        from pyspark import TaskContext  # a second to import, which the supervisor would pay for nothing

        task = TaskContext.get()
        watched = ancestor_named("java") if task is not None else ProcessId.of(os.getpid())
        if watched is None:
            raise EngineError("no process named java is above this Spark worker; engines end with the executor's JVM")
        if task is not None and gpus is not None:
            return cls(watched, gpus.of(watched, cls(watched).folder()))
        gpu = task.resources().get("gpu") if task is not None else None
        return cls(watched, tuple(gpu.addresses) if gpu is not None else ())

    def folder(self) -> Path:
        """Return the folder of this executor's supervisor, made if need be, that nobody else can enter."""
        identity = [this_machine(), self.watched.pid, self.watched.started, *self.gpus]
        key = hashlib.sha256("\n".join(map(str, identity)).encode()).hexdigest()[:16]
        folder = _private(base_folder() / key)
        return folder


def base_folder() -> Path:
    """Return the folder that holds the folders of all supervisors of this user on this machine."""
    name = f"genetic-udfs-{os.getuid()}"
    candidates = [Path(tempfile.gettempdir()).absolute() / name, Path("/tmp") / name]
    for folder in candidates:
        if len(os.fsencode(folder)) + 17 + _LONGEST_NAME_IN_FOLDER <= _LONGEST_SOCKET_PATH:
            return _private(folder)
    raise EngineError(f"the temporary folder {candidates[0].parent} has too long a path for a Unix socket; set TMPDIR")


def _private(folder: Path) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
        raise EngineError(f"{folder} belongs to somebody else; engines are not started through it. Set TMPDIR")
    if stat.S_IMODE(status.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder
