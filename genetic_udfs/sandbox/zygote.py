"""The zygote: a small warm process that forks one confined process for each run, and says how each ended.

It is started by `host.py` as `python -P -s -S`, holds no job's data, and has one thread. Messages are JSON objects on
a socket that keeps their bounds:

    in   {"fork": LIMITS} with descriptors: payload, stdout, and the result's
    in   {"kill": true}
    out  {"ready": true} or {"refused": WHY}, once; {"status": AS_OF_WAIT, "cpu": SECONDS}
"""

import contextlib
import ctypes
import gc
import importlib
import json
import os
import select
import signal
import socket
import sys
from typing import Any, Final, NoReturn

from genetic_udfs.sandbox import program, together
from genetic_udfs.sandbox.confine import Confinement, die_with_parent
from genetic_udfs.sandbox.tiers import Tier

# With one thread, which holds the interpreter's lock, a child has no lock or thread for os.fork's hooks to put right.
# They would take 0.6 of a run's 3 ms; of what they do, a run seeds `random` itself.
_fork: Final = ctypes.PyDLL(None).fork

_LONGEST_MESSAGE: Final = 4096
_MAX_DESCRIPTORS: Final = 8

# Loaded before the first fork: what solutions import, so that no run spends its time on it, and extension modules with
# libraries of their own, whose folders no run can read. A fork takes the longer the more there is.
_MODULES: Final = """
abc array ast base64 bisect bz2 calendar cmath collections.abc contextlib copy csv ctypes dataclasses datetime decimal
enum fractions functools hashlib heapq inspect io itertools json lzma math numbers operator os pathlib pprint queue
random re resource secrets shlex socket sqlite3 ssl statistics string struct sys textwrap threading time traceback types
typing unicodedata uuid warnings weakref zlib
"""

# Where no file may be opened there is nothing to import beyond these.
_MODULES_WITHOUT_FILES: Final = """
argparse asyncio binascii cmd codecs colorsys concurrent.futures configparser contextvars difflib dis email.message
email.utils errno fcntl filecmp fnmatch getopt getpass gettext glob graphlib grp gzip hmac html html.parser http.client
importlib.util ipaddress keyword linecache locale logging mmap multiprocessing optparse pickle platform pwd reprlib
sched select selectors shelve shutil signal stat subprocess symtable tarfile tempfile timeit token tokenize
unittest.mock urllib.parse urllib.request xml.etree.ElementTree zipfile zoneinfo
"""

# What packages' extension modules want of the system: no run can open these files, and need not once they are loaded.
_LIBRARIES: Final = """
libc.so.6 libdl.so.2 libgcc_s.so.1 libgomp.so.1 libm.so.6 libpthread.so.0 librt.so.1 libstdc++.so.6 libutil.so.1
libz.so.1
"""


def main() -> None:
    """Serve the socket whose descriptor, with everything else to know, the command line gives as JSON."""
    settings = json.loads(sys.argv[1])
    control = socket.socket(fileno=settings["control"])
    try:
        die_with_parent(settings["parent"])
        sys.path[:] = [*(path for path in sys.path if path not in settings["own_path"]), *settings["packages"]]
        tier = Tier(settings["tier"])
        for library in _LIBRARIES.split():
            with contextlib.suppress(OSError):
                ctypes.CDLL(library)
        more = _MODULES_WITHOUT_FILES if tier is Tier.NO_FILES else ""
        _load([*_MODULES.split(), *more.split(), *settings["modules"]])
        confinement = Confinement.prepare(tier, _folders())
        die_with_parent(settings["parent"])  # once more: a user namespace may have cleared it
        if confinement.folder is not None:
            os.environ.update(dict.fromkeys(("HOME", "TMPDIR"), confinement.folder.path))
    except (OSError, ImportError) as error:
        control.send(json.dumps({"refused": str(error)[:1000]}).encode())
        return
    gc.collect()
    gc.freeze()  # a child's collections then touch, and so copy, none of these pages
    control.send(json.dumps({"ready": True}).encode())
    _serve(control, confinement)


def _load(modules: list[str]) -> None:
    for name in modules:
        with contextlib.suppress(ImportError):  # an interpreter may be built without sqlite3, lzma and the like
            importlib.import_module(name)
    if "pytest" in sys.modules:
        together.warm_up()


def _folders() -> list[str]:
    """Return the folders that modules are imported from."""
    return [path for path in dict.fromkeys([*sys.path, "/usr/share/zoneinfo"]) if os.path.isdir(path)]  # noqa: PTH112


def _serve(control: socket.socket, confinement: Confinement) -> None:
    alarm, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    child = 0
    waiting = select.poll()
    waiting.register(control, select.POLLIN)
    waiting.register(alarm, select.POLLIN)
    while True:
        ready = {descriptor for descriptor, _ in waiting.poll()}
        if alarm in ready:
            os.read(alarm, _LONGEST_MESSAGE)
            child = _report_ended(control, child)
            if not child:
                confinement.renew()
        if control.fileno() in ready:
            data, descriptors, _, _ = socket.recv_fds(control, _LONGEST_MESSAGE, _MAX_DESCRIPTORS)
            if not data:
                return  # the other side is gone; the child is killed with this process
            message = json.loads(data)
            if "fork" in message:
                child = _fork()
                if child < 0:
                    return  # no process can be made; the owner starts another zygote, or gives up
                if child == 0:
                    _run(confinement, message["fork"], descriptors)
                for descriptor in descriptors:
                    os.close(descriptor)
            elif child:  # not waited for, so the number is still its own
                os.kill(child, signal.SIGKILL)


def _report_ended(control: socket.socket, child: int) -> int:
    """Report how the child has ended; return its number if it has not."""
    ended, status, used = os.wait4(child, os.WNOHANG) if child else (0, 0, None)
    if not ended or used is None:
        return child
    control.send(json.dumps({"status": status, "cpu": used.ru_utime + used.ru_stime}).encode())
    return 0


def _run(confinement: Confinement, limits: dict[str, Any], descriptors: list[int]) -> NoReturn:
    """Become a run: what the code does begins only after everything is given up, and was said to be."""
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        payload, stdout, *given = descriptors
        with os.fdopen(payload, "rb") as file:
            task = json.load(file)
        ruleset = confinement.take(stdout, given)
    except BaseException:
        os._exit(1)  # it was not said to be confined, which the other side takes for a fault of the sandbox
    try:
        confinement.apply(limits, ruleset)
        program.confined()
    except BaseException as error:
        program.refused(f"{type(error).__name__}: {error}")
        os._exit(1)
    try:
        program.run(task, confinement.readable, confinement.writable)
    finally:
        os._exit(0)  # no atexit, no waiting for threads
