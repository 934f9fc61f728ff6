"""Notices what a process does that the sandbox refuses, so that hardly a test passes or fails by a refusal.

An audit hook cannot be taken away, and what it has written cannot be taken back. Code that finds the hook's variables
could switch it off; it could as well raise an error of its own as have one of the sandbox's taken for it.
"""

import errno
import functools
import importlib
import json
import linecache
import os
import sys
from collections.abc import Callable, Sequence
from typing import Any, Final

from genetic_udfs.sandbox.folder import MAX_BYTES

_NOWHERE: Final = -1
_NO_FOLDER: Final = (-1, -1)
_LONGEST_LINE: Final = 100
_NO_ROOM_FOR_A_LIBRARY: Final = ("failed to map segment", "annot allocate memory")  # as the dynamic linker says it
_FULL: Final = f"more files than fit into {MAX_BYTES >> 20} MB"
_WRITES: Final = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_CHANGES: Final = frozenset(f"os.{name}" for name in ("mkdir", "remove", "rename", "rmdir"))
_FILLS: Final = _CHANGES | {"sqlite3.connect"}
_MOVES: Final = "os.chdir"
# Landlock does not say what of these may be done where, so none can be done even in a folder of a run's own.
_NO_CHANGES: Final = frozenset(
    f"os.{name}" for name in ("link", "symlink", "truncate", "chmod", "chown", "utime", "setxattr", "removexattr")
)
_LISTS: Final = frozenset({"os.listdir", "os.scandir"})
_NEVER: Final = frozenset(
    {
        *(f"os.{name}" for name in ("fork", "forkpty", "exec", "posix_spawn", "spawn", "system", "killpg")),
        *(f"socket.{name}" for name in ("getaddrinfo", "gethostbyname", "gethostbyaddr")),
        *("subprocess.Popen", "resource.setrlimit", "resource.prlimit"),
    }
)
# What is refused and Python says nothing of, by module; these say it with the event `_SAID`.
_SILENT: Final = {
    "dbm": ("open",),
    "os": (
        *("chroot", "eventfd", "fchmod", "fchown", "memfd_create", "mkfifo", "mknod", "nice", "pidfd_open"),
        *("posix_fallocate", "sched_setaffinity", "setegid", "seteuid", "setgid", "setgroups", "setpgid"),
        *("setpriority", "setregid", "setreuid", "setsid", "setuid", "statvfs", "umask"),
    ),
    "pwd": ("getpwall", "getpwnam", "getpwuid"),
    "grp": ("getgrall", "getgrgid", "getgrnam"),
    "socket": ("getprotobyname", "getservbyname", "getservbyport"),
}
_SAID: Final = "genetic_udfs.refused"
_PACKING: Final = ("/tarfile.py", "/shutil.py")
_WATCHED: Final = (
    _CHANGES | _NO_CHANGES | _LISTS | _NEVER | {_MOVES, _SAID, "open", "socket.__new__", "sqlite3.connect", "os.kill"}
)
_NO_FAMILY: Final = -1  # as for a socket that has a descriptor already
_OF_TRACEBACKS: Final = ("/linecache.py", "/tokenize.py")  # they show no line where they cannot read


def announce() -> None:
    """Have functions that are refused, and that Python has no audit event for, say so before they are called."""
    for module, names in _SILENT.items():
        held = importlib.import_module(module)
        for name in names:
            setattr(held, name, _announced(f"{module}.{name}", getattr(held, name)))


def _announced(what: str, function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*given: Any, **named: Any) -> Any:
        sys.audit(_SAID, what)
        return function(*given, **named)

    return call


def watch(readable: Sequence[str], writable: Sequence[str]) -> Callable[[int], None]:
    """Return what has the next operation that is refused written to a descriptor, as `{"denied": WHAT}`.

    Nothing says that a write finds the folder full. So it is looked at before what may be a removal, and by the
    returned function where something was made there: it is to be called before the first operation, and at the end of
    what may have filled the folder. Not seen is SQLite where it makes room again on a connection that it has.

    Args:
        readable: Folders that files can be read in.
        writable: Folders and files that can be written, too.
    """
    write, given = os.write, tuple(readable)
    denied, folder, stat = _denial(given, tuple(writable)), _folder(writable), os.stat
    is_full = _fullness(folder)
    to, empty, was_full = _NOWHERE, _NO_FOLDER, False

    def state() -> tuple[int, int]:
        """Return what changes as something is made in the folder, be it by a library in C."""
        if folder is None:
            return _NO_FOLDER
        found = stat(folder)
        return found.st_size, found.st_mtime_ns

    def deny(what: str) -> None:
        nonlocal to
        descriptor, to = to, _NOWHERE
        write(descriptor, json.dumps({"denied": what[:200]}).encode() + b"\n")

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if event not in _WATCHED:
            return
        if to != _NOWHERE:
            try:
                if (what := denied(event, arguments)) and not _is_of_an_import(given):
                    deny(what)
                elif (event in _FILLS or (event == "open" and arguments[2] & _WRITES)) and is_full():
                    deny(_FULL)
            except Exception:
                return
        # The kernel lets it be, since nothing more can be opened there.
        if event == _MOVES and denied(event, arguments):
            raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    def begin(descriptor: int) -> None:
        nonlocal to, empty, was_full
        before, to = to, _NOWHERE  # the hook has nothing to say of what looks here
        found = state()
        empty = found if empty == _NO_FOLDER else empty
        now_full = found != empty and is_full()
        if now_full and not was_full and before != _NOWHERE:
            to = before
            deny(_FULL)
        to, was_full = descriptor, now_full

    sys.addaudithook(hook)
    return begin


