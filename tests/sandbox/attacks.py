"""Programs that try to reach beyond the sandbox, and the statuses that say that they were stopped.

Each is the body of a function that returns where it got through. `kernel` makes a system call by its numbers on x86_64
and aarch64; `VICTIM` is a file of the test's, `ZYGOTE` the zygote's number, `HOST` that of the process that owns it.
"""

import os
from pathlib import Path
from typing import Final

from genetic_udfs.sandbox.outcomes import answers, examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.reports import Status

_PREAMBLE: Final = """
import ctypes, errno, mmap, os, resource, signal, socket, struct, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
def kernel(numbers, *arguments):
    number = numbers[0 if os.uname().machine == "x86_64" else 1]
    wide = [ctypes.c_long(each) if isinstance(each, int) else each for each in arguments]
    result = libc.syscall(ctypes.c_long(number), *wide)
    if result == -1:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
def endless():
    while True:
        pass
"""

REFUSED: Final = ("error:PermissionError", "unsupported")
_TOO_MUCH: Final = ("oom", "error:RuntimeError", "timeout", "error:OSError", "error:PermissionError")

ATTACKS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    # files
    "reads a file of the host": ("open('/etc/passwd').read()", REFUSED),
    "reads a file of the job": ("open(VICTIM).read()", REFUSED),
    "reads its environment through /proc": ("open('/proc/self/environ').read()", REFUSED),
    "reads the owner's environment": ("open(f'/proc/{HOST}/environ').read()", REFUSED),
    "reads the zygote's memory": ("open(f'/proc/{ZYGOTE}/mem', 'rb').read(1)", REFUSED),
    "lists folders": ("os.listdir('/')", REFUSED),
    "follows a link out of the library's folder": (
        "open(os.path.dirname(os.__file__) + '/..' * 20 + '/etc/passwd').read()",
        REFUSED,
    ),
    "opens by a file handle": ("kernel((304, 265), -100, ctypes.create_string_buffer(64), os.O_RDONLY)", REFUSED),
    "opens by openat2": ("kernel((437, 437), -100, b'/etc/passwd', bytes(24), 24)", REFUSED),
    "writes a file": ("open('/tmp/genetic-udfs-attack', 'w').write('x')", REFUSED),
    "appends to a file": ("open(VICTIM, 'a').write('x')", REFUSED),
    "changes the standard library": ("open(os.__file__, 'a').write('x')", REFUSED),
    "makes a file without a name": ("os.open('/tmp', os.O_WRONLY | os.O_TMPFILE)", REFUSED),
    "truncates a file": ("os.truncate(VICTIM, 0)", REFUSED),
    "truncates a file of the library as it reads it": ("os.open(os.__file__, os.O_RDONLY | os.O_TRUNC)", REFUSED),
    "truncates one that it opens for nothing": ("os.open(os.__file__, os.O_ACCMODE | os.O_TRUNC)", REFUSED),
    "truncates one by flags with more bits": (
        "kernel((257, 56), -100, os.__file__.encode(), (1 << 32) | os.O_TRUNC)",
        REFUSED,
    ),
    "changes an extension module": ("open(sys.modules['_ctypes'].__file__, 'r+b').write(b'x')", REFUSED),
    "changes a file of the library by a map": (
        "mmap.mmap(os.open(os.__file__, os.O_RDONLY), 4096, mmap.MAP_SHARED, mmap.PROT_WRITE)",
        REFUSED,
    ),
    "removes a file": ("os.unlink(VICTIM)", REFUSED),
    "renames a file": ("os.rename(VICTIM, VICTIM + '.away')", REFUSED),
    "links a file": ("os.link(VICTIM, VICTIM + '.link')", REFUSED),
    "makes a symbolic link": ("os.symlink('/etc', '/tmp/genetic-udfs-attack')", REFUSED),
    "changes rights": ("os.chmod(VICTIM, 0o777)", REFUSED),
    "changes times": ("os.utime(VICTIM, (0, 0))", REFUSED),
    "makes a pipe with a name": ("os.mkfifo('/tmp/genetic-udfs-attack')", REFUSED),
    "fills the disk with small files": (
        "for number in range(10**6): os.mkdir(f'/tmp/genetic-udfs-attack-{number}')",
        REFUSED,
    ),
    "fills shared memory": ("open('/dev/shm/genetic-udfs-attack', 'wb').write(bytes(1 << 20))", REFUSED),
    "changes its folder": ("os.chdir('/etc')", REFUSED),
    "changes its root": ("os.chroot('/tmp')", REFUSED),
    "mounts": ("kernel((165, 40), b'none', b'/tmp', b'tmpfs', 0, 0)", REFUSED),
    # network
    "connects by TCP": ("socket.create_connection(('127.0.0.1', 22), 1)", REFUSED),
    "listens": ("socket.create_server(('127.0.0.1', 0))", REFUSED),
    "sends by UDP": ("socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b'x', ('127.0.0.1', 53))", REFUSED),
    "connects to a Unix socket": ("socket.socket(socket.AF_UNIX).connect('/run/docker.sock')", REFUSED),
    "asks netlink": ("socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)", REFUSED),
    "asks for a name": ("socket.getaddrinfo('example.org', 80)", ("error:gaierror", *REFUSED)),
    "sends from a pair to elsewhere": (
        "socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].sendto(b'x', '/run/systemd/notify')",
        REFUSED,
    ),
    "sends out of band": ("socket.socketpair()[0].send(b'x', socket.MSG_OOB)", REFUSED),
    "receives out of band": ("socket.socketpair()[0].recv(1, socket.MSG_OOB)", REFUSED),
    "reports out of band": ("kernel((44, 206), 3, b'x', 1, socket.MSG_OOB, None, 0)", REFUSED),
    "sends out of band with other flags": (
        "kernel((44, 206), 3, b'x', 1, socket.MSG_OOB | socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL, None, 0)",
        REFUSED,
    ),
    "connects an end of a pair": ("socket.socketpair()[0].connect('/run/docker.sock')", REFUSED),
    "takes back what it has reported": (
        "os.read(os.open('/proc/self/fd/3', os.O_RDONLY | os.O_NONBLOCK), 65536)",
        ("error:OSError", *REFUSED),
    ),
    # processes
    "kills the zygote": ("os.kill(ZYGOTE, signal.SIGKILL)", REFUSED),
    "kills the owner": ("os.kill(HOST, signal.SIGKILL)", REFUSED),
    "kills everything": ("os.kill(-1, signal.SIGKILL)", REFUSED),
    "kills its parent's group": ("os.killpg(ZYGOTE, signal.SIGKILL)", REFUSED),
    "kills by tkill": ("kernel((200, 130), ZYGOTE, 9)", REFUSED),
    "kills by tgkill": ("kernel((234, 131), ZYGOTE, ZYGOTE, 9)", REFUSED),
    "kills by a pidfd": ("signal.pidfd_send_signal(os.pidfd_open(ZYGOTE), 9)", REFUSED),
    "queues a signal": ("kernel((129, 138), ZYGOTE, 9, bytes(128))", REFUSED),
    "has the kernel send SIGIO": ("__import__('fcntl').fcntl(0, 8, ZYGOTE)", REFUSED),
    "forks": ("os.fork()", REFUSED),
    "forks by clone": ("kernel((56, 220), 17, 0, 0, 0, 0)", REFUSED),
    "forks by vfork's flags": ("kernel((56, 220), 0x4111, 0, 0, 0, 0)", REFUSED),
    "forks by clone3": ("kernel((435, 435), bytes(88), 88)", ("error:OSError", "unsupported")),
    "starts a shell": ("__import__('subprocess').run('id', shell=True)", REFUSED),
    "starts a shell by system": ("raise OSError(errno.EPERM, '') if os.system('id') else Exception", REFUSED),
    "becomes another program": ("os.execv('/bin/sh', ['sh', '-c', 'id'])", REFUSED),
    "becomes itself": ("os.execv('/proc/self/exe', ['python', '-c', '0'])", REFUSED),
    "runs from a descriptor": ("kernel((322, 281), 0, b'', 0, 0, 0x1000)", REFUSED),
    "goes to the background": ("os.fork() and os._exit(0)", REFUSED),
    "leaves its session": ("os.setsid()", REFUSED),
    "multiplies by multiprocessing": ("__import__('multiprocessing').Process(target=print).start()", REFUSED),
    "traces the zygote": ("kernel((101, 117), 0x4206, ZYGOTE, 0, 0)", REFUSED),
    "reads memory of the zygote": ("kernel((310, 270), ZYGOTE, bytes(16), 1, bytes(16), 1, 0)", REFUSED),
    "takes a descriptor of the zygote": ("kernel((438, 438), 0, 0, 0)", REFUSED),
    # the kernel
    "makes a memfd": ("os.memfd_create('x')", REFUSED),
    "makes shared memory": ("kernel((29, 194), 0, 4096, 0o1600)", REFUSED),
    "makes a message queue": ("kernel((240, 180), b'x', 0x42, 0o600, 0)", REFUSED),
    "sets up io_uring": ("kernel((425, 425), 4, ctypes.create_string_buffer(256))", REFUSED),
    "loads BPF": ("kernel((321, 280), 0, bytes(64), 64)", REFUSED),
    "measures performance": ("kernel((298, 241), bytes(128), 0, -1, -1, 0)", REFUSED),
    "handles page faults": ("kernel((323, 282), 1)", REFUSED),
    "uses the keyring": ("kernel((250, 219), 0, -3, 0, 0, 0)", REFUSED),
    "makes a user namespace": ("kernel((272, 97), 0x10000000)", REFUSED),
    "makes a namespace by clone": ("kernel((56, 220), 0x10000000 | 17, 0, 0, 0, 0)", REFUSED),
    "makes a namespace in a thread's flags": ("kernel((56, 220), 0x3D0F00 | 0x20000000, 0, 0, 0, 0)", REFUSED),
    "enters a namespace": ("kernel((308, 268), 0, 0)", REFUSED),
    "calls through the x32 table": ("kernel((0x40000000 + 41, 1041), 2, 1, 0)", REFUSED),
    "changes its personality": ("kernel((135, 92), 0x0040000)", REFUSED),
    "types into a terminal": ("__import__('fcntl').ioctl(0, 0x5412, b'x')", REFUSED),
    # setuid leftovers, limits
    "becomes root": ("os.setuid(0)", REFUSED),
    "becomes root by setresuid": ("os.setresuid(0, 0, 0)", REFUSED),
    "takes root's group": ("os.setgid(0)", REFUSED),
    "takes groups": ("os.setgroups([0])", REFUSED),
    "takes capabilities": (
        "kernel((126, 91), struct.pack('=Ii', 0x20080522, 0), bytes([255]) * 24)",
        REFUSED,
    ),
    "raises its limits": ("resource.setrlimit(resource.RLIMIT_CPU, (99, 99))", (*REFUSED, "error:ValueError")),
    "raises its limits by prlimit": ("kernel((302, 261), 0, 0, struct.pack('QQ', 99, 99), 0)", REFUSED),
    "sets the owner's limits": ("kernel((302, 261), HOST, 0, struct.pack('QQ', 1, 1), 0)", REFUSED),
    "outlives the zygote": ("libc.prctl(1, 0, 0, 0, 0) and (_ for _ in ()).throw(PermissionError())", REFUSED),
    "adds a filter": ("kernel((317, 277), 1, 0, bytes(16))", REFUSED),
    "takes itself a higher priority": ("os.setpriority(os.PRIO_PROCESS, 0, -20)", REFUSED),
    "moves to other cores": ("os.sched_setaffinity(0, [0])", REFUSED),
    "sets the clock": ("time.clock_settime(time.CLOCK_REALTIME, 0)", REFUSED),
    # resources
    "takes all memory": ("x = []\nwhile True: x.append(bytearray(1 << 20))", ("oom",)),
    "maps all memory": ("x = []\nwhile True: x.append(mmap.mmap(-1, 1 << 28))", ("oom", "error:OSError")),
    "takes memory in pipes": ("x = []\nwhile True: x.append(os.pipe())", ("error:OSError",)),
    "makes endless threads": (
        "while True: threading.Thread(target=time.sleep, args=(99,)).start()",
        _TOO_MUCH,
    ),
    "loops": ("endless()", ("timeout",)),
    "loops in threads": (
        "for _ in range(8): threading.Thread(target=endless, daemon=True).start()\nendless()",
        ("timeout",),
    ),
    "loops deaf to signals": (
        "for each in range(1, 32):\n"
        "    try: signal.signal(each, signal.SIG_IGN)\n"
        "    except (OSError, ValueError): pass\n"
        "endless()",
        ("timeout",),
    ),
    "sleeps deaf to signals": (
        "signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))\nwhile True: time.sleep(99)",
        ("timeout",),
    ),
    "floods stdout": ("while True: os.write(1, bytes(65536))", ("output_limit",)),
    "floods stderr": ("while True: os.write(2, bytes(65536))", ("output_limit",)),
    "floods its results": ("while True: os.write(3, bytes(65536))", ("output_limit",)),
    "asks for a core dump": ("os.abort()", ("signal",)),
    "kills itself": ("os.kill(os.getpid(), signal.SIGKILL)", ("signal",)),
}

