"""Which tests code passes, decided here from what its process answers, and never by that process."""

import contextlib
import hashlib
import math
import os
import re
import signal
import textwrap
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from genetic_udfs.data.jsonl import well_formed
from genetic_udfs.sandbox.assertion import NotAnAssertion, Split, asks_for_classes, split
from genetic_udfs.sandbox.definitions import Definitions, replaced_in
from genetic_udfs.sandbox.host import Kind, Run, signal_name
from genetic_udfs.sandbox.outside import evaluate
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.reports import reports
from genetic_udfs.sandbox.tiers import Limits, Tier
from genetic_udfs.sandbox.values import Items, Unsupported

PASSED, FAILED, ERROR = "passed", "failed", "error"
TIMEOUT, OOM, SIGNAL = "timeout", "oom", "signal"
OUTPUT_LIMIT, UNSUPPORTED = "output_limit", "unsupported"

# After so many calls that never come back, those that are left are not tried: code that loops mostly loops always.
_MAX_TIMEOUTS: Final = 2
_LONGEST_MESSAGE: Final = 300
_LONGEST_ANSWER: Final = 1000
_NO_VALUE: Final = object()
_NEEDS_NUMPY: Final = re.compile(r"\b(?:numpy|pandas|scipy|sklearn)\b")


@dataclass(frozen=True)
class Status:
    """How one test ended.

    Attributes:
        name: `passed`, `failed`, `error:TYPE`, `timeout`, `oom`, `signal`, `output_limit` or `unsupported`.
        message: What is known beyond that.
    """

    name: str
    message: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", well_formed(self.message)[:_LONGEST_MESSAGE])

    @property
    def passed(self) -> bool:
        """Whether the test was passed."""
        return self.name == PASSED


@dataclass(frozen=True)
class Outcome:
    """What became of some code and its tests.

    Attributes:
        code: How running the code itself ended; with another status than `passed` each test has that one, too.
        tests: One for each test, in order.
        tier: What it was confined by.
    """

    code: Status
    tests: tuple[Status, ...]
    tier: Tier

    @property
    def tests_passed(self) -> int:
        """How many tests were passed."""
        return sum(test.passed for test in self.tests)

    @property
    def pass_rate(self) -> float | None:
        """The share of tests that were passed; None without a test."""
        return self.tests_passed / len(self.tests) if self.tests else None


def examine(sandbox: Sandbox, code: str, tests: Sequence[str]) -> Outcome:
    """Run code and its tests.

    Assertions on plain values share a process, which goes on in a new one after a test that ends it. A test of any
    other form has a pair of processes to itself.

    Args:
        sandbox: Where to.
        code: Python source; it is run as a module, not as `__main__`.
        tests: Each an assertion, several, or other statements with assertions.

    Raises:
        SandboxError: If the sandbox is not safe enough here, or fails; never for what the code does.
    """
    tests = [textwrap.dedent(test).strip() for test in tests]
    return _Candidate(sandbox, code.removeprefix("\ufeff"), "\n".join((code, *tests))).outcome(tests)


def answers(sandbox: Sandbox, code: str, calls: Sequence[str]) -> list[str | None]:
    """Return what calls of some code's functions return, as texts that are equal for equal values.

    Args:
        sandbox: Where to run it.
        code: Python source; it is run as a module.
        calls: Expressions.

    Returns:
        None for a call that returns no plain value: that raises, does not end, or takes too much; for every call, where
        the code cannot be run.

    Raises:
        SandboxError: If the sandbox is not safe enough here, or fails; never for what the code does.
    """
    loaded, found = _Candidate(sandbox, code.removeprefix("\ufeff"), code).answers(list(calls))
    if not loaded.passed:
        return [None] * len(calls)
    values = [answer["value"] if isinstance(answer, dict) and "value" in answer else _NO_VALUE for answer in found]
    return [None if value is _NO_VALUE else canonical(value) for value in values]


class _Ended(Exception):
    def __init__(self, status: Status) -> None:
        super().__init__(status.name)
        self.status = status