def _folder(writable: Sequence[str]) -> str | None:
    return next((each for each in writable if os.path.isdir(each)), None)  # noqa: PTH112


def _fullness(folder: str | None) -> Callable[[], bool]:
    """Return a function that says whether a run's folder has no room left, if it has one."""
    open_, close, look = os.open, os.close, os.fstatvfs

    def is_full() -> bool:
        if folder is None:
            return False
        try:
            descriptor = open_(folder, os.O_RDONLY)
        except OSError:  # it has too many open, which its own next one will say
            return False
        try:
            found = look(descriptor)
            return found.f_bfree == 0 or found.f_ffree == 0
        finally:
            close(descriptor)

    return is_full


def is_refusal(error: BaseException) -> bool:
    """Whether an exception is what the kernel answers to an operation that it refuses, or that has no room."""
    if isinstance(error, ImportError):  # of a package whose libraries need more address space than a run has
        return any(each in str(vars(ImportError)["msg"].__get__(error)) for each in _NO_ROOM_FOR_A_LIBRARY)
    return isinstance(error, OSError) and error.errno in (errno.EPERM, errno.EACCES, errno.ENOSPC, errno.EFBIG)


def refusal(error: BaseException) -> str:
    """Return what has raised a refusal, and its text."""
    line, text = source_line(error), str(error)
    return f"`{line}`: {text}" if line else text


def source_line(error: BaseException) -> str:
    """Return the line that has raised an exception; nothing, if it is not known."""
    at = error.__traceback__
    while at is not None and at.tb_next is not None:
        at = at.tb_next
    return linecache.getline(at.tb_frame.f_code.co_filename, at.tb_lineno).strip()[:_LONGEST_LINE] if at else ""


def _is_of_an_import(readable: tuple[str, ...]) -> bool:
    """Whether a module of the library or a package does something as it is imported; most try and go on without."""
    frame = sys._getframe(2)
    while frame.f_back is not None:
        if frame.f_code.co_name == "<module>" and frame.f_code.co_filename.startswith(readable):
            return True
        frame = frame.f_back
    return False


def _denial(readable: tuple[str, ...], writable: tuple[str, ...]) -> Callable[[str, tuple[Any, ...]], str]:
    """Return a function that says what of an event is refused; nothing, if it is not."""
    stat, real_path, folders = os.stat, os.path.realpath, tuple(f"{each.rstrip('/')}/" for each in readable)

    def is_within(path: str, folders: tuple[str, ...]) -> bool:
        real = real_path(path)
        return any(real == each or real.startswith(f"{each.rstrip('/')}/") for each in folders)

    def is_unreadable(path: str) -> bool:
        if ".." not in path and path.startswith(folders):
            return False
        try:
            stat(path)
        except OSError as error:
            return error.errno in {errno.EPERM, errno.EACCES}
        return not is_within(path, (*readable, *writable))

    def denied(event: str, arguments: tuple[Any, ...]) -> str:
        more: list[Any]
        first, *more = (*arguments, None)  # of `os.fork` there is none
        if event in _NEVER:
            return event
        if event == "os.kill":
            return "" if first == os.getpid() else event
        if event == _SAID:  # what packs files can do without the names of their users
            by = sys._getframe(3).f_code.co_filename
            return "" if first.startswith(("grp.", "pwd.")) and by.endswith(_PACKING) else str(first)
        if event == "socket.__new__":  # a pair of sockets is made, and then given to two
            has_one = more[0] == _NO_FAMILY or sys._getframe(2).f_locals.get("fileno") is not None
            return "" if has_one else "a socket"
        if not isinstance(first, str | bytes | os.PathLike):
            return ""
        path, by = os.fsdecode(first), sys._getframe(2).f_code.co_filename
        if event == "sqlite3.connect":
            is_memory = not path or ":memory:" in path
            return "" if is_memory or is_within(path, writable) else f"the database {path}"
        if event == "open" and not more[1] & _WRITES:
            return f"reading {path}" if not by.endswith(_OF_TRACEBACKS) and is_unreadable(path) else ""
        if event in _LISTS:
            return f"listing {path}" if not by.startswith("<frozen") and is_unreadable(path) else ""
        if event == "os.utime" and not os.path.lexists(path):
            return ""  # as `Path.touch` begins
        paths = [path, os.fsdecode(more[0])] if event == "os.rename" else [path]
        is_allowed = event not in _NO_CHANGES and all(is_within(each, writable) for each in paths)
        return "" if is_allowed else f"{event.removeprefix('os.')} of {path}"

    return denied
