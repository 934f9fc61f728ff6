"""What a run has said and how it ended, as the status of code or of a test."""

import signal
from dataclasses import dataclass, replace
from itertools import takewhile
from typing import Any, Final

from genetic_udfs.data.jsonl import well_formed
from genetic_udfs.sandbox.folder import MAX_FILE_BYTES
from genetic_udfs.sandbox.host import Run
from genetic_udfs.sandbox.tiers import OUTPUT_KB, RESULT_KB, DecidedBy, Limits

PASSED, FAILED, ERROR = "passed", "failed", "error"
TIMEOUT, OOM, SIGNAL = "timeout", "oom", "signal"
OUTPUT_LIMIT, UNSUPPORTED = "output_limit", "unsupported"

_LONGEST_MESSAGE: Final = 300
_LONGEST_NAME: Final = 100


@dataclass(frozen=True)
class Status:
    """How one test ended.

    Attributes:
        name: `passed`, `failed`, `error:TYPE`, `timeout`, `oom`, `signal`, `output_limit` or `unsupported`.
        message: What is known beyond that.
        decided_by: Who says so; nobody, where it is `unsupported`.
        refused: Of code that was loaded, what the sandbox has refused it then.
    """

    name: str
    message: str = ""
    decided_by: DecidedBy | None = DecidedBy.OUTSIDE
    refused: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", well_formed(self.message)[:_LONGEST_MESSAGE])
        if self.name == UNSUPPORTED:
            object.__setattr__(self, "decided_by", None)

    @property
    def passed(self) -> bool:
        """Whether the test was passed."""
        return self.name == PASSED


def refused(what: object) -> Status:
    """Return the status of what did something that the sandbox refuses."""
    return Status(UNSUPPORTED, f"the sandbox refuses {what}")


def said(run: Run) -> list[dict[str, Any]]:
    """Return reports, each with what was refused before it; the last one is of a process that ended before another."""
    found: list[dict[str, Any]] = []
    denied = ""
    for report in run.reports():
        if "denied" in report and len(report) == 1:
            denied = denied or str(report["denied"])
        else:
            found.append({**report, "denied": denied} if denied else report)
            denied = ""
    return [*found, {"denied": denied}] if denied else found


def loading(run: Run, limits: Limits) -> tuple[Status, list[dict[str, Any]]]:
    """Return the status of loading the code, and the reports of steps that came in order; what follows is dropped."""
    first, *others = said(run)[1:] or [{}]  # the very first says that it was confined
    if "loaded" not in first:
        return replace(ending(run, limits), refused=str(first.get("denied", ""))), []
    answers = [report for _, report in takewhile(lambda each: each[1].get("at") == each[0], enumerate(others))]
    status = Status(PASSED) if first["loaded"] else raised(first)
    return Status(status.name, status.message, refused=str(first.get("denied", ""))), answers


def reported(report: dict[str, Any], decided_by: DecidedBy = DecidedBy.OUTSIDE) -> Status:
    """Return the status that is reported of a test, by what has decided it."""
    if "denied" in report:
        return refused(report["denied"])
    if report.get("passed") is True:
        return Status(PASSED, decided_by=decided_by)
    if "failed" in report:
        return Status(FAILED, str(report["failed"]), decided_by)
    if "unsupported" in report:
        return Status(UNSUPPORTED, str(report["unsupported"]))
    return raised(report, decided_by)


def raised(report: dict[str, Any], decided_by: DecidedBy = DecidedBy.OUTSIDE) -> Status:
    """Return the status of an error; nothing else of a report is looked at, since the code may have written it."""
    name, message = report.get("error"), str(report.get("message", ""))
    if name == MemoryError.__name__:
        return Status(OOM, message, decided_by)
    known = isinstance(name, str) and name.isidentifier() and len(name) <= _LONGEST_NAME
    return Status(f"{ERROR}:{name if known else 'Exception'}", message, decided_by)


def ending(run: Run, limits: Limits, decided_by: DecidedBy = DecidedBy.OUTSIDE) -> Status:
    """Return the status of a run that did not answer."""
    if run.killed_for == "wall":
        return Status(TIMEOUT, f"more than {limits.wall_seconds:g} s", decided_by)
    if run.killed_for is not None:
        detail = f"more than {OUTPUT_KB} KB printed or {RESULT_KB} KB of results"
        return Status(OUTPUT_LIMIT, detail, decided_by)
    if run.signal == signal.SIGXCPU or (run.signal == signal.SIGKILL and run.cpu_seconds > limits.cpu_seconds * 0.9):
        return Status(TIMEOUT, f"more than {limits.cpu_seconds} s of CPU time", decided_by)
    if run.signal == signal.SIGXFSZ:
        return refused(f"a file of more than {MAX_FILE_BYTES >> 20} MB")
    if run.signal:
        return Status(SIGNAL, f"ended by signal {run.signal}: {signal.strsignal(run.signal)}", decided_by)
    return Status(f"{ERROR}:SystemExit", "the process ended before it answered", decided_by)