# In a folder that the run may write to, which is its current one.
FOLDER_ATTACKS: Final[dict[str, tuple[str, tuple[str, ...]]]] = {
    "reads through a symbolic link": ("os.symlink(VICTIM, 'x')\nopen('x').read()", REFUSED),
    "reads through a hard link": ("os.link(VICTIM, 'x')\nopen('x').read()", REFUSED),
    "reads through a link by linkat": ("kernel((265, 37), -100, VICTIM.encode(), -100, b'x', 0)", REFUSED),
    "reads through a link by symlinkat": ("kernel((266, 36), VICTIM.encode(), -100, b'x')", REFUSED),
    "moves a file in": ("os.rename(VICTIM, 'x')", REFUSED),
    "moves a file in by renameat2": ("kernel((316, 276), -100, VICTIM.encode(), -100, b'x', 0)", ("error:OSError",)),
    "moves a file over another": ("open('x', 'w').close()\nos.rename('x', VICTIM)", REFUSED),
    "swaps two files": (
        "open('x', 'w').close()\nkernel((316, 276), -100, b'x', -100, VICTIM.encode(), 2)",
        ("error:OSError",),
    ),
    "writes above": ("open('../genetic-udfs-attack', 'w')", REFUSED),
    "writes above by a descriptor": (
        "os.open('../tmp/genetic-udfs-attack', os.O_CREAT | os.O_WRONLY, dir_fd=os.open('.', os.O_RDONLY))",
        REFUSED,
    ),
    "removes what is elsewhere": ("os.unlink(VICTIM)", REFUSED),
    "removes its folder": ("os.rmdir(os.getcwd())", ("error:OSError", *REFUSED)),
    "truncates what is elsewhere": ("os.open(VICTIM, os.O_RDONLY | os.O_TRUNC)", REFUSED),
    "truncates by its path": ("kernel((76, 45), VICTIM.encode(), 0)", REFUSED),
    "makes a device": ("os.mknod('x', 0o20666, os.makedev(1, 1))", REFUSED),
    "makes a pipe with a name": ("os.mkfifo('x')", REFUSED),
    "makes a socket with a name": ("socket.socketpair()[0].bind('x')", REFUSED),
    "runs a program of its own": (
        "open('x', 'w').write('#!/bin/sh')\nos.execv('./x', ['x'])",
        REFUSED,
    ),
    "loads a library of its own": (
        "open('x', 'wb').write(bytes(4096))\n"
        "mmap.mmap(os.open('x', os.O_RDONLY), 4096, mmap.MAP_PRIVATE, mmap.PROT_READ | mmap.PROT_EXEC)",
        REFUSED,
    ),
    "makes a file setuid": ("open('x', 'w').close()\nos.chmod('x', 0o4777)", REFUSED),
    "opens its folder to others": ("os.chmod('.', 0o777)", REFUSED),
    "hides that it has written": ("open('x', 'w').close()\nos.utime('.', (0, 0))", REFUSED),
    "mounts over its folder": ("kernel((165, 40), b'none', b'.', b'tmpfs', 0, 0)", REFUSED),
    "takes its folder away": ("kernel((166, 39), os.getcwd().encode(), 2)", REFUSED),
    "fills the memory": ("with open('x', 'wb') as file:\n    while True: file.write(bytes(1 << 20))", REFUSED),
    "fills the memory by holes": ("os.truncate(os.open('x', os.O_CREAT | os.O_RDWR), 1 << 40)", REFUSED),
    "fills the memory by a map": (
        "files = [os.open(str(at), os.O_CREAT | os.O_RDWR) for at in range(8)]\n"
        "for file in files: os.ftruncate(file, 8 << 20)\n"
        "for file in files: mmap.mmap(file, 8 << 20)[:] = bytes(8 << 20)",
        ("signal",),
    ),
    "makes endless files": ("for number in range(10**6): open(str(number), 'w').close()", REFUSED),
}


def got_through(sandbox: Sandbox, body: str, expected: tuple[str, ...], victim: Path) -> Status | None:
    """Return how an attack ended that was not stopped, or None.

    `unsupported` says that it was noticed; that it was stopped, the call says, which returns nothing then.
    """
    facts = f"VICTIM, ZYGOTE, HOST = {str(victim)!r}, {sandbox._zygote(Kind.BASIC).pid}, {os.getpid()}\n"
    indented = "\n".join(f"    {line}" for line in body.split("\n"))
    code = f"{_PREAMBLE}{facts}def attack():\n{indented}\n    return 'got through'\n"
    outcome = examine(sandbox, code, ["assert attack() == 'was stopped'"])
    [status] = outcome.tests
    is_noticed = status.name == "unsupported"
    is_stopped = outcome.code.passed and status.name in expected
    return None if is_stopped and not (is_noticed and answers(sandbox, code, ["attack()"]) != [None]) else status
