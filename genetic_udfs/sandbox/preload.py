"""What a zygote has loaded before its first fork, and which libraries of the system its runs may load after that."""

import contextlib
import ctypes
import importlib
import os
from collections.abc import Set
from enum import StrEnum
from typing import Final

_BASIC: Final = """
__future__ abc array ast bisect calendar collections contextlib copy dataclasses datetime enum functools heapq
importlib inspect io itertools json keyword math numbers operator os pathlib random re string struct sys textwrap time
types typing warnings weakref
""".split()  # noqa: SIM905
_LIBRARY: Final = """
base64 bz2 cmath csv ctypes decimal fractions hashlib logging lzma pprint queue resource secrets shlex socket sqlite3
ssl statistics threading traceback unicodedata uuid zlib zoneinfo
""".split()  # noqa: SIM905
_TESTS: Final = ["unittest", "unittest.mock", "asyncio", "pytest"]
_NUMPY: Final = ["numpy", *(f"numpy.{part}" for part in ("fft", "linalg", "ma", "polynomial", "random", "testing"))]

# Where no file may be opened there is nothing to import beyond these.
_WITHOUT_FILES: Final = """
argparse asyncio binascii cmd codecs collections.abc colorsys concurrent.futures configparser contextvars curses difflib
dis email.message email.utils errno fcntl filecmp fnmatch getopt getpass gettext glob graphlib grp gzip hmac html
html.parser http.client importlib.util ipaddress linecache locale mmap multiprocessing optparse pickle platform pwd
readline reprlib sched select selectors shelve shutil signal stat subprocess symtable tarfile tempfile timeit tkinter
token tokenize unittest.mock urllib.parse urllib.request xml.etree.ElementTree zipfile
""".split()  # noqa: SIM905

# What packages' extension modules want of the system.
_OF_PACKAGES: Final = """
libc.so.6 libdl.so.2 libgcc_s.so.1 libgomp.so.1 libm.so.6 libpthread.so.0 librt.so.1 libstdc++.so.6 libutil.so.1
libz.so.1
""".split()  # noqa: SIM905


class Kind(StrEnum):
    """What a zygote has loaded. A fork of one with more takes longer, so code runs in the least that it needs."""

    BASIC = "basic"
    LIBRARY = "library"
    TESTS = "tests"
    NUMPY = "numpy"
    PANDAS = "pandas"

    @classmethod
    def for_modules(cls, modules: Set[str]) -> "Kind":
        """Return the kind for what is imported, by its top-level names; what another one has loads the longer."""
        kinds = (kind for kind, wanted in _WANTED.items() if modules & wanted)
        return next(kinds, cls.BASIC if modules <= set(_BASIC) else cls.LIBRARY)


_WANTED: Final = {
    Kind.PANDAS: {"pandas"},
    Kind.NUMPY: {"numpy", "scipy", "sklearn"},
    Kind.TESTS: {"unittest", "pytest", "asyncio"},
}
_MODULES: Final = {
    Kind.BASIC: _BASIC,
    Kind.LIBRARY: [*_BASIC, *_LIBRARY],
    Kind.TESTS: [*_BASIC, *_LIBRARY, *_TESTS],
    Kind.NUMPY: [*_BASIC, *_LIBRARY, *_TESTS, *_NUMPY],
    Kind.PANDAS: [*_BASIC, *_LIBRARY, *_TESTS, *_NUMPY, "pandas"],
}


def load(kind: Kind, *, has_files: bool) -> None:
    """Load what a kind has; where no file can be opened later, all that could be wanted."""
    if not has_files:
        _load_libraries(_OF_PACKAGES)
    for name in [*_MODULES[kind], *([] if has_files else [*_LIBRARY, *_WITHOUT_FILES])]:
        with contextlib.suppress(ImportError):  # an interpreter may be built without sqlite3, lzma and the like
            importlib.import_module(name)


def libraries(folders: list[str]) -> list[str]:
    """Return the files outside of some folders that extension modules of the library, and packages, may load."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            of_python = [entry.path for folder in folders if "lib-dynload" in folder for entry in os.scandir(folder)]
            _load_libraries([*_OF_PACKAGES, *of_python])
            with open("/proc/self/maps") as file:  # noqa: PTH123
                mapped = {line.split(maxsplit=5)[-1].strip() for line in file if ".so" in line}
            found = sorted(path for path in mapped if not path.startswith(tuple(folders)))
            os.write(writing, "\n".join(found).encode())
            os._exit(0)
        finally:
            os._exit(1)
    os.close(writing)
    with os.fdopen(reading) as file:
        found = file.read().split("\n")
    if (status := os.waitpid(child, 0)[1]) != 0:
        raise OSError(f"the process that looks for the libraries of packages has failed: {status}")
    return [path for path in found if os.path.isfile(path)]  # noqa: PTH113


def _load_libraries(names: list[str]) -> None:
    for name in names:
        with contextlib.suppress(OSError):
            ctypes.CDLL(name)
