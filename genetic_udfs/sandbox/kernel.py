"""What the kernel is asked for beyond Python's own modules, by libc. No other module of a zygote uses ctypes."""

import ctypes
import os
from typing import Final

libc: Final = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: bytes | int | None) -> int:
    """Call a function of libc that answers with -1 where it fails.

    Raises:
        OSError: with the name and the reason.
    """
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result: int = getattr(libc, name)(*wide)
    if result < 0:
        raise OSError(ctypes.get_errno(), f"{name}: {os.strerror(ctypes.get_errno())}")
    return result
