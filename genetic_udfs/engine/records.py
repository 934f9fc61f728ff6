"""The record that a supervisor keeps in its folder, by which the servers of a killed one are swept."""

import contextlib
import fcntl
import json
import os
import shutil
import time
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Final

from genetic_udfs.runtime.process import ProcessId, end_group, this_machine

_RECORD: Final = "record.json"
_LOCK: Final = "supervisor.lock"
_KEPT: Final = 24 * 3600.0  # seconds that the logs of a supervisor outlive it


@dataclass(frozen=True)
class ServerRecord:
    """A server that runs: its leader and what is in its process group."""

    leader: ProcessId
    group: tuple[ProcessId, ...]


def write(folder: Path, servers: list[ServerRecord]) -> None:
    """Replace the record of the servers that run."""
    data = {
        "machine": this_machine(),
        "servers": [[astuple(server.leader), [astuple(process) for process in server.group]] for server in servers],
    }
    new = folder / f"{_RECORD}.new"
    new.write_text(json.dumps(data))
    new.replace(folder / _RECORD)


@contextlib.contextmanager
def locked_folder(folder: Path, timeout: float = 15.0) -> Iterator[bool]:
    """Own a folder as long as the context, or the process, lasts; give False if another process keeps it."""
    with (folder / _LOCK).open("a") as lock:
        deadline = time.monotonic() + timeout
        while not (mine := _try_lock(lock.fileno())) and time.monotonic() < deadline:
            time.sleep(0.1)
        yield mine


def end_orphans(base: Path, own: Path, grace: float) -> list[str]:
    """End the servers of supervisors that are gone, and remove their folders when they are old.

    Args:
        base: The folder of all supervisors' folders.
        own: The folder that the caller owns; it is swept, and stays.
        grace: Seconds that a server may take after SIGTERM.

    Returns:
        What was done, a line for each server ended.
    """
    done = _sweep_folder(own, grace)
    for folder in base.iterdir():
        if folder != own and folder.is_dir():
            is_old = time.time() - folder.stat().st_mtime > _KEPT  # before the lock changes it
            with contextlib.suppress(OSError), locked_folder(folder, timeout=0.0) as mine:
                if mine:
                    done += _sweep_folder(folder, grace)
                    if is_old:
                        shutil.rmtree(folder, ignore_errors=True)
    return done


def _sweep_folder(folder: Path, grace: float) -> list[str]:
    done = []
    for server in _read(folder):
        if any(process.is_alive() for process in (server.leader, *server.group)):
            end_group(server.leader, list(server.group), grace)
            done.append(f"ended server {server.leader.pid}, left by a supervisor that is gone ({folder})")
    (folder / _RECORD).unlink(missing_ok=True)
    return done


def _read(folder: Path) -> list[ServerRecord]:
    try:
        data = json.loads((folder / _RECORD).read_text())
        if data["machine"] != this_machine():
            return []  # another container's or an earlier boot's: these numbers mean nothing here
        return [
            ServerRecord(ProcessId(*leader), tuple(ProcessId(*process) for process in group))
            for leader, group in data["servers"]
        ]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def _try_lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    os.set_inheritable(descriptor, False)
    return True
