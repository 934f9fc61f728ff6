"""Landlock: files may be read beneath some folders; nothing else of the file system can be opened, made or removed."""

import ctypes
import os
import struct
from collections.abc import Iterable
from typing import Final

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_FOR_ABI, _PATH_BENEATH = 1, 1

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3

# Bits of access to files that each ABI knows (<linux/landlock.h>): of the first, 13; then REFER, TRUNCATE, IOCTL_DEV.
_FILE_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK: Final = 0b11  # bind and connect of TCP, since ABI 4
_SCOPES: Final = 0b11  # abstract Unix sockets and signals, since ABI 6


class Ruleset:
    """A ruleset of this process, made once; each run puts itself under it."""

    def __init__(self, libc: ctypes.CDLL, folders: Iterable[str], writable: Iterable[str]) -> None:
        """Allow reading beneath folders, and reading and writing some files such as /dev/null.

        Raises:
            OSError: If the kernel has no Landlock, or it is not switched on.
        """
        self._libc = libc
        self.abi = abi(libc)
        described = self._described()
        self.descriptor = _called(libc, _CREATE_RULESET, described, len(described), 0)
        for folder in folders:
            self._allow(folder, _READ_FILE | _READ_DIR)
        for file in writable:
            self._allow(file, _READ_FILE | _WRITE_FILE)

    def enforce(self, descriptor: int) -> None:
        """Confine this process for good; it must have given up new privileges before.

        Args:
            descriptor: Of the ruleset, which the process may have moved.
        """
        _called(self._libc, _RESTRICT_SELF, descriptor, 0)

    def _described(self) -> bytes:
        files = (1 << _FILE_BITS[min(self.abi, max(_FILE_BITS))]) - 1
        words = [files]
        if self.abi >= 4:
            words.append(_NETWORK)
        if self.abi >= 6:
            words.append(_SCOPES)
        return struct.pack(f"={len(words)}Q", *words)

    def _allow(self, path: str, access: int) -> None:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            _called(self._libc, _ADD_RULE, self.descriptor, _PATH_BENEATH, struct.pack("=Qi", access, parent), 0)
        finally:
            os.close(parent)


def abi(libc: ctypes.CDLL) -> int:
    """Return the version of Landlock's interface.

    Raises:
        OSError: If the kernel has no Landlock, it is not switched on, or a container's seccomp profile forbids it.
    """
    return _called(libc, _CREATE_RULESET, None, 0, _ASK_FOR_ABI)


def _called(libc: ctypes.CDLL, number: int, *arguments: bytes | int | None) -> int:
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = libc.syscall(ctypes.c_long(number), *wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"Landlock: {os.strerror(ctypes.get_errno())} (system call {number})")
    return result