class _Candidate:
    def __init__(self, sandbox: Sandbox, code: str, text: str) -> None:
        self._sandbox = sandbox
        self._kind = Kind.NUMPY if _NEEDS_NUMPY.search(text) else Kind.SLIM
        self._code = well_formed(code)
        self._definitions = Definitions.of(self._code)

    def outcome(self, tests: Sequence[str]) -> Outcome:
        ways: list[Split | Status | None] = []  # None: needs a tester
        for test in tests:
            try:
                ways.append(self._doubt(test) or split(test, self._definitions))
            except NotAnAssertion:
                ways.append(None)
            except SyntaxError as error:
                ways.append(Status("error:SyntaxError", f"the test is no Python: {error}"))
        calls = [call for way in ways if isinstance(way, Split) for call in way.calls]
        loaded, answers = self.answers(calls)
        statuses = []
        for test, way in zip(tests, ways, strict=True):
            if not loaded.passed:
                statuses.append(loaded)
            elif isinstance(way, Split):
                found = [answers.pop(0) for _ in way.calls]
                status = _compared(way, found)
                # A value that is no plain one can be asked in a pair for what the test wants to know of it.
                is_lost = status.name == UNSUPPORTED and any(map(_is_no_plain_value, found))
                statuses.append(self._tested(test) if is_lost else status)
            else:
                statuses.append(way if way is not None else self._tested(test))
        return Outcome(loaded, tuple(statuses), self._sandbox.tier)

    def _doubt(self, test: str) -> Status | None:
        """Return why a test could not be believed, whatever came of it."""
        if not test:
            return Status(UNSUPPORTED, "there is no test")
        if not self._definitions.readable:
            return Status(UNSUPPORTED, "the code is too long, or too deep, to tell what it defines")
        if replaced := replaced_in(test, self._definitions):
            return Status(UNSUPPORTED, f"the code gives {', '.join(sorted(replaced))} another meaning")
        return None

    def answers(self, calls: list[str]) -> tuple[Status, list[dict[str, Any] | Status]]:
        """Return how loading the code ended, and for each call its report or the status that it has led to."""
        answers: list[dict[str, Any] | Status] = []
        timeouts = 0
        while True:
            [run] = self._run([Run({"do": "answer", "code": self._code, "calls": calls[len(answers) :]})])
            loaded, *found = _read(run, self._sandbox.limits, len(calls) - len(answers))
            if loaded.passed and not answers and not run.came_to_its_end:  # it may have said itself that it was loaded
                loaded = self.answers([])[0] if calls else _death(run, self._sandbox.limits)
            if not loaded.passed:
                if not answers:
                    return loaded, []
                return Status(PASSED), [*answers, *[loaded] * (len(calls) - len(answers))]  # it is not always the same
            answers += found
            if len(answers) >= len(calls):
                return loaded, answers
            if found:
                continue  # the limits are a process's: the call that ended it is tried once more, with one of its own
            last = _death(run, self._sandbox.limits)
            answers.append(last)
            timeouts += last.name == TIMEOUT
            if timeouts == _MAX_TIMEOUTS:
                answers += [last] * (len(calls) - len(answers))
            if len(answers) >= len(calls):
                return loaded, answers

    def _tested(self, test: str) -> Status:
        """Run a test in a process of its own, beside one that has the code."""
        names = self._definitions.names_for(test)
        imports = list(self._definitions.imports)
        tester = {"do": "test", "test": test, "names": names, "imports": imports}
        made, solution = self._run_pair(tester, {"do": "solve", "code": self._code})
        for report in reports(made):
            if status := _outcome_of(report):
                return status
        if solution.killed_for == "done":
            return _death(made, self._sandbox.limits)
        loaded: Status = _read(solution, self._sandbox.limits, 0)[0]
        return _death(solution, self._sandbox.limits) if loaded.passed else loaded

    def _run(self, runs: list[Run]) -> Sequence[Run]:
        def made(_: contextlib.ExitStack) -> list[Run]:
            return [Run(run.task) for run in runs]

        return self._sandbox.run(self._kind, made)

    def _run_pair(self, tester: dict[str, Any], solution: dict[str, Any]) -> Sequence[Run]:
        def made(until_ended: contextlib.ExitStack) -> list[Run]:
            (replies, replying), (questions, asking) = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
            for descriptor in (replies, replying, questions, asking):
                until_ended.callback(os.close, descriptor)
            return [Run(tester, inbox=replies, outbox=asking), Run(solution, inbox=questions, outbox=replying)]

        return self._sandbox.run(self._kind, made)


def _read(run: Run, limits: Limits, calls: int) -> list[Any]:
    """Return the status of loading the code, and the reports of calls that came in order; what follows is dropped."""
    said = list(reports(run))[1:]  # the first says that it was confined
    if not said or "loaded" not in said[0]:
        return [_death(run, limits)]
    if not said[0]["loaded"]:
        return [_raised(said[0])]
    answers = []
    for at, report in enumerate(said[1 : calls + 1]):
        if report.get("at") != at:
            break
        answers.append(report)
    return [Status(PASSED), *answers]


