"""How a forked process gives up everything but its descriptors and its folder, in the order that leaves no gap."""

import contextlib
import fcntl
import os
import platform
import resource
import signal
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from genetic_udfs.sandbox.folder import MAX_BYTES, Folder
from genetic_udfs.sandbox.kernel import call
from genetic_udfs.sandbox.landlock import Ruleset
from genetic_udfs.sandbox.seccomp import Filter
from genetic_udfs.sandbox.syscalls import ARCHITECTURES
from genetic_udfs.sandbox.tiers import Tier

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS = 1, 8, 24, 38
_CAP_DAC_READ_SEARCH: Final = 2
_CAPABILITY_VERSION: Final = 0x20080522
_NOBODY: Final = 65534

_ABOVE: Final = 64  # where descriptors wait until their places are free

_RANDOM: Final = "/dev/urandom"  # extension modules open it where Python would ask the kernel
_STACK: Final = 8 << 20  # each thread reserves as much of the address space, so this bounds threads, too
_OPEN_FILES: Final = 64
_THREADS: Final = 256


@dataclass(frozen=True)
class Confinement:
    """What a zygote prepares once, and each of its children applies to itself.

    Attributes:
        parent: The zygote.
        filter: Of system calls.
        ruleset: Of files, if the tier has one.
        folder: That a run may write to, if the tier has one.
        user: Whom to become, if this is root and can.
        capabilities: Those that this user keeps, as bits.
        base_memory: Address space that is taken before any code is run, in bytes.
        readable: The folders that code may read in.
    """

    parent: int
    filter: Filter
    ruleset: Ruleset | None
    folder: Folder | None
    user: int | None
    capabilities: int
    base_memory: int
    readable: tuple[str, ...]

    @classmethod
    def prepare(cls, tier: Tier, readable: Sequence[str]) -> "Confinement":
        """Make what a tier needs.

        Args:
            tier: What to reach.
            readable: Folders that code may import from.

        Raises:
            OSError: If this kernel or container cannot reach the tier.
        """
        architecture = ARCHITECTURES.get(platform.machine())
        if architecture is None:
            known = ", ".join(ARCHITECTURES)
            raise OSError(f"the table of system calls has {known}, and this machine is {platform.machine()}")
        ruleset = Ruleset([*readable, _RANDOM], [os.devnull]) if tier.reaches(Tier.LANDLOCK) else None
        # The interpreter may lie in a home that is closed to all. What the ruleset lets pass can be read there, too.
        ways = (0, 1 << _CAP_DAC_READ_SEARCH) if os.geteuid() == 0 else ()
        capabilities = next((each for each in ways if _nobody_can_read(readable, each)), None)
        user = None if capabilities is None else _NOBODY
        folder = None
        if ruleset is not None and tier.reaches(Tier.LANDLOCK_FOLDER):
            folder = Folder(readable, user)
            ruleset.allow_own(folder.path)
        with contextlib.suppress(OSError):  # beyond the last one that the kernel knows, or not ours to drop
            for capability in range(64):  # its children have the same bounds, and each call takes its time
                _prctl(_PR_CAPBSET_DROP, capability)
        return cls(
            parent=os.getpid(),
            filter=Filter(architecture, opens=ruleset is not None, writes=folder is not None),
            ruleset=ruleset,
            folder=folder,
            user=user,
            capabilities=capabilities or 0,
            base_memory=_address_space(),
            readable=()
            if ruleset is None
            else (*dict.fromkeys([*readable, *map(os.path.realpath, readable)]), _RANDOM),
        )

    @property
    def writable(self) -> list[str]:
        """The files and folders that code may write to."""
        return [os.devnull, *([] if self.folder is None else [self.folder.path])]

    def renew(self) -> None:
        """Have the next run find nothing of the one before."""
        if self.folder is not None and self.ruleset is not None and self.folder.renew():
            self.ruleset.allow_own(self.folder.path)

    def take(self, stdout: int, given: Sequence[int]) -> int | None:
        """Leave this process, a child of the zygote, no descriptor but its own, and return where the ruleset is.

        Descriptors 0, 1 and 2 are the standard ones then, and those from 3 on are `given`, in order.
        """
        null = os.open(os.devnull, os.O_RDWR)
        kept = [null, stdout, stdout, *given, *([] if self.ruleset is None else [self.ruleset.descriptor])]
        waiting = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, _ABOVE) for each in kept]
        for place, descriptor in enumerate(waiting):
            os.dup2(descriptor, place, inheritable=False)
        os.closerange(len(kept), _highest_descriptor() + 1)
        return None if self.ruleset is None else len(kept) - 1

    def apply(self, limits: dict[str, Any], ruleset: int | None) -> None:
        """Confine this process, which has taken its descriptors, for good.

        Raises:
            OSError: If a step is refused. The process must then end without running anything.
        """
        os.setsid()
        _set_limits(limits, self.base_memory, 0 if self.folder is None else MAX_BYTES, own_user=self.user is not None)
        _drop_privileges(self.user, self.capabilities)
        if self.folder is not None:
            os.chdir(self.folder.path)
        # A change of user clears the signal, so it is set after that; the parent may be gone by then.
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != self.parent:
            raise OSError("the zygote is gone")
        _prctl(_PR_SET_NO_NEW_PRIVS, 1)
        if self.ruleset is not None and ruleset is not None:
            self.ruleset.enforce(ruleset)
            os.close(ruleset)
        self.filter.load()


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when the thread that started it ends.

    Raises:
        OSError: If the parent is gone already.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        raise OSError("the process that started this one is gone")


def _set_limits(limits: dict[str, Any], base_memory: int, file_size: int, *, own_user: bool) -> None:
    memory = base_memory + (int(limits["memory_mb"]) << 20)
    seconds = int(limits["cpu_seconds"])
    wanted = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: file_size,
        resource.RLIMIT_NOFILE: _OPEN_FILES,
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_STACK: _STACK,
        resource.RLIMIT_MEMLOCK: 0,
        resource.RLIMIT_MSGQUEUE: 0,
    }
    # The limit counts all threads of the user. A user of the runs' own has no others; of Spark's user there are at the
    # most as many as the machine has. Without it thousands of threads with tiny stacks could starve the executor.
    wanted[resource.RLIMIT_NPROC] = _THREADS + (0 if own_user else _threads_of_this_machine())
    for what, bound in wanted.items():
        hardest = resource.getrlimit(what)[1]
        least = bound if hardest == resource.RLIM_INFINITY else min(bound, hardest)
        resource.setrlimit(what, (least, least))
    # SIGXCPU says why a run ended; code that ignores it is killed a second later.
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))


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


def _highest_descriptor() -> int:
    hardest = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    return (1 << 20) if hardest == resource.RLIM_INFINITY else int(hardest)


def _prctl(option: int, value: int) -> None:
    call("prctl", option, value, 0, 0, 0)
