"""Which tests code passes, and who says so: what has none of the code in it, or the process that has both."""

import ast
import hashlib
import math
import secrets
import signal
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from genetic_udfs.data.jsonl import well_formed
from genetic_udfs.data.syntax import parsed
from genetic_udfs.sandbox.definitions import Definitions, modules_of
from genetic_udfs.sandbox.host import Kind, Run, signal_name
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.reading import Reading, Unreadable
from genetic_udfs.sandbox.split import Split, Step, split
from genetic_udfs.sandbox.tiers import DecidedBy, Limits, Tier
from genetic_udfs.sandbox.unroll import NotStraight
from genetic_udfs.sandbox.values import Malformed, decode

PASSED, FAILED, ERROR = "passed", "failed", "error"
TIMEOUT, OOM, SIGNAL = "timeout", "oom", "signal"
OUTPUT_LIMIT, UNSUPPORTED = "output_limit", "unsupported"

# After so many calls that never come back, those that are left are not tried: code that loops mostly loops always.
_MAX_TIMEOUTS: Final = 2
_LONGEST_MESSAGE: Final = 300
_LONGEST_ANSWER: Final = 1000


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


def examine(sandbox: Sandbox, code: str, tests: Sequence[str], decided_by: DecidedBy = DecidedBy.TOGETHER) -> Outcome:
    """Run code and its tests.

    Args:
        sandbox: Where to.
        code: Python source; it is run as a module, not as `__main__`.
        tests: Each an assertion, several, or a whole file of tests.
        decided_by: With `outside`, a test that only a process with the code in it could decide is `unsupported`.

    Raises:
        SandboxError: If the sandbox is not safe enough here, or fails; never for what the code does.
    """
    return _Candidate(sandbox, code).outcome(tests, decided_by)


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
    loaded, found = _Candidate(sandbox, code).answers([Step(0, (), call, None) for call in calls])
    if not loaded.passed:
        return [None] * len(calls)
    return [canonical(each["value"]) if isinstance(each, dict) and "value" in each else None for each in found]


Answer = dict[str, Any] | Status
"""What a step's process says of it, or the status that the step has led to."""