def _is_no_plain_value(answer: dict[str, Any] | Status) -> bool:
    return isinstance(answer, dict) and ("unsupported" in answer or bool(answer.get("changes")))


def _compared(way: Split, answers: list[dict[str, Any] | Status]) -> Status:
    def result(name: str) -> Any:
        answer = answers[int(name.strip("<>"))]
        if isinstance(answer, Status):
            raise _Ended(answer)
        if "value" in answer:
            return answer["value"]
        if "unsupported" in answer:
            raise Unsupported(str(answer["unsupported"]))
        raise _Ended(_raised(answer))  # whatever else it says, such as that it passed

    changes = {change for answer in answers if isinstance(answer, dict) for change in answer.get("changes", ())}
    if {"kept", "lowered"} & changes or (changes and any(map(asks_for_classes, way.conditions))):
        return Status(UNSUPPORTED, "the class of something that the code has returned")
    try:
        for condition in way.conditions:
            if not evaluate(condition, result):
                return Status(FAILED, _format_results(way, answers))
    except _Ended as ended:
        return ended.status
    except Unsupported as error:
        return Status(UNSUPPORTED, str(error))
    except Exception as error:
        return Status(UNSUPPORTED if changes else f"{ERROR}:{type(error).__name__}", str(error))
    return Status(PASSED)


def _format_results(way: Split, answers: list[dict[str, Any] | Status]) -> str:
    said = [
        f"{call} is {_shown(answer['value'])}"
        for call, answer in zip(way.calls, answers, strict=True)
        if isinstance(answer, dict) and "value" in answer
    ]
    return "; ".join(said)


def canonical(value: Any) -> str | None:
    """Return a text that is the same for values that are equal, or nearly so: floats have 9 digits, sets no order.

    A long text is given as a hash. None for an iterator, whose items are not the value.
    """
    try:
        text = _canonical(value)
    except (ValueError, Unsupported):
        return None
    return text if len(text) <= _LONGEST_ANSWER else f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def _canonical(value: Any) -> str:
    match value:
        case bool() | None:
            return repr(value)
        case float() if not math.isfinite(value) or value != int(value):
            return f"{value:.9g}"
        case int() | float():
            return repr(int(value))
        case list() | tuple() | deque():
            return f"{type(value).__name__}({', '.join(map(_canonical, value))})"
        case set() | frozenset():
            return f"set({', '.join(sorted(map(_canonical, value)))})"
        case dict():
            pairs = sorted(f"{_canonical(key)}: {_canonical(each)}" for key, each in value.items())
            return f"dict({', '.join(pairs)})"
        case Items():
            raise Unsupported("an iterator")
    return repr(value)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer with more digits than Python writes
        return f"a big {type(value).__name__}"


def _outcome_of(report: dict[str, Any]) -> Status | None:
    if report.get("passed") is True:
        return Status(PASSED)
    if "failed" in report:
        return Status(FAILED, str(report["failed"]))
    if "unsupported" in report:
        return Status(UNSUPPORTED, str(report["unsupported"]))
    return _raised(report) if "error" in report else None


def _raised(report: dict[str, Any]) -> Status:
    name, message = report.get("error"), str(report.get("message", ""))
    if name == MemoryError.__name__:
        return Status(OOM, message)
    known = isinstance(name, str) and name.isidentifier() and len(name) <= 100
    return Status(f"{ERROR}:{name if known else 'Exception'}", message)


def _death(run: Run, limits: Limits) -> Status:
    """Return the status of a run that did not answer."""
    if run.killed_for == "wall":
        return Status(TIMEOUT, f"more than {limits.wall_seconds:g} s")
    if run.killed_for in {"output", "result"}:
        return Status(OUTPUT_LIMIT, f"more than {limits.output_kb} KB printed or {limits.result_kb} KB of results")
    if run.signal == signal.SIGXCPU or (run.signal == signal.SIGKILL and run.cpu_seconds > limits.cpu_seconds * 0.9):
        return Status(TIMEOUT, f"more than {limits.cpu_seconds} s of CPU time")
    if run.signal:
        return Status(SIGNAL, f"ended by {signal_name(run.signal)}")
    return Status(f"{ERROR}:SystemExit", "the process ended before it answered")
