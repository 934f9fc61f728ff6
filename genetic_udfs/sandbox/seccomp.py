"""The seccomp filter: an allowlist of system calls as a BPF program, made once and loaded by each run."""

import ctypes
import errno
import os
import struct
from dataclasses import replace
from typing import Final

from genetic_udfs.sandbox.kernel import call
from genetic_udfs.sandbox.syscalls import Architecture

_LOAD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # 32-bit words; from <linux/bpf_common.h>
_ALLOW: Final = 0x7FFF0000
_ERRNO: Final = 0x00050000
_KILL_PROCESS: Final = 0x80000000

# Offsets in struct seccomp_data; arguments are 64 bits wide, the lower half first.
_NUMBER, _AUDIT = 0, 4

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

_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 22, 2

_OWN_PID: Final = 0xFFFFFFF0  # stands for the pid until it is known


class Filter:
    """A filter for one architecture, with or without opening and writing files; `load` confines the calling process."""

    def __init__(self, architecture: Architecture, *, opens: bool, writes: bool) -> None:
        if writes:
            architecture = replace(architecture, allowed=architecture.allowed | architecture.writing)
        self._program = _program(architecture, opens)
        self._pid_places = [
            at
            for at in range(0, len(self._program), 8)
            if struct.unpack_from("=HBBI", self._program, at)[3] == _OWN_PID
        ]

    def load(self) -> None:
        """Confine this process for good; signals may be sent to itself alone.

        Raises:
            OSError: If the kernel refuses the filter.
        """
        program = bytearray(self._program)
        for at in self._pid_places:
            struct.pack_into("=I", program, at + 4, os.getpid())
        code = ctypes.create_string_buffer(bytes(program), len(program))
        described = struct.pack("@HP", len(program) // 8, ctypes.addressof(code))
        call("prctl", _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, described, 0, 0, what="a seccomp filter")


def _program(architecture: Architecture, opens: bool) -> bytes:
    number = architecture.guarded
    code = [
        _load(_AUDIT),
        _equal(architecture.audit, then=1, otherwise=0),
        _return(_KILL_PROCESS),
        _load(_NUMBER),
    ]
    for allowed in architecture.allowed.values():
        code += _when(allowed, [_return(_ALLOW)])
    for opening in architecture.opens.values():
        code += _when(opening, [_return(_ALLOW if opens else _ERRNO | errno.EACCES)])
    for unknown in ("clone3", "faccessat2"):  # glibc falls back to the calls before them
        code += _when(number[unknown], [_return(_ERRNO | errno.ENOSYS)])
    code += _when(number["clone"], _if_argument(0, _THREAD_FLAGS))
    for signalling in ("kill", "tgkill"):
        code += _when(number[signalling], _if_argument(0, (_OWN_PID,)))
    code += _when(number["ioctl"], _if_argument(1, _IOCTLS))
    code += _when(number["fcntl"], _if_argument(1, _FCNTLS))
    code += _when(number["prlimit64"], [*_unless_zero(0), *_unless_null(2), _return(_ALLOW)])  # reads, never sets
    code += _when(number["socketpair"], [*_unless_in(0, _UNIX), *_if_argument(1, _STREAMS)])
    code += _when(number["sendto"], [*_unless_null(4), _return(_ALLOW)])  # to nobody but the other end
    code += _when(number["recvfrom"], [_return(_ALLOW)])
    code.append(_return(_ERRNO | errno.EPERM))
    return b"".join(code)


def _when(number: int, body: list[bytes]) -> list[bytes]:
    return [_equal(number, then=0, otherwise=len(body)), *body]


def _if_argument(position: int, values: tuple[int, ...]) -> list[bytes]:
    return [*_unless_in(position, values), _return(_ALLOW)]


def _unless_in(position: int, values: tuple[int, ...]) -> list[bytes]:
    """Refuse the call unless the lower half of an argument is one of the values; the kernel looks at no more of it."""
    tests = [_equal(value, then=len(values) - at, otherwise=0) for at, value in enumerate(values)]
    return [_load(_argument(position)), *tests, _return(_ERRNO | errno.EPERM)]


def _unless_zero(position: int) -> list[bytes]:
    return _unless_in(position, (0,))


def _unless_null(position: int) -> list[bytes]:
    high = [_load(_argument(position) + 4), _equal(0, then=1, otherwise=0), _return(_ERRNO | errno.EPERM)]
    return [*_unless_zero(position), *high]


def _argument(position: int) -> int:
    return 16 + 8 * position


def _load(offset: int) -> bytes:
    return struct.pack("=HBBI", _LOAD, 0, 0, offset)


def _equal(value: int, *, then: int, otherwise: int) -> bytes:
    return struct.pack("=HBBI", _JUMP_IF_EQUAL, then, otherwise, value)


def _return(action: int) -> bytes:
    return struct.pack("=HBBI", _RETURN, 0, 0, action)