class _Candidate:
    def __init__(self, sandbox: Sandbox, code: str) -> None:
        self._sandbox, self._limits = sandbox, sandbox.limits
        self._code = well_formed(code.removeprefix("\ufeff"))
        self._definitions = Definitions.of(self._code)

    def outcome(self, tests: Sequence[str], decided_by: DecidedBy) -> Outcome:
        found: dict[int, Status] = {}
        readings: dict[int, Reading] = {}
        splits: dict[int, Split] = {}
        reasons: dict[int, str] = {}
        for at, test in enumerate(tests):
            try:
                readings[at] = Reading.of(test, self._definitions)
                splits[at] = split(readings[at].body, self._definitions, readings[at].modules)
            except Unreadable as error:
                found[at] = Status(error.status, str(error))
            except NotStraight as error:
                reasons[at] = str(error)
        loaded, given = self._asked(splits)
        if loaded.refused or not loaded.passed:
            status = _refused(loaded.refused) if loaded.refused else loaded
            return Outcome(loaded, (status,) * len(tests), self._sandbox.tier)
        found |= self._compared(splits, given, readings, reasons)
        for at in reasons:
            found[at] = Status(UNSUPPORTED, f"not decided outside of the code's process: {reasons[at]}")
            if decided_by is DecidedBy.TOGETHER:
                found[at] = self._together(readings[at])
        return Outcome(loaded, tuple(found[at] for at in range(len(tests))), self._sandbox.tier)

    def _asked(self, splits: dict[int, Split]) -> tuple[Status, dict[int, list[Answer]]]:
        """Have steps done: calls of all tests together, but a test that has other steps in a process of its own."""
        simple = {at: each for at, each in splits.items() if each.is_simple}
        loaded, answers = self.answers([step for each in simple.values() for step in each.steps])
        given = {at: [answers.pop(0) for _ in each.steps] for at, each in simple.items()} if loaded.passed else {}
        for at, each in splits.items():
            if loaded.passed and at not in simple:
                again, given[at] = self.answers(list(each.steps), may_go_on=False)
                given[at] = given[at] if again.passed else [again] * len(each.steps)
        return loaded, given

    def answers(self, steps: list[Step], *, may_go_on: bool = True) -> tuple[Status, list[Answer]]:
        """Return how loading the code ended, and for each step its report or the status that it has led to.

        Args:
            steps: What to do.
            may_go_on: Whether those after one that ends the process can be done in another.
        """
        answers: list[Answer] = []
        timeouts = 0
        while True:
            left = steps[len(answers) :]
            lines = [
                (at if may_go_on else 0, step.scope, step.path, step.source, step.binds) for at, step in enumerate(left)
            ]
            run = self._sandbox.run(self._kind_for(left), {"do": "answer", "code": self._code, "steps": lines})
            loaded, *found = _read(run, self._limits, len(left))
            if loaded.passed and not answers and not run.came_to_its_end:  # it may have said itself that it was loaded
                loaded = self.answers([])[0] if steps else _death(run, self._limits)
            if not loaded.passed:
                if not answers:
                    return loaded, []
                return Status(PASSED), [*answers, *[loaded] * len(left)]  # it is not always the same
            answers += found
            if len(answers) >= len(steps):
                return loaded, answers
            if found and may_go_on:
                continue  # the limits are a process's: the call that ended it is tried once more, with one of its own
            refused = _with_denials(run)[-1].get("denied")
            last = _refused(refused) if refused else _death(run, self._limits)
            answers.append(last)
            timeouts += last.name == TIMEOUT
            if timeouts == _MAX_TIMEOUTS or not may_go_on:
                answers += [last] * (len(steps) - len(answers))
            if len(answers) >= len(steps):
                return loaded, answers

    def _kind_for(self, steps: list[Step]) -> Kind:
        trees = [parsed(step.source) for step in steps if step.binds and "import" in step.source]
        imports: list[ast.AST] = [node for tree in trees if tree is not None for node in tree.body]
        return Kind.for_modules(self._definitions.modules | modules_of(imports))

    def _compared(
        self,
        splits: dict[int, Split],
        given: dict[int, list[Answer]],
        readings: dict[int, Reading],
        reasons: dict[int, str],
    ) -> dict[int, Status]:
        """Return how tests ended by what was answered; for the others add the reason why they are not decided."""
        found: dict[int, Status] = {}
        waiting: dict[int, dict[str, Any]] = {}
        for at, each in splits.items():
            answers = given[at]
            if (dead := next((answer for answer in answers if isinstance(answer, Status)), None)) is not None:
                found[at] = dead
            elif refused := next((a["denied"] for a in answers if isinstance(a, dict) and "denied" in a), None):
                found[at] = _refused(refused)
            elif (status := _plainly_compared(readings[at].body, each, answers)) is not None:
                found[at] = status
            else:
                waiting[at] = {"imports": each.imports, "answers": answers, "rest": each.rest}
        if waiting:
            modules = self._definitions.modules.union(*(readings[at].needs for at in waiting))
            run = self._sandbox.run(Kind.for_modules(modules), {"do": "check", "tests": list(waiting.values())})
            said = {report["at"]: report for report in _with_denials(run) if "at" in report}
            for number, at in enumerate(waiting):
                report = said.get(number, {"undecided": "comparing takes too much"})
                if "undecided" in report:
                    reasons[at] = str(report["undecided"])
                else:
                    found[at] = _with_results(_outcome_of(report, DecidedBy.OUTSIDE), splits[at], given[at])
        return found

    def _together(self, reading: Reading) -> Status:
        """Run a test in the process that has the code."""
        word = secrets.token_hex(16)
        task = {"do": "together", "code": self._code, "word": word, **reading.task}
        kind = Kind.for_modules(self._definitions.modules | reading.needs)
        run = self._sandbox.run(kind, task)
        said = _with_denials(run)
        if refused := next((report["denied"] for report in said if "denied" in report), None):
            return _refused(refused)
        for report in said:
            if report.get("word") == word:
                return _outcome_of(report, DecidedBy.TOGETHER)
        loaded: Status = _read(run, self._limits, 0)[0]
        return _death(run, self._limits, DecidedBy.TOGETHER) if loaded.passed else loaded


def _read(run: Run, limits: Limits, steps: int) -> list[Any]:
    """Return the status of loading the code, and the reports of steps that came in order; what follows is dropped."""
    said = _with_denials(run)[1:]  # the first says that it was confined
    if not said or "loaded" not in said[0]:
        return [_death(run, limits)]
    refused = str(said[0].get("denied", ""))
    if not said[0]["loaded"]:
        status = _raised(said[0], DecidedBy.OUTSIDE)
        return [Status(status.name, status.message, status.decided_by, refused)]
    answers = []
    for at, report in enumerate(said[1 : steps + 1]):
        if report.get("at") != at:
            break
        answers.append(report)
    return [Status(PASSED, refused=refused), *answers]


