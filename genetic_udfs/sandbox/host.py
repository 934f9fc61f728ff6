"""A zygote as its owner has it: started afresh, given work, watched, and ended. No code of others runs in this process.

Start it on a thread that stays: the kernel ends it with the thread that started it.
"""

import contextlib
import json
import os
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.tiers import Limits, Tier

_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0  # from the kill of a run to its end
_LONGEST_MESSAGE: Final = 65536
_CHUNK: Final = 65536
_KEPT_OUTPUT: Final = 65536

_START: Final = (
    "import json, sys; sys.path[:0] = json.loads(sys.argv[1])['own_path'];"
    "from genetic_udfs.sandbox.zygote import main; main()"
)

# Nothing of this process's environment. The order of sets of texts must not change from zygote to zygote; BLAS must not
# start threads, since a fork takes only one along; an arena for each thread would use up the address space.
_ENVIRONMENT: Final = {
    "HOME": "/nonexistent",
    "LANG": "C.UTF-8",
    "MALLOC_ARENA_MAX": "1",
    "MKL_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "PATH": "/usr/bin:/bin",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
    "TZ": "UTC",
}


class Kind(StrEnum):
    """What a zygote has loaded. A fork of one with numpy takes longer, so only code that wants it is run there."""

    SLIM = "slim"
    NUMPY = "numpy"


_MODULES: Final[dict[Kind, list[str]]] = {
    Kind.SLIM: [],
    Kind.NUMPY: ["numpy", *(f"numpy.{part}" for part in ("fft", "linalg", "ma", "polynomial", "random", "testing"))],
}


class ZygoteLostError(Exception):
    """The zygote has ended, or does not answer. What it was doing can be done again by another."""


@dataclass
class Run:
    """One process: what it is given, and how it ended.

    Attributes:
        task: What `program.run` is to do.
        inbox, outbox: Descriptors beside the result's; both or neither.
        results: What it has sent, as bytes.
        output: The beginning of what it printed.
        killed_for: `wall`, `output` or `result` where a limit that is watched here was passed; `done` where it was
            not needed any more.
        status: As of wait(2).
        cpu_seconds: What it used.
    """

    task: dict[str, Any]
    inbox: int | None = None
    outbox: int | None = None
    results: bytearray = field(default_factory=bytearray)
    output: bytearray = field(default_factory=bytearray)
    printed: int = 0
    killed_for: str | None = None
    status: int | None = None
    cpu_seconds: float = 0.0
    pid: int = 0

    @property
    def signal(self) -> int:
        """The signal that ended it, or 0."""
        return os.WTERMSIG(self.status) if self.status is not None and os.WIFSIGNALED(self.status) else 0

    @property
    def came_to_its_end(self) -> bool:
        """Whether it was not killed, and exited with 0."""
        return self.killed_for is None and self.status == 0


class Zygote:
    """A zygote process of one kind and tier."""

    def __init__(self, kind: Kind, tier: Tier) -> None:
        """Start it and wait until it is warm.

        Raises:
            SandboxError: If the tier cannot be reached here; the message says what is missing.
            ZygoteLostError: If it ends before it says anything.
        """
        self.tier = tier
        self._owner = os.getpid()
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings = {
            "control": other.fileno(),
            "parent": os.getpid(),
            "tier": tier,
            "modules": _MODULES[kind],
            "own_path": [str(Path(__file__).absolute().parents[2])],  # a zip file, maybe, by a relative path
            "packages": _package_folders(),
        }
        with other:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-s", "-S", "-c", _START, json.dumps(settings)],
                env=_ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[other.fileno()],
                start_new_session=True,
            )
        first = self._received(_START_SECONDS)
        if "refused" in first:
            self.close()
            raise SandboxError(str(first["refused"]))
        self.absent: list[str] = first["ready"]["absent"]

    @property
    def pid(self) -> int:
        """The zygote's own number."""
        return self._process.pid

    def is_ours(self) -> bool:
        """Whether this process, and not one that it was forked from, has started the zygote."""
        return self._owner == os.getpid()

    def run(self, runs: Sequence[Run], limits: Limits) -> None:
        """Run processes at the same time until the first has ended; the others are killed then.

        Args:
            runs: They are filled in with how they ended.
            limits: Of each process.

        Raises:
            ZygoteLostError: If the zygote is gone; nothing is known of the runs then.
        """
        with contextlib.ExitStack() as open_until_the_end:
            _Watch(self, runs, limits, open_until_the_end).until_ended()

    def close(self) -> None:
        """End the zygote and, by that, whatever it runs."""
        self._control.close()
        if self.is_ours():
            self._process.kill()
            self._process.wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def fork(self, run: Run, limits: Limits, stdout: int, result: int) -> None:
        """Start a process; its end comes as a message."""
        payload = os.memfd_create("payload", os.MFD_CLOEXEC)
        try:
            with os.fdopen(os.dup(payload), "wb") as file:
                file.write(json.dumps(run.task).encode())
            os.lseek(payload, 0, os.SEEK_SET)
            given = [payload, stdout, result, *(each for each in (run.inbox, run.outbox) if each is not None)]
            self._send({"fork": limits.as_dict()}, given)
        finally:
            os.close(payload)

    def kill(self, run: Run) -> None:
        """Kill a process of this zygote, if it has not ended."""
        self._send({"kill": run.pid})

    def message(self) -> dict[str, Any]:
        """Return the next message."""
        return self._received(_GRACE_SECONDS)

    def fileno(self) -> int:
        """Return the descriptor that messages come from."""
        return self._control.fileno()

    def _send(self, message: dict[str, Any], descriptors: Sequence[int] = ()) -> None:
        try:
            socket.send_fds(self._control, [json.dumps(message).encode()], list(descriptors))
        except OSError as error:
            raise ZygoteLostError(f"the sandbox's zygote is gone: {error}") from None

    def _received(self, seconds: float) -> dict[str, Any]:
        self._control.settimeout(seconds)
        try:
            data = self._control.recv(_LONGEST_MESSAGE)
        except OSError as error:  # TimeoutError is one
            data, why = b"", f": {error}"
        else:
            why = ""
        if not data:
            raise ZygoteLostError(f"the sandbox's zygote is gone{why}; what it wrote to stderr says more")
        message: dict[str, Any] = json.loads(data)
        return message


