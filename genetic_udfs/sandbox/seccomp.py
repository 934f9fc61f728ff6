"""The seccomp filter: an allowlist of system calls as a BPF program, made once and loaded by each run."""

import ctypes
import errno
import os
import struct
from typing import Final

from genetic_udfs.sandbox.kernel import call
from genetic_udfs.sandbox.syscalls import Architecture

# Of 32-bit words; from <linux/bpf_common.h>.
_LOAD, _AND, _JUMP, _JUMP_IF_EQUAL, _JUMP_UNLESS_LESS, _RETURN = 0x20, 0x54, 0x05, 0x15, 0x35, 0x06
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL_PROCESS: Final = 0x80000000

# Offsets in struct seccomp_data; arguments are 64 bits wide, the lower half first.
_NUMBER, _AUDIT, _ARGUMENTS = 0, 4, 16

# What glibc and musl give to clone for a thread; any other combination would be a process or a namespace.
_THREAD_FLAGS: Final = (0x3D0F00, 0x7D0F00)
# TCGETS, TIOCGWINSZ, FIONREAD, FIONBIO, FIONCLEX, FIOCLEX: what open() and isatty() ask.
_IOCTLS: Final = (0x5401, 0x5413, 0x541B, 0x5421, 0x5450, 0x5451)
# F_DUPFD, F_GETFD, F_SETFD, F_GETFL, F_SETFL, F_GETLK, F_SETLK, F_SETLKW, F_DUPFD_CLOEXEC; F_SETOWN would send signals,
# F_SETPIPE_SZ take memory.
_FCNTLS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 1030)
# A pair of connected stream sockets is asyncio's way to wake itself; they reach no one else. AF_UNIX; SOCK_STREAM with
# SOCK_CLOEXEC and SOCK_NONBLOCK.
_UNIX: Final = (1,)
_STREAMS: Final = (0x1, 0x801, 0x80001, 0x80801)

# MSG_DONTWAIT, MSG_NOSIGNAL, and both; MSG_PEEK, MSG_DONTWAIT, MSG_WAITALL. Data out of band is an attack surface of
# its own in the kernel (CVE-2025-38236), and no program here needs it.
_SENDING: Final = (0, 0x40, 0x4000, 0x4040)
_RECEIVING: Final = (0, 0x2, 0x40, 0x42, 0x100)

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

_OWN_PID: Final = 0xFFFFFFF0  # stands for the pid until it is known


class Filter:
    """A filter for one architecture, with or without opening and writing files; `load` confines the calling process."""

    def __init__(self, architecture: Architecture, *, opens: bool, writes: bool) -> None:
        self._prepare(_program(architecture, opens, writes))

    def _prepare(self, program: bytes) -> None:
        self._program = ctypes.create_string_buffer(program, len(program))
        self._described = struct.pack("@HP", len(program) // 8, ctypes.addressof(self._program))
        values = range(4, len(program), 8)
        self._pid_places = [at for at in values if struct.unpack_from("=I", program, at) == (_OWN_PID,)]

    def load(self) -> None:
        """Confine this process for good; signals may be sent to itself alone.

        Raises:
            OSError: If the kernel refuses the filter.
        """
        for at in self._pid_places:
            struct.pack_into("=I", self._program, at, os.getpid())
        call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, self._described, 0, 0, what="a seccomp filter")


def _program(architecture: Architecture, opens: bool, writes: bool) -> bytes:
    number, allow = architecture.guarded, [_return(_ALLOW)]
    actions = dict.fromkeys((architecture.allowed | (architecture.writing if writes else {})).values(), allow)
    for name, flags in (("openat", 2), ("open", 1)):
        if name in number:
            actions[number[name]] = _opening(flags) if opens else [_return(_ERRNO | errno.EACCES)]
    for unknown in ("clone3", "faccessat2"):  # glibc falls back to the calls before them
        actions[number[unknown]] = [_return(_ERRNO | errno.ENOSYS)]
    actions |= {
        number["clone"]: [*_unless_in(0, _THREAD_FLAGS), *allow],
        number["kill"]: [*_unless_in(0, (_OWN_PID,)), *allow],
        number["tgkill"]: [*_unless_in(0, (_OWN_PID,)), *allow],
        number["ioctl"]: [*_unless_in(1, _IOCTLS), *allow],
        number["fcntl"]: [*_unless_in(1, _FCNTLS), *allow],
        number["prlimit64"]: [*_unless_in(0, (0,)), *_unless_null(2), *allow],  # reads, never sets
        number["socketpair"]: [*_unless_in(0, _UNIX), *_unless_in(1, _STREAMS), *allow],
        number["sendto"]: [*_unless_null(4), *_unless_in(3, _SENDING), *allow],  # to nobody but the other end
        number["recvfrom"]: [*_unless_in(3, _RECEIVING), *allow],
    }
    code = [_load(_AUDIT), _equal(architecture.audit, then=1, otherwise=0), _return(_KILL_PROCESS), _load(_NUMBER)]
    return b"".join([*code, *_search(_intervals(actions))])


def _intervals(actions: dict[int, list[bytes]]) -> list[tuple[int, list[bytes]]]:
    """Return from which number on what is done; a number without an action is refused."""
    refuse = [_return(_ERRNO | errno.EPERM)]
    bounds = sorted({0, *actions, *(number + 1 for number in actions)})
    every = [(number, actions.get(number, refuse)) for number in bounds]
    return [each for at, each in enumerate(every) if at == 0 or each[1] != every[at - 1][1]]


def _search(intervals: list[tuple[int, list[bytes]]]) -> list[bytes]:
    """Find a number's interval by halves: the kernel tries all numbers as it loads the filter, in each run."""
    if len(intervals) == 1:
        return intervals[0][1]
    half = len(intervals) // 2
    low, high = _search(intervals[:half]), _search(intervals[half:])
    pivot = struct.pack("=HBBI", _JUMP_UNLESS_LESS, 0, 1, intervals[half][0])
    return [pivot, struct.pack("=HBBI", _JUMP, 0, 0, len(low)), *low, *high]


def _opening(flags: int) -> list[bytes]:
    """Allow to open what Landlock allows, but not to truncate without opening for writing.

    Landlock knows of truncating only since its ABI 3, and before that takes such an open for reading, or for nothing.
    """
    refused = _return(_ERRNO | errno.EACCES)
    truncates = [_equal(os.O_TRUNC | way, then=0, otherwise=1) for way in (os.O_RDONLY, os.O_ACCMODE)]
    masked = struct.pack("=HBBI", _AND, 0, 0, os.O_TRUNC | os.O_ACCMODE)
    return [_load(_ARGUMENTS + 8 * flags), masked, truncates[0], refused, truncates[1], refused, _return(_ALLOW)]


def _unless_in(position: int, values: tuple[int, ...]) -> list[bytes]:
    """Refuse the call unless the lower half of an argument is one of the values; the kernel looks at no more of it."""
    tests = [_equal(value, then=len(values) - at, otherwise=0) for at, value in enumerate(values)]
    return [_load(_ARGUMENTS + 8 * position), *tests, _return(_ERRNO | errno.EPERM)]


def _unless_null(position: int) -> list[bytes]:
    high = [_load(_ARGUMENTS + 8 * position + 4), _equal(0, then=1, otherwise=0), _return(_ERRNO | errno.EPERM)]
    return [*_unless_in(position, (0,)), *high]


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _equal(value: int, *, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", _JUMP_IF_EQUAL, then, otherwise, value)


def _return(action: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, action)
