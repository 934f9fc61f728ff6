"""How a forked process gives up everything but its descriptors and its folder, in the order that leaves no gap."""

import contextlib
import os
import platform
import resource
import signal
import struct
from collections.abc import Sequence
from typing import Any, Final

from genetic_udfs.sandbox.folder import MAX_FILE_BYTES, Folder
from genetic_udfs.sandbox.kernel import call
from genetic_udfs.sandbox.landlock import Ruleset
from genetic_udfs.sandbox.seccomp import Filter
from genetic_udfs.sandbox.syscalls import ARCHITECTURES
from genetic_udfs.sandbox.tiers import Tier

RESULT: Final = 3
"""The descriptor that a run writes its results to. The zygote has another one there, so what it is sent lies above."""

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 8, 24, 38
_CAP_DAC_READ_SEARCH: Final = 2
_CAPABILITY_VERSION: Final = 0x20080522
_NOBODY: Final = 65534

_RANDOM: Final = "/dev/urandom"  # extension modules open it where Python would ask the kernel
_OPEN_FILES: Final = 64
_THREADS: Final = 256
_LIMITS: Final = {
    resource.RLIMIT_NOFILE: _OPEN_FILES,
    resource.RLIMIT_CORE: 0,
    resource.RLIMIT_STACK: 8 << 20,  # each thread reserves as much of the address space, so this bounds threads, too
    resource.RLIMIT_MEMLOCK: 0,
    resource.RLIMIT_MSGQUEUE: 0,
}


class Confinement:
    """What a zygote prepares once, and each of its children applies to itself.

    Attributes:
        folder: That a run may write to, if the tier has one.
        readable: The folders and files that it may read.
        writable: Those that it may write to, too.
    """

    def __init__(self, tier: Tier, folders: Sequence[str], libraries: Sequence[str]) -> None:
        """Make what a tier needs, and confine the zygote itself as far as it can go on.

        Args:
            tier: What to reach.
            folders: Those that code may import from.
            libraries: Files elsewhere that it may load.

        Raises:
            OSError: If this kernel or container cannot reach the tier.
        """
        architecture = ARCHITECTURES.get(platform.machine())
        if architecture is None:
            known = ", ".join(ARCHITECTURES)
            raise OSError(f"the table of system calls has {known}, and this machine is {platform.machine()}")
        has_files = tier.reaches(Tier.LANDLOCK)
        readable = (*folders, *libraries, _RANDOM) if has_files else ()
        self.readable = tuple(dict.fromkeys([*readable, *map(os.path.realpath, readable)]))
        self.writable = [os.devnull]
        self._ruleset = Ruleset(readable, self.writable) if has_files else None
        # The interpreter may lie in a home that is closed to all. What the ruleset lets pass can be read there, too.
        ways = (0, 1 << _CAP_DAC_READ_SEARCH) if os.geteuid() == 0 else ()
        capabilities = next((each for each in ways if _nobody_can_read(folders, each)), None)
        self._user, self._capabilities = None if capabilities is None else _NOBODY, capabilities or 0
        self.folder: Folder | None = None
        if self._ruleset is not None and tier.reaches(Tier.LANDLOCK_FOLDER):
            self.folder = Folder(folders, self._user)
            self._ruleset.allow_own(self.folder.path)
            self.writable.append(self.folder.path)
        with contextlib.suppress(OSError):  # beyond the last one that the kernel knows, or not ours to drop
            for capability in range(64):
                _prctl(_PR_CAPBSET_DROP, capability)
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        for what, bound in _LIMITS.items():
            _limit(what, bound)
        # Code that catches EFBIG would go on, and nobody would know of it. The zygote itself has no such limit.
        signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
        self._filter = Filter(architecture, opens=has_files, writes=self.folder is not None)
        self._zygote, self._base_memory = os.getpid(), _address_space()

    def renew(self) -> None:
        """Have the next run find nothing of the one before."""
        if self.folder is not None and self._ruleset is not None and self.folder.renew():
            self._ruleset.allow_own(self.folder.path)

    def apply(self, limits: dict[str, Any]) -> None:
        """Confine this process, a child of the zygote whose descriptors up to `RESULT` are its own, for good.

        Args:
            limits: The fields of `tiers.Limits`.

        Raises:
            OSError: If a step is refused. The process must then end without running anything.
        """
        os.setsid()
        seconds = int(limits["cpu_seconds"])
        _limit(resource.RLIMIT_AS, self._base_memory + (int(limits["memory_mb"]) << 20))
        _limit(resource.RLIMIT_FSIZE, 0 if self.folder is None else MAX_FILE_BYTES)
        _limit(resource.RLIMIT_CPU, seconds, seconds + 1)  # SIGXCPU says why a run ended; one that ignores it is killed
        # The limit counts all threads of the user. A user of the runs' own has no others; of Spark's user there are at
        # most as many as the machine has. Without it thousands of threads with tiny stacks could starve the executor.
        _limit(resource.RLIMIT_NPROC, _THREADS + (0 if self._user is not None else _threads_of_this_machine()))
        _drop_privileges(self._user, self._capabilities)
        # A change of user clears the signal, so it is set after that; the parent may be gone by then.
        die_with_parent(self._zygote)
        if self._ruleset is not None:
            self._ruleset.enforce()
        os.closerange(RESULT + 1, _OPEN_FILES)
        self._filter.load()


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends.

    Raises:
        OSError: If the parent is gone already.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError("the process that started this one is gone")


def _limit(what: int, bound: int, hard: int | None = None) -> None:
    """Set a limit of this process and its children, as far as the one that it has lets it."""
    most = resource.getrlimit(what)[1]
    hard = bound if hard is None else hard
    is_free = most == resource.RLIM_INFINITY
    resource.setrlimit(what, (bound, hard) if is_free else (min(bound, most), min(hard, most)))


def _drop_privileges(user: int | None, capabilities: int) -> None:
    """Become another user, or stay the same one, with no capability but those."""
    if user is not None:
        _prctl(_PR_SET_KEEPCAPS, 1)
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    header = struct.pack("=Ii", _CAPABILITY_VERSION, 0)
    call("capset", header, struct.pack("=6I", capabilities, capabilities, 0, 0, 0, 0), what="dropping capabilities")


def _nobody_can_read(folders: Sequence[str], capabilities: int) -> bool:
    """Whether another user that has some capabilities can read the interpreter's folders."""
    child = os.fork()
    if child == 0:
        try:
            _drop_privileges(_NOBODY, capabilities)
            for folder in folders:
                os.scandir(folder).close()
            os._exit(0)
        except OSError:
            pass
        finally:
            os._exit(1)
    return os.waitpid(child, 0)[1] == 0


def _address_space() -> int:
    with open("/proc/self/statm") as file:  # noqa: PTH123 - a zygote loads no pathlib for its own needs
        return int(file.read().split()[0]) * resource.getpagesize()


def _threads_of_this_machine() -> int:
    with open("/proc/loadavg") as file:  # noqa: PTH123
        return int(file.read().split()[3].partition("/")[2])


def _prctl(option: int, value: int) -> None:
    call("prctl", option, value, 0, 0, 0)
