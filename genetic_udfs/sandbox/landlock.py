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
        self._abi = call("syscall", _CREATE_RULESET, None, 0, _ASK_FOR_ABI, what=_NAME)
        self._access = dict.fromkeys(readable, _READ_FILE | _READ_DIR) | dict.fromkeys(
            writable, _READ_FILE | _WRITE_FILE
        )
        self._descriptor = self._made(self._access)

    def allow_own(self, folder: str) -> None:
        """Allow files to be made, written and removed beneath a folder, and no more beneath an earlier one.

        Raises:
            OSError: If the kernel's Landlock cannot keep files elsewhere from being truncated.
        """
        if self._abi < _FIRST_WITH_TRUNCATE:
            raise OSError(f"Landlock's ABI is {self._abi}, and files can be kept from being truncated since 3")
        os.close(self._descriptor)
        self._descriptor = self._made({**self._access, folder: _OWN})

    def enforce(self) -> None:
        """Confine this process for good; it must have given up new privileges before."""
        call("syscall", _RESTRICT_SELF, self._descriptor, 0, what=_NAME)

    def _made(self, access: dict[str, int]) -> int:
        words = [(1 << _FILE_BITS[min(self._abi, max(_FILE_BITS))]) - 1]
        if self._abi >= 4:
            words.append(_NETWORK)
        if self._abi >= 6:
            words.append(_SCOPES)
        described = struct.pack(f"={len(words)}Q", *words)
        made = call("syscall", _CREATE_RULESET, described, len(described), 0, what=_NAME)
        for path, allowed in access.items():
            parent = os.open(path, os.O_PATH | os.O_CLOEXEC)
            try:
                rights = allowed if os.path.isdir(path) else allowed & ~_READ_DIR  # noqa: PTH112
                rule = struct.pack("=Qi", rights, parent)
                call("syscall", _ADD_RULE, made, _PATH_BENEATH, rule, 0, what=_NAME)
            finally:
                os.close(parent)
        return made
