"""What the kernel is asked for beyond Python's own modules, by libc."""

import ctypes
import os
from typing import Final

libc: Final = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: bytes | int | None, what: str = "") -> int:
    """Call a function of libc that answers with -1 where it fails; `what` says what for.

    Raises:
        OSError: with that, or else the function's name, and the reason.
    """
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = getattr(libc, name)(*wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{what or name}: {os.strerror(ctypes.get_errno())}")
    return result
