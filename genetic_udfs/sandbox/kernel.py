"""What the kernel is asked for beyond Python's own modules, by libc."""

import ctypes
import os
from typing import Final

libc: Final = ctypes.CDLL(None, use_errno=True)
_MAX_ARGUMENTS: Final = 6
for _name in ("syscall", "prctl", "capset", "unshare", "mount", "umount2"):
    # Takes numbers, bytes and None, each as wide as a register; functions with fewer arguments do not look at the rest.
    getattr(libc, _name).argtypes = [ctypes.c_void_p] * _MAX_ARGUMENTS


def call(name: str, *arguments: bytes | int | None, what: str = "") -> int:
    """Call a function of libc that answers with -1 where it fails; `what` says what for.

    Raises:
        OSError: with that, or else the function's name, and the reason.
    """
    result: int = getattr(libc, name)(*arguments, *[None] * (_MAX_ARGUMENTS - len(arguments)))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what or name}: {os.strerror(ctypes.get_errno())}")
    return result
