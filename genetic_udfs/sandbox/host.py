"""A zygote as its owner has it: started afresh, given work, watched, and ended. No code of others runs in this process.

Start it on a thread that stays: the kernel ends it with the thread that started it.
"""

import json
import marshal
import os
import select
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.tiers import OUTPUT_KB, RESULT_KB, Limits, Tier

_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0  # from the kill of a run to its end
_USUAL_MILLISECONDS: Final = 10
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
    "LOGNAME": "nobody",  # which pytest asks for, and the system's list of users cannot be read
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

    def limit_exceeded(self) -> str | None:
        """Return the limit that it has exceeded by what it sent or printed: `result`, `output`, or none."""
        if self.printed > OUTPUT_KB << 10:
            return "output"
        return "result" if len(self.results) > RESULT_KB << 10 else None

    def read(self, descriptor: int, *, is_output: bool) -> bool:
        """Read from a descriptor that does not block what is there; return whether there was something."""
        try:
            data = os.read(descriptor, _CHUNK)
        except BlockingIOError:
            return False
        if is_output:
            self.printed += len(data)
        else:
            self.results += data
        return bool(data)

    def reports(self) -> Iterator[dict[str, Any]]:
        """Yield what it has sent within the limit, up to what is no report. The code may have sent it: it is data."""
        for line in self.results[: RESULT_KB << 10].split(b"\n")[:-1]:
            try:
                report = json.loads(line)
                marshal.dumps(report)  # what is too deep could not be handed on to another run
            except (ValueError, RecursionError):
                return
            if not isinstance(report, dict):
                return
            yield report


class Zygote:
    """A zygote process of one kind and tier."""

    def __init__(self, kind: Kind, tier: Tier) -> None:
        """Start it and wait until it is warm.

        Raises:
            SandboxError: If the tier cannot be reached here; the message says what is missing.
            ZygoteLostError: If it says nothing.
        """
        self._owner = os.getpid()
        self._control, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        settings = {
            "control": other.fileno(),
            "parent": os.getpid(),
            "tier": tier,
            "kind": kind,
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
        try:
            first = self._received(_START_SECONDS)
            if "refused" in first:
                raise SandboxError(str(first["refused"]))
        except BaseException:
            self.close()
            raise

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
        # What a run has put into a pipe it could take back, as its result, by /proc/self/fd; a socket cannot be opened.
        output, stdout = os.pipe2(os.O_CLOEXEC)
        try:
            results, result = (each.detach() for each in socket.socketpair())
        except OSError:
            os.close(output)
            os.close(stdout)
            raise
        try:
            for descriptor in (results, output):
                os.set_blocking(descriptor, False)
            file = os.memfd_create("payload", os.MFD_CLOEXEC)
            try:
                os.pwrite(file, marshal.dumps((vars(limits), run.task)), 0)
                self._send(b"fork", file, stdout, result)  # its end comes as a message
            finally:
                os.close(file)
            self._watch(run, limits, results, output)
        finally:
            for descriptor in (results, result, output, stdout):
                os.close(descriptor)

    def close(self) -> None:
        """End the zygote and, by that, whatever it runs."""
        self._control.close()
        if self.is_ours():
            self._process.kill()
            self._process.wait()

    def _watch(self, run: Run, limits: Limits, results: int, output: int) -> None:
        """Read what a run sends and prints until it has ended, and kill it where it passes a limit."""
        control, waiting = self._control.fileno(), select.poll()
        deadline = time.monotonic() + limits.wall_seconds
        waiting.register(control, select.POLLIN)
        # Most runs end before: to be woken for each of their lines would take a tenth of their time.
        if not waiting.poll(_USUAL_MILLISECONDS):
            for descriptor in (results, output):
                waiting.register(descriptor, select.POLLIN)
        while run.status is None:
            left = deadline - time.monotonic()
            ready = [descriptor for descriptor, _ in waiting.poll(left * 1000 + 1)] if left > 0 else []
            for descriptor in (results, output):
                if descriptor in ready:
                    run.read(descriptor, is_output=descriptor == output)
            exceeded = run.limit_exceeded() if left > 0 else "wall"
            if control in ready:
                message = self._received(_GRACE_SECONDS)
                run.status, run.cpu_seconds = message["status"], message["cpu"]
            elif exceeded and run.killed_for is None:
                run.killed_for, deadline = exceeded, time.monotonic() + _GRACE_SECONDS
                self._send(b"kill")
            elif left <= 0:
                raise ZygoteLostError("the sandbox's zygote does not end a run")
        for descriptor in (results, output):
            while run.read(descriptor, is_output=descriptor == output):
                pass
        run.killed_for = run.killed_for or run.limit_exceeded()

    def _send(self, message: bytes, *descriptors: int) -> None:
        try:
            socket.send_fds(self._control, [message], descriptors)
        except OSError as error:
            raise ZygoteLostError(f"the sandbox's zygote is gone: {error}") from None

    def _received(self, seconds: float) -> dict[str, Any]:
        self._control.settimeout(seconds)
        try:
            data, why = self._control.recv(_CHUNK), ""
        except OSError as error:  # TimeoutError is one
            data, why = b"", f": {error}"
        if not data:
            raise ZygoteLostError(f"the sandbox's zygote is gone{why}; what it wrote to stderr says more")
        message: dict[str, Any] = json.loads(data)
        return message


def package_folders() -> list[str]:
    """Return where packages are installed, in the order of this interpreter's path."""
    named = [Path(entry) for entry in sys.path if Path(entry).name in {"site-packages", "dist-packages"}]
    return [str(folder) for folder in named if folder.is_dir()]
