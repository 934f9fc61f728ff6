"""Runs the sandbox under other circumstances than this machine's, and prints what came of it as a JSON object.

`python -m tests.sandbox.within CIRCUMSTANCE...`
"""

import ctypes
import errno
import json
import os
import platform
import struct
import sys
from collections.abc import Callable

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox import seccomp
from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.syscalls import ARCHITECTURES
from genetic_udfs.sandbox.tiers import Limits, Tier

_LANDLOCK = (444, 445, 446)
# Of what Docker's default profile refuses without further capabilities, as (x86_64, aarch64): add_key, request_key,
# keyctl, bpf, perf_event_open, userfaultfd, io_uring's three, unshare, setns, mount, umount2, pivot_root, acct, swapon,
# reboot, init_module, kexec_load, personality is left out, process_vm_readv, quotactl, open_by_handle_at.
_REFUSED_IN_A_CONTAINER = (
    [248, 249, 250, 321, 298, 323, 425, 426, 427, 272, 308, 165, 166, 155, 163, 167, 169, 175, 246, 310, 179, 304],
    [217, 218, 219, 280, 241, 282, 425, 426, 427, 97, 268, 40, 39, 41, 89, 224, 142, 105, 104, 270, 60, 265],
)
# CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, SETGID, SETUID, SETPCAP, NET_BIND_SERVICE, NET_RAW, SYS_CHROOT, MKNOD,
# AUDIT_WRITE, SETFCAP
_CAPABILITIES_OF_A_CONTAINER = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)
_NAMESPACES = 0x7E020000
_libc = ctypes.CDLL(None, use_errno=True)


class _Refusing(seccomp.Filter):
    """Answers some system calls with an error, and allows all others."""

    def __init__(self, numbers: list[int], error: int, *, namespaces: bool = True) -> None:
        refused = seccomp._return(seccomp._ERRNO | error)
        code = [seccomp._load(seccomp._NUMBER)]
        for number in numbers:
            code += _when(number, [refused])
        if not namespaces:  # clone with a flag of a namespace; clone3, whose flags a filter cannot see
            test_bits = struct.pack("=HBBI", 0x45, 0, 1, _NAMESPACES)
            clone = ARCHITECTURES[platform.machine()].guarded["clone"]
            code += _when(clone, [seccomp._load(16), test_bits, refused, seccomp._return(seccomp._ALLOW)])
            code += _when(435, [seccomp._return(seccomp._ERRNO | errno.ENOSYS)])
        self._prepare(b"".join([*code, seccomp._return(seccomp._ALLOW)]))


def _when(number: int, body: list[bytes]) -> list[bytes]:
    return [seccomp._equal(number, then=0, otherwise=len(body)), *body]


def no_landlock() -> None:
    _install(_Refusing(list(_LANDLOCK), errno.ENOSYS))


def no_seccomp() -> None:
    """The kernel takes no filter after this one."""
    prctl = 157 if platform.machine() == "x86_64" else 167
    refused = seccomp._return(seccomp._ERRNO | errno.EINVAL)
    set_seccomp = [seccomp._load(16), seccomp._equal(22, then=0, otherwise=1), refused]
    filter_ = _Refusing([], errno.EINVAL)
    filter_._prepare(b"".join([seccomp._load(0), *_when(prctl, set_seccomp), seccomp._return(seccomp._ALLOW)]))
    _install(filter_)


def container() -> None:
    keep_capabilities(_CAPABILITIES_OF_A_CONTAINER)
    refused = _REFUSED_IN_A_CONTAINER[0 if platform.machine() == "x86_64" else 1]
    _install(_Refusing(refused, errno.EPERM, namespaces=False))


def bare_root() -> None:
    keep_capabilities(())


def nobody() -> None:
    os.setgroups([])
    os.setresgid(65534, 65534, 65534)
    os.setresuid(65534, 65534, 65534)


def keep_capabilities(kept: tuple[int, ...]) -> None:
    for capability in range(64):
        if capability not in kept and _libc.prctl(24, capability, 0, 0, 0) != 0:
            break
    bits = sum(1 << capability for capability in kept)
    low, high = bits & 0xFFFFFFFF, bits >> 32
    if _libc.capset(struct.pack("=Ii", 0x20080522, 0), struct.pack("=6I", low, low, 0, high, high, 0)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _install(filter_: seccomp.Filter) -> None:
    if _libc.prctl(38, 1, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no_new_privs")
    filter_.load()


CIRCUMSTANCES: dict[str, Callable[[], None]] = {
    each.__name__: each for each in (no_landlock, no_seccomp, container, bare_root, nobody)
}

CODE = """
import os, wave
def f(x): return x + 1
def user(): return os.getuid()
def read(): return open('/etc/passwd').read()
"""

if __name__ == "__main__":
    *circumstances, least = sys.argv[1:]
    for name in circumstances:
        CIRCUMSTANCES[name]()
    sandbox = Sandbox(Tier(least), Limits(cpu_seconds=20, wall_seconds=120.0))
    try:
        code = CODE if sandbox.tier.reaches(Tier.LANDLOCK) else CODE.replace(", wave", "")
        outcome = examine(sandbox, code, ["assert f(1) == 2", "for x in [1]: assert f(x) == 2", "assert read()"])
        [user] = examine(sandbox, code, ["assert user() == -1"]).tests
        print(
            json.dumps(
                {
                    "tier": outcome.tier,
                    "code": outcome.code.name,
                    "tests": [test.name for test in outcome.tests],
                    "user": user.message,
                    "read": outcome.tests[2].message,
                }
            )
        )
    except SandboxError as error:
        print(json.dumps({"refused": str(error)}))
    finally:
        sandbox.close()
