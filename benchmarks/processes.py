"""Processes that a benchmark compares: each does what it is told, a JSON object a line, and answers with one."""

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

PROJECT = Path(__file__).resolve().parent.parent

Answer = Callable[..., None]


class Side:
    """A process that runs a module of `benchmarks`."""

    def __init__(self, module: str, *arguments: str, **environment: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", f"benchmarks.{module}", *arguments],
            cwd=PROJECT,
            env={**os.environ, **environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )

    def begin(self, **what: Any) -> None:
        assert self.process.stdin is not None
        print(json.dumps(what), file=self.process.stdin, flush=True)

    def end(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith("{"):  # everything else is what libraries print
                answer: dict[str, Any] = json.loads(line)
                return answer
        raise RuntimeError(f"{self.process.args} ended with {self.process.wait()}")

    def run(self, **what: Any) -> dict[str, Any]:
        self.begin(**what)
        return self.end()


@contextlib.contextmanager
def side(module: str, *arguments: str, **environment: str) -> Iterator[Side]:
    made = Side(module, *arguments, **environment)
    try:
        yield made
    finally:
        assert made.process.stdin is not None
        made.process.stdin.close()
        try:
            made.process.wait(90)
        except subprocess.TimeoutExpired:
            made.process.kill()


def commands() -> Iterator[dict[str, Any]]:
    """What a side is told."""
    for line in sys.stdin:
        yield json.loads(line)


@contextlib.contextmanager
def answers() -> Iterator[Answer]:
    """How a side answers. What libraries print to stdout goes elsewhere, in this process and in those that it forks."""
    with os.fdopen(os.dup(1), "w") as stdout:
        os.dup2(2, 1)

        def answer(**what: Any) -> None:
            print(json.dumps(what), file=stdout, flush=True)

        yield answer


class Peak:
    """The most that a process and its descendants hold while it is looked at, in GB.

    `memory` counts shared pages once. `disk` is what stands in a folder, such as the one it is given as TMPDIR.
    """

    def __init__(self, pid: int, folder: str | None = None) -> None:
        self.memory = self.disk = 0.0
        self._folder = folder
        self._process = psutil.Process(pid)
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Peak":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._done.wait(0.5):
            held = 0
            with contextlib.suppress(psutil.NoSuchProcess):
                for process in [self._process, *self._process.children(recursive=True)]:
                    with contextlib.suppress(psutil.NoSuchProcess):
                        held += process.memory_full_info().pss
            self.memory = max(self.memory, held / 1e9)
            if self._folder is not None:
                self.disk = max(self.disk, _size(Path(self._folder)) / 1e9)


def _size(folder: Path) -> int:
    size = 0
    for file in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError):
            size += file.stat().st_size if file.is_file() else 0
    return size
