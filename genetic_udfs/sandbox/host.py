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
from collections.abc import Iterator, Sequence, Set
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, Self

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.tiers import Limits, Tier

_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0  # from the kill of a run to its end
_LONGEST_MESSAGE: Final = 65536
_CHUNK: Final = 65536

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
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTHONDONTWRITEBYTECODE": "1",
    "PYTHONHASHSEED": "0",
    "PYTHONIOENCODING": "utf-8:backslashreplace",
    "TZ": "UTC",
}


class Kind(StrEnum):
    """What a zygote has loaded. A fork of one with more takes longer, so code runs in the least that it needs."""

    SLIM = "slim"
    TESTS = "tests"
    NUMPY = "numpy"
    PANDAS = "pandas"

    @classmethod
    def for_modules(cls, modules: Set[str]) -> "Kind":
        """Return the kind for what is imported: by its top-level names."""
        return next((kind for kind, wanted in _WANTED.items() if modules & wanted), cls.SLIM)


_TESTS: Final = ["unittest", "unittest.mock", "asyncio", "pytest"]
_NUMPY: Final = ["numpy", *(f"numpy.{part}" for part in ("fft", "linalg", "ma", "polynomial", "random", "testing"))]
_MODULES: Final[dict[Kind, list[str]]] = {
    Kind.SLIM: [],
    Kind.TESTS: _TESTS,
    Kind.NUMPY: [*_TESTS, *_NUMPY],
    Kind.PANDAS: [*_TESTS, *_NUMPY, "pandas"],
}
_WANTED: Final = {
    Kind.PANDAS: {"pandas"},
    Kind.NUMPY: {"numpy", "scipy", "sklearn"},
    Kind.TESTS: {"unittest", "pytest", "asyncio"},
}


class ZygoteLostError(Exception):
    """The zygote has ended, or does not answer. What it was doing can be done again by another."""


@dataclass
class Run:
    """One process: what it is given, and how it ended.

    Attributes:
        task: What `program.run` is to do.
        results: What it has sent, as bytes.
        printed: How many bytes it printed.
        killed_for: `wall`, `output` or `result` where a limit that is watched here was passed.
        status: As of wait(2).
        cpu_seconds: What it used.
    """

    task: dict[str, Any]
    results: bytearray = field(default_factory=bytearray)
    printed: int = 0
    killed_for: str | None = None
    status: int | None = None
    cpu_seconds: float = 0.0

    @property
    def signal(self) -> int:
        """The signal that ended it, or 0."""
        return os.WTERMSIG(self.status) if self.status is not None and os.WIFSIGNALED(self.status) else 0

    @property
    def was_confined(self) -> bool:
        """Whether it gave everything up before it ran code; what it says after that cannot take this back."""
        return bytes(self.results).startswith(b'{"confined": true}\n')

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield what it has sent up to what is no report. The code that ran may have sent it: it is data."""
        *lines, _ = bytes(self.results).split(b"\n")
        for line in lines:
            try:
                report = json.loads(line)
            except (ValueError, RecursionError):
                return
            if not isinstance(report, dict):
                return
            yield report

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
            "packages": package_folders(),
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

    @property
    def pid(self) -> int:
        """The zygote's own number."""
        return self._process.pid

    def is_ours(self) -> bool:
        """Whether this process, and not one that it was forked from, has started the zygote."""
        return self._owner == os.getpid()

    def run(self, run: Run, limits: Limits) -> None:
        """Run a process until it has ended; it is filled in how.

        Raises:
            ZygoteLostError: If the zygote is gone; nothing is known of the run then.
        """
        with contextlib.ExitStack() as open_until_the_end:
            _Watch(self, run, limits, open_until_the_end).until_ended()

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
            self._send({"fork": asdict(limits)}, [payload, stdout, result])
        finally:
            os.close(payload)

    def kill(self) -> None:
        """Kill the process that runs, if it has not ended."""
        self._send({"kill": True})

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
    """A process that runs now, and what comes from it."""

    def __init__(self, zygote: Zygote, run: Run, limits: Limits, open_until_the_end: contextlib.ExitStack) -> None:
        self._zygote, self._run, self._limits = zygote, run, limits
        (results, result), (output, stdout) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        for descriptor in (results, output):
            open_until_the_end.callback(os.close, descriptor)
            os.set_blocking(descriptor, False)
        try:
            zygote.fork(run, limits, stdout, result)
        finally:
            os.close(result)
            os.close(stdout)
        self._results, self._open = results, {results, output}
        self._poll = select.poll()
        for descriptor in (zygote.fileno(), results, output):
            self._poll.register(descriptor, select.POLLIN)
        self._deadline = time.monotonic() + limits.wall_seconds

    def until_ended(self) -> None:
        while self._run.status is None:
            left = self._deadline - time.monotonic()
            if left <= 0:
                if self._run.killed_for is not None:
                    raise ZygoteLostError("the sandbox's zygote does not end a run")
                self._stop("wall")
                continue
            for descriptor, _ in self._poll.poll(left * 1000 + 1):
                if descriptor == self._zygote.fileno():
                    message = self._zygote.message()
                    self._run.status, self._run.cpu_seconds = message["status"], message["cpu"]
                else:
                    self._read(descriptor)
        for descriptor in list(self._open):
            while self._read(descriptor):
                pass

    def _read(self, descriptor: int) -> bool:
        """Read what is there; return whether there may be more."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if not data:
            self._forget(descriptor)
            return False
        if descriptor == self._results:
            self._run.results += data
        else:
            self._run.printed += len(data)
        passed = "result" if len(self._run.results) > self._limits.result_kb << 10 else None
        passed = "output" if self._run.printed > self._limits.output_kb << 10 else passed
        if passed is not None:
            self._stop(passed)
            self._forget(descriptor)
        return passed is None

    def _forget(self, descriptor: int) -> None:
        self._poll.unregister(descriptor)
        self._open.discard(descriptor)

    def _stop(self, why: str) -> None:
        if self._run.killed_for is None:
            self._run.killed_for, self._deadline = why, time.monotonic() + _GRACE_SECONDS
            if self._run.status is None:
                self._zygote.kill()


def package_folders() -> list[str]:
    """Return where packages are installed, in the order of this interpreter's path."""
    named = [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
    return [str(folder) for folder in named if folder.is_dir()]


def signal_name(number: int) -> str:
    """Return the name of a signal, such as SIGSEGV."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
