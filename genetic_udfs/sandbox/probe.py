"""Tries, inside a fresh zygote's first run, what no run may do. Versions and return codes are not trusted: this is.

An attempt counts as stopped only if the kernel refused it, so one that fails for another reason refuses the tier.
"""

import inspect
from typing import Any, Final

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.host import Run, Zygote
from genetic_udfs.sandbox.tiers import Limits
from genetic_udfs.sandbox.values import decode

_LIMITS: Final = Limits(cpu_seconds=5, wall_seconds=10.0)


def _attempts(zygote: int) -> dict[str, str]:
    """Run inside: this function's source is the code of the run, so it stands on its own."""
    import ctypes
    import errno
    import os
    import resource
    import socket
    from pathlib import Path

    libc = ctypes.CDLL(None, use_errno=True)
    at = 0 if os.uname().machine == "x86_64" else 1
    numbers = {"ptrace": (101, 117), "unshare": (272, 97), "shmget": (29, 194), "io_uring_setup": (425, 425)}

    def kernel(name: str, *arguments: int) -> None:
        if libc.syscall(ctypes.c_long(numbers[name][at]), *map(ctypes.c_long, arguments)) == -1:
            raise OSError(ctypes.get_errno(), name)

    def make_folder() -> None:
        folder = Path(f"/tmp/genetic-udfs-probe-{zygote}")
        folder.mkdir()
        folder.rmdir()

    def fork() -> None:
        if os.fork() == 0:
            os._exit(0)

    attempts = {
        "reading /etc/passwd": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "reading its environment through /proc": lambda: os.open("/proc/self/environ", os.O_RDONLY),
        "listing /": lambda: list(Path("/").iterdir()),
        "writing to /tmp": lambda: os.open("/tmp", os.O_WRONLY | os.O_TMPFILE),
        "making a folder": make_folder,
        "a TCP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_STREAM),
        "a UDP socket": lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM),
        "a Unix socket": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_STREAM),
        "a signal to the zygote": lambda: os.kill(zygote, 0),
        "a signal to every process": lambda: os.kill(-1, 0),
        "ptrace": lambda: kernel("ptrace", 0x4206, zygote, 0, 0),
        "memfd": lambda: os.memfd_create("probe"),
        "shared memory": lambda: kernel("shmget", 0, 4096, 0o600),
        "io_uring": lambda: kernel("io_uring_setup", 1, 0),
        "a user namespace": lambda: kernel("unshare", 0x10000000),
        "raising a limit": lambda: resource.prlimit(0, resource.RLIMIT_CORE, (0, 0)),
        "becoming root": lambda: os.setresuid(0, 0, 0),
        "exec": lambda: os.execv("/proc/self/exe", ["probe", "-c", "0"]),
        "fork": fork,
    }
    found = {}
    for name, attempt in attempts.items():
        try:
            attempt()
        except OSError as error:
            stopped = error.errno in {errno.EPERM, errno.EACCES}
            found[name] = "stopped" if stopped else f"failed otherwise: {error}"
        else:
            found[name] = "got through"
    return found


def check(zygote: Zygote) -> None:
    """Check that a zygote's runs are stopped at everything.

    Raises:
        SandboxError: naming what is not stopped, or why no code runs at all.
        ZygoteLostError: If the zygote ends.
    """
    step = (0, 0, (), f"_attempts({zygote.pid})", None)
    run = Run({"do": "answer", "code": inspect.getsource(_attempts), "steps": [step]})
    zygote.run(run, _LIMITS)
    found: dict[str, Any] = {}
    for report in run.reports():
        if "refused" in report:
            raise SandboxError(f"a run cannot be confined: {report['refused']}")
        if "value" in report:
            found = decode(report["value"])
    if not found:
        raise SandboxError(f"the probe was not answered (status {run.status}, {bytes(run.results[-300:])!r})")
    if through := [f"{name} ({how})" for name, how in found.items() if how != "stopped"]:
        raise SandboxError(f"the probe was not stopped at {', '.join(through)}")
