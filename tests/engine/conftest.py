"""An executor that is not Spark's: a process to watch, and supervisors in a folder of the test's own."""

import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pytest

from genetic_udfs.engine.executor import Executor
from genetic_udfs.engine.progress import ProgressListener, StageProgress
from genetic_udfs.engine.supervisor_launch import control_socket
from genetic_udfs.runtime.process import ProcessId


def eventually(condition: Callable[[], bool], seconds: float = 300.0) -> bool:
    deadline = time.monotonic() + seconds
    while not (met := condition()) and time.monotonic() < deadline:
        time.sleep(0.02)
    return met


def final_progress(listener: ProgressListener, stage: str, rows: int) -> StageProgress:
    """Return the progress of a stage that is over: its last datagram may come after its last row."""
    assert eventually(lambda: listener.snapshot().get(stage, StageProgress()).rows >= rows)
    return listener.snapshot()[stage]


def processes_in(folder: Path) -> list[ProcessId]:
    """Supervisors and servers that run for a folder, known by it from their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                command = (entry / "cmdline").read_bytes()
            except OSError:
                continue
            process = ProcessId.of(int(entry.name))
            if str(folder).encode() in command and process is not None and process.is_alive():
                found.append(process)
    return found


class FakeExecutor:
    """Stands in for an executor's JVM; `kill` is what a node manager would do to it."""

    def __init__(self, gpus: tuple[str, ...] = ()) -> None:
        self._jvm = subprocess.Popen(["sleep", "600"])
        watched = ProcessId.of(self._jvm.pid)
        assert watched is not None
        self.identity = Executor(watched, gpus)
        self.folder = self.identity.folder()
        self.find_supervisor = partial(control_socket, self.identity, "tests.engine.fake_supervisor")

    def kill(self) -> None:
        self._jvm.kill()
        self._jvm.wait()

    def processes(self) -> list[ProcessId]:
        return processes_in(self.folder)

    def servers(self) -> list[ProcessId]:
        return [p for p in self.processes() if b"scripted_server" in Path(f"/proc/{p.pid}/cmdline").read_bytes()]

    def supervisors(self) -> list[ProcessId]:
        return [p for p in self.processes() if b"fake_supervisor" in Path(f"/proc/{p.pid}/cmdline").read_bytes()]


@pytest.fixture
def short_tmp(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A temporary folder with a path short enough for Unix sockets, which pytest's own may not be."""
    tmp_path_factory.getbasetemp()  # which pytest would make in this folder otherwise, if it is not there yet
    with tempfile.TemporaryDirectory(prefix="gu-", dir="/tmp", ignore_cleanup_errors=True) as folder:
        monkeypatch.setattr(tempfile, "tempdir", folder)
        yield Path(folder)


@pytest.fixture
def executor(short_tmp: Path) -> Iterator[FakeExecutor]:
    made = FakeExecutor()
    yield made
    made.kill()
    assert eventually(lambda: not made.processes()), "a supervisor or server outlived its executor"
