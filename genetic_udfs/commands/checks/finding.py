"""What a check has found, as a line for a person; and the one line that matters in an error of Spark's."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

GIB: Final = 2**30
LITTLE_MEMORY: Final = 4 * GIB  # bytes of memory free on an executor that serves engines, likewise
LITTLE_SPACE: Final = 10 * GIB  # bytes free in a folder, below which there is a warning

_INDENT: Final = " " * 10
_ERROR: Final = re.compile(r"(?:[a-z]\w*\.)*[A-Z]\w*(?:Error|Exception|Exit)\b.*")


class Status(StrEnum):
    """How a check came out."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "FAILED"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Finding:
    """The result of one check: what was looked at, what was seen, and what to do unless it is in order."""

    status: Status
    name: str
    detail: str
    fix: str = ""

    def __str__(self) -> str:
        lines = f"{self.name}: {self.detail}".splitlines() + ([f"fix: {self.fix}"] if self.fix else [])
        return f"{self.status:<{len(_INDENT)}}" + f"\n{_INDENT}".join(lines)


def ok(name: str, detail: str) -> Finding:
    """Return that something is in order."""
    return Finding(Status.OK, name, detail)


def warning(name: str, detail: str, fix: str) -> Finding:
    """Return that a run can do with something, but not well."""
    return Finding(Status.WARNING, name, detail, fix)


def failed(name: str, detail: str, fix: str) -> Finding:
    """Return that a run cannot do with something."""
    return Finding(Status.FAILED, name, detail, fix)


def skipped(name: str, because: str) -> Finding:
    """Return that something could not be checked."""
    return Finding(Status.SKIPPED, name, f"not checked, because {because}")


def gib(size: int) -> str:
    """Return a number of bytes in GiB."""
    return f"{size / GIB:.0f} GiB" if size >= 10 * GIB else f"{size / GIB:.1f} GiB"


def cause_of(error: BaseException) -> str:
    """Return the line that says why a Spark job failed: of a Python traceback its end, else Java's innermost cause."""
    lines = str(error).splitlines() or [type(error).__name__]
    for number, line in enumerate(lines):
        if "Traceback (most recent call last)" in line:
            return next((text for text in lines[number + 1 :] if _ERROR.match(text)), line)
    causes = [line.partition("Caused by: ")[2] for line in lines if line.startswith("Caused by: ")]
    java = next((line.removeprefix(": ") for line in lines if line.startswith(": ")), lines[0])
    return causes[-1] if causes else java