class _Watch:
    """Processes that run now, and what comes from them."""

    def __init__(
        self, zygote: Zygote, runs: Sequence[Run], limits: Limits, open_until_the_end: contextlib.ExitStack
    ) -> None:
        self._zygote, self._limits = zygote, limits
        self._poll = select.poll()
        self._poll.register(zygote.fileno(), select.POLLIN)
        self._sources: dict[int, tuple[Run, bool]] = {}
        self._begun = time.monotonic()
        self._ended_early: list[dict[str, Any]] = []
        self._runs: dict[int, Run] = {}
        for run in runs:
            self._start(run, open_until_the_end)

    def _start(self, run: Run, open_until_the_end: contextlib.ExitStack) -> None:
        (results, result), (output, stdout) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        for descriptor in (results, output):
            open_until_the_end.callback(os.close, descriptor)
        try:
            self._zygote.fork(run, self._limits, stdout, result)
        finally:
            os.close(result)
            os.close(stdout)
        for descriptor, is_result in ((results, True), (output, False)):
            os.set_blocking(descriptor, False)
            self._sources[descriptor] = (run, is_result)
            self._poll.register(descriptor, select.POLLIN)
        while "pid" not in (message := self._zygote.message()):
            self._ended_early.append(message)
        run.pid = message["pid"]
        self._runs[run.pid] = run

    def until_ended(self) -> None:
        for message in self._ended_early:
            self._note_end(message)
        deadline = self._begun + self._limits.wall_seconds
        while self._runs:
            left = deadline - time.monotonic()
            if left <= 0:
                for run in self._runs.values():
                    self._stop(run, "wall")
                deadline = time.monotonic() + _GRACE_SECONDS
                if left < -_GRACE_SECONDS:
                    raise ZygoteLostError("the sandbox's zygote does not end a run")
                continue
            for descriptor, _ in self._poll.poll(left * 1000 + 1):
                if descriptor == self._zygote.fileno():
                    self._note_end(self._zygote.message())
                else:
                    self._read(descriptor)
        for descriptor in list(self._sources):
            while self._read(descriptor):
                pass

    def _note_end(self, message: dict[str, Any]) -> None:
        run = self._runs.pop(message["ended"])
        run.status, run.cpu_seconds = message["status"], message["cpu"]
        for other in self._runs.values():
            self._stop(other, "done")

    def _read(self, descriptor: int) -> bool:
        """Read what is there; return whether there may be more."""
        run, is_result = self._sources[descriptor]
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._forget(descriptor)
            return False
        if is_result:
            run.results += data
        else:
            run.printed += len(data)
            run.output += data[: _KEPT_OUTPUT - len(run.output)]
        passed = "result" if len(run.results) > self._limits.result_kb << 10 else None
        passed = "output" if run.printed > self._limits.output_kb << 10 else passed
        if passed is not None:
            self._stop(run, passed)
            self._forget(descriptor)
        return passed is None

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        del self._sources[descriptor]

    def _stop(self, run: Run, why: str) -> None:
        if run.killed_for is None:
            run.killed_for = why
            if run.status is None:
                self._zygote.kill(run)


def _package_folders() -> list[str]:
    """Return where packages are installed, in the order of this interpreter's path."""
    named = [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
    return [str(folder) for folder in named if folder.is_dir()]


def signal_name(number: int) -> str:
    """Return the name of a signal, such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
