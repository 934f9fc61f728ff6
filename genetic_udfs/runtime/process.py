"""Processes of this machine: who they are beyond a number, and how to watch and end them. Linux only."""

import asyncio
import contextlib
import ctypes
import os
import signal
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_CHILD_SUBREAPER: Final = 36
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True)
class ProcessId:
    """A process: its number, and its start in clock ticks since the boot, which tells it from later ones."""

    pid: int
    started: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """Return the identity of a process that is there now, or None."""
        stat = _stat(pid)
        return cls(pid, int(stat[19])) if stat is not None else None

    def is_alive(self) -> bool:
        """Whether the very same process still runs; a zombie does not."""
        stat = _stat(self.pid)
        return stat is not None and int(stat[19]) == self.started and stat[0] not in {"Z", "X"}

    def send(self, number: signal.Signals) -> None:
        """Send a signal, if the process is still the same."""
        if self.is_alive():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(self.pid, number)


def this_machine() -> str:
    """Tell apart machines, boots and containers that may share a folder."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return f"{boot} {Path('/proc/self/ns/pid').readlink()}"


def end_group(leader: ProcessId, group: list[ProcessId], grace: float) -> None:
    """End a session leader first, gently, and then whatever is left of its process group.

    The leader is never killed alone: workers of vLLM that it does not end live on.

    Args:
        leader: The process that started the group.
        group: Its members as known before, in case the leader is gone already.
        grace: Seconds that the leader may take after SIGTERM.
    """
    known = {*group, *members(leader)}
    leader.send(signal.SIGTERM)
    _wait_for(lambda: not leader.is_alive(), grace)
    known |= {*members(leader)}
    left = [process for process in known if process.is_alive()]
    for process in left:
        process.send(signal.SIGTERM)
    _wait_for(lambda: not any(process.is_alive() for process in left), 2.0 if left else 0.0)
    for process in left:
        process.send(signal.SIGKILL)
    _wait_for(lambda: not any(process.is_alive() for process in left), 5.0 if left else 0.0)


async def ended(process: ProcessId) -> None:
    """Wait until a process is gone; it need not be a child of this one."""
    try:
        descriptor = os.pidfd_open(process.pid)
    except OSError:  # gone already, or a kernel or container that does not allow it
        while process.is_alive():
            await asyncio.sleep(0.5)
        return
    try:
        if process.is_alive():  # else the descriptor is of a later process of that number
            over = asyncio.Event()
            asyncio.get_running_loop().add_reader(descriptor, over.set)
            await over.wait()
    finally:
        asyncio.get_running_loop().remove_reader(descriptor)
        os.close(descriptor)


def members(leader: ProcessId) -> list[ProcessId]:
    """Return the processes that run now in the group or session that `leader` has made."""
    now = ProcessId.of(leader.pid)
    if now is not None and now != leader:
        return []  # the number has been given to another process, so nothing of that group is left
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (stat := _stat(int(entry.name))) is not None:
            in_group, in_session = int(stat[2]) == leader.pid, int(stat[3]) == leader.pid
            if (in_group or in_session) and stat[0] not in {"Z", "X"}:
                found.append(ProcessId(int(entry.name), int(stat[19])))
    return found


def ancestor_named(name: str) -> ProcessId | None:
    """Return this process's nearest ancestor whose command has that name, or None."""
    pid = os.getppid()
    while pid > 0 and (stat := _stat(pid)) is not None:
        with contextlib.suppress(OSError):
            if Path(f"/proc/{pid}/comm").read_text().strip() == name:
                return ProcessId(pid, int(stat[19]))
        pid = int(stat[1])
    return None


def python_path() -> str:
    """Return PYTHONPATH for a child: a Spark worker may have this package from a zip file, on its own path alone."""
    return os.pathsep.join(str(Path(entry or ".").absolute()) for entry in sys.path)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that none escapes."""
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def reap_orphans(own: set[int]) -> None:
    """Take note of adopted children that have ended, other than `own`, whose exit somebody waits for.

    One of `own` that has ended may hide others until whoever waits for it has noticed.
    """
    with contextlib.suppress(ChildProcessError):
        while (child := os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)) is not None:
            if child.si_pid in own:
                return
            os.waitpid(child.si_pid, os.WNOHANG)


def die_with_parent() -> None:
    """Between fork and exec: have the kernel send SIGTERM when the parent dies, even by SIGKILL."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _stat(pid: int) -> list[str] | None:
    """Return /proc/PID/stat from its third field on: state, parent, group, session, ..., [19] the start."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (OSError, UnicodeDecodeError):
        return None
    return text.rpartition(")")[2].split()


def _wait_for(condition: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.05)
