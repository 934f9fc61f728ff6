"""The zygote: a small warm process that forks one confined process for each run, and says how each ended.

It is started by `host.py` as `python -P -s -S`, holds no job's data, and has one thread. Messages keep their bounds on
its socket:

    in   b"fork" with descriptors: of the payload, of stdout, and of results; the payload is a run's limits and task
    in   b"kill"
    out  {"ready": true} or {"refused": WHY}, once; {"status": AS_OF_WAIT, "cpu": SECONDS}
"""

import ctypes
import gc
import json
import marshal
import os
import random
import select
import signal
import socket
import sys
from collections.abc import Callable
from typing import Final, NoReturn

from genetic_udfs.sandbox import program, refusals, together
from genetic_udfs.sandbox.confine import RESULT, Confinement, die_with_parent
from genetic_udfs.sandbox.preload import Kind, libraries, load
from genetic_udfs.sandbox.tiers import CONFINED, Tier

# With one thread, which holds the interpreter's lock, a child has no lock or thread for os.fork's hooks to put right.
# They would take 0.6 of a run's 3 ms.
_fork: Final = ctypes.PyDLL(None).fork

_CONFINED: Final = json.dumps(CONFINED).encode() + b"\n"
_LONGEST_MESSAGE: Final = 4096
_DESCRIPTORS: Final = 3


def main() -> None:
    """Serve the socket whose descriptor, with everything else to know, the command line gives as JSON."""
    settings = json.loads(sys.argv[1])
    with socket.socket(fileno=settings["control"]) as given:
        os.dup2(given.fileno(), RESULT, inheritable=False)
    control = socket.socket(fileno=RESULT)
    try:
        die_with_parent(settings["parent"])
        sys.path[:] = [*(path for path in sys.path if path not in settings["own_path"]), *settings["packages"]]
        tier = Tier(settings["tier"])
        load(Kind(settings["kind"]), has_files=tier.reaches(Tier.LANDLOCK))
        if "pytest" in sys.modules:
            together.warm_up()
        folders = [path for path in dict.fromkeys([*sys.path, "/usr/share/zoneinfo"]) if os.path.isdir(path)]  # noqa: PTH112
        confinement = Confinement(tier, folders, libraries(folders) if tier.reaches(Tier.LANDLOCK) else [])
        die_with_parent(settings["parent"])  # once more: a user namespace may have cleared it
        if confinement.folder is not None:
            os.environ.update(dict.fromkeys(("HOME", "TMPDIR"), confinement.folder.path))
    except (OSError, ImportError) as error:
        control.send(json.dumps({"refused": str(error)[:1000]}).encode())
        return
    refusals.announce()
    sys.argv = ["solution.py"]
    random.seed(0)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(0)
    gc.collect()
    gc.freeze()  # a child's collections then touch, and so copy, none of these pages
    control.send(json.dumps({"ready": True}).encode())
    _serve(control, confinement)


def _serve(control: socket.socket, confinement: Confinement) -> None:
    notice = refusals.watch(confinement.readable, confinement.writable)
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
        if RESULT in ready:
            message, descriptors, _, _ = socket.recv_fds(control, _LONGEST_MESSAGE, _DESCRIPTORS)
            if not message:
                return  # the other side is gone; the child is killed with this process
            if message == b"fork":
                child = _fork()
                if child < 0:
                    return  # no process can be made; the owner starts another zygote, or gives up
                if child == 0:
                    _run(confinement, notice, *descriptors)
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


def _run(confinement: Confinement, notice: Callable[[int], None], payload: int, stdout: int, result: int) -> NoReturn:
    """Become a run: what the code does begins only after everything is given up, and was said to be."""
    try:
        signal.set_wakeup_fd(-1)
        for descriptor, place in ((stdout, 1), (stdout, 2), (result, RESULT)):
            os.dup2(descriptor, place, inheritable=False)
        limits, task = marshal.loads(os.pread(payload, os.lseek(payload, 0, os.SEEK_END), 0))
    except BaseException:
        os._exit(1)  # it was not said to be confined, which the other side takes for a fault of the sandbox
    try:
        confinement.apply(limits)
        os.write(RESULT, _CONFINED)  # code runs after this alone, so it cannot make it seem not to have been
    except BaseException as error:
        program.report({"refused": f"{type(error).__name__}: {error}"[:1000]})
        os._exit(1)
    try:
        program.run(task, notice)
    finally:
        os._exit(0)  # no atexit, no waiting for threads