def _with_denials(run: Run) -> list[dict[str, Any]]:
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


def _plainly_compared(body: list[ast.stmt], way: Split, answers: list[Answer]) -> Status | None:
    """Return how a test ended that is `assert f(..) == LITERAL` and no more; None if it is something else.

    Most tests are, and a process for each would take as long as the code's.
    """
    if len(body) != len(way.steps):
        return None
    for test, step, answer in zip(body, way.steps, answers, strict=True):
        match test:
            case ast.Assert(test=ast.Compare(left=call, ops=[ast.Eq()], comparators=[literal])):
                if not isinstance(answer, dict) or step.binds is not None or ast.unparse(call) != step.source:
                    return None
            case _:
                return None
        if "error" in answer:
            return _raised(answer, DecidedBy.OUTSIDE)
        try:
            value, expected = decode(answer["value"], numpy="refused"), ast.literal_eval(literal)
        except (LookupError, ValueError, TypeError, SyntaxError, MemoryError, RecursionError):
            return None
        if isinstance(value, Iterator) or value != expected:
            return _with_results(Status(FAILED), way, answers)
    return Status(PASSED)


def _with_results(status: Status, way: Split, answers: list[Answer]) -> Status:
    """Add to a failure what the solution has returned instead."""
    if status.name != FAILED or any(step.binds is not None for step in way.steps):
        return status
    said = []
    for step, answer in zip(way.steps, answers, strict=True):
        if isinstance(answer, dict) and "value" in answer:
            try:
                said.append(f"{step.source} is {_shown(decode(answer['value']))}")
            except Malformed:
                continue
    return Status(FAILED, "; ".join(said) or status.message)


def canonical(data: Any) -> str | None:
    """Return a text that is the same for values that are equal, or nearly so: floats have 9 digits, sets no order.

    Args:
        data: The value as `values.encode` gives it.

    Returns:
        A long text as a hash; None for an iterator, whose items are not the value.
    """
    try:
        text = _canonical(decode(data))
    except (ValueError, TypeError):
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
        case Iterator():
            raise TypeError("an iterator")
    return repr(value)


def _shown(value: Any) -> str:
    try:
        return repr(value)
    except ValueError:  # an integer with more digits than Python writes
        return f"a big {type(value).__name__}"


def _refused(what: object) -> Status:
    return Status(UNSUPPORTED, f"the sandbox refuses {what}")


def _outcome_of(report: dict[str, Any], decided_by: DecidedBy) -> Status:
    if "denied" in report:
        return _refused(report["denied"])
    if report.get("passed") is True:
        return Status(PASSED, decided_by=decided_by)
    if "failed" in report:
        return Status(FAILED, str(report["failed"]), decided_by)
    if "unsupported" in report:
        return Status(UNSUPPORTED, str(report["unsupported"]))
    return _raised(report, decided_by)


def _raised(report: dict[str, Any], decided_by: DecidedBy) -> Status:
    name, message = report.get("error"), str(report.get("message", ""))
    if name == MemoryError.__name__:
        return Status(OOM, message, decided_by)
    known = isinstance(name, str) and name.isidentifier() and len(name) <= 100
    return Status(f"{ERROR}:{name if known else 'Exception'}", message, decided_by)


def _death(run: Run, limits: Limits, decided_by: DecidedBy = DecidedBy.OUTSIDE) -> Status:
    """Return the status of a run that did not answer."""
    if run.killed_for == "wall":
        return Status(TIMEOUT, f"more than {limits.wall_seconds:g} s", decided_by)
    if run.killed_for in {"output", "result"}:
        told = f"more than {limits.output_kb} KB printed or {limits.result_kb} KB of results"
        return Status(OUTPUT_LIMIT, told, decided_by)
    if run.signal == signal.SIGXCPU or (run.signal == signal.SIGKILL and run.cpu_seconds > limits.cpu_seconds * 0.9):
        return Status(TIMEOUT, f"more than {limits.cpu_seconds} s of CPU time", decided_by)
    if run.signal:
        return Status(SIGNAL, f"ended by {signal_name(run.signal)}", decided_by)
    return Status(f"{ERROR}:SystemExit", "the process ended before it answered", decided_by)
