"""Landlock: files may be read beneath some folders, and written in one of a run's own; nothing else can be opened."""

import os
import struct
from collections.abc import Iterable
from typing import Final

from genetic_udfs.sandbox.kernel import call

_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446  # the same on every architecture
_ASK_FOR_ABI, _PATH_BENEATH = 1, 1
_NAME: Final = "Landlock"

_WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 1, 1 << 2, 1 << 3
# What a folder of a run's own allows: not to execute, nor to make devices, sockets, pipes and links. REMOVE_DIR,
# REMOVE_FILE, MAKE_DIR, MAKE_REG; REFER, which is to move from one folder in it to another; TRUNCATE.
_OWN: Final = _WRITE_FILE | _READ_FILE | _READ_DIR | 1 << 4 | 1 << 5 | 1 << 7 | 1 << 8 | 1 << 13 | 1 << 14
_FIRST_WITH_TRUNCATE: Final = 3

# Bits of access to files that each ABI knows (<linux/landlock.h>): of the first, 13; then REFER, TRUNCATE, IOCTL_DEV.
_FILE_BITS: Final = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
_NETWORK: Final = 0b11  # bind and connect of TCP, since ABI 4
_SCOPES: Final = 0b11  # abstract Unix sockets and signals, since ABI 6


class Ruleset:
    """A ruleset of this process; each run puts itself under it."""

    def __init__(self, readable: Iterable[str], writable: Iterable[str]) -> None:
        """Allow reading some files and beneath some folders, and writing, too, some files such as /dev/null.

        Raises:
            OSError: If the kernel has no Landlock, or it is not switched on.
        """
        self.abi = call("syscall", _CREATE_RULESET, None, 0, _ASK_FOR_ABI, what=_NAME)
        self._readable, self._writable = tuple(readable), tuple(writable)
        self.descriptor = self._made()

    def allow_own(self, folder: str) -> None:
        """Allow files to be made, written and removed beneath a folder, and no more beneath an earlier one.

        Raises:
            OSError: If the kernel's Landlock cannot keep files elsewhere from being truncated.
        """
        if self.abi < _FIRST_WITH_TRUNCATE:
            raise OSError(f"Landlock's ABI is {self.abi}, and files can be kept from being truncated since 3")
        made = self._made()
        self._allow(made, folder, _OWN)
        os.close(self.descriptor)
        self.descriptor = made

    def enforce(self, descriptor: int) -> None:
        """Confine this process for good; it must have given up new privileges before.

        Args:
            descriptor: Of the ruleset, which the process may have moved.
        """
        call("syscall", _RESTRICT_SELF, descriptor, 0, what=_NAME)

    def _made(self) -> int:
        described = self._described()
        made = call("syscall", _CREATE_RULESET, described, len(described), 0, what=_NAME)
        for path in self._readable:
            self._allow(made, path, _READ_FILE | (_READ_DIR if os.path.isdir(path) else 0))  # noqa: PTH112
        for file in self._writable:
            self._allow(made, file, _READ_FILE | _WRITE_FILE)
        return made

    def _described(self) -> bytes:
        files = (1 << _FILE_BITS[min(self.abi, max(_FILE_BITS))]) - 1
        words = [files]
        if self.abi >= 4:
            words.append(_NETWORK)
        if self.abi >= 6:
            words.append(_SCOPES)
        return struct.pack(f"={len(words)}Q", *words)

    @staticmethod
    def _allow(ruleset: int, path: str, access: int) -> None:
        parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            call("syscall", _ADD_RULE, ruleset, _PATH_BENEATH, struct.pack("=Qi", access, parent), 0, what=_NAME)
        finally:
            os.close(parent)
