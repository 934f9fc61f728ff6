"""Which tests code passes, and who says so: what has none of the code in it, or the process that has both."""

import ast
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from genetic_udfs.data.jsonl import well_formed
from genetic_udfs.sandbox.check import ANSWER
from genetic_udfs.sandbox.definitions import Definitions, modules_of
from genetic_udfs.sandbox.exits import without_exit
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.reading import Reading, Unreadable
from genetic_udfs.sandbox.reports import (
    FAILED,
    PASSED,
    TIMEOUT,
    UNSUPPORTED,
    Status,
    ending,
    loading,
    raised,
    refused,
    reported,
    said,
)
from genetic_udfs.sandbox.steps import Split, Step
from genetic_udfs.sandbox.tiers import DecidedBy, Tier
from genetic_udfs.sandbox.unroll import ODDITIES
from genetic_udfs.sandbox.values import canonical, decode

# After so many calls, or comparisons, that never end, those left are not tried: what loops mostly loops always.
_MAX_TIMEOUTS: Final = 2
_BOM: Final = "\ufeff"  # at the beginning of some files
_TOO_MUCH: Final = {"undecided": "comparing takes too much"}


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
        self._code = well_formed(code.removeprefix(_BOM))
        self._definitions = Definitions.of(self._code)

    def outcome(self, tests: Sequence[str], decided_by: DecidedBy) -> Outcome:
        found: dict[int, Status] = {}
        readings: dict[int, Reading] = {}
        for at, test in enumerate(each.removeprefix(_BOM) for each in tests):
            try:
                readings[at] = Reading.of(without_exit(test, self._definitions.own), self._definitions)
            except Unreadable as error:
                found[at] = Status(error.status, str(error))
        splits = {at: each.split for at, each in readings.items() if each.split is not None}
        loaded, given = self._asked(splits)
        if loaded.refused or not loaded.passed:
            status = refused(loaded.refused) if loaded.refused else loaded
            return Outcome(loaded, (status,) * len(tests), self._sandbox.tier)
        compared = self._compared(readings, splits, given)
        first = self._first_that_follows(readings, splits)
        for at, reading in readings.items():
            decided = compared.get(at, reading.no_split)
            if at > 0 and first <= at and all(found[before].name in {PASSED, UNSUPPORTED} for before in range(at)):
                before = [readings[each] for each in range(at) if found[each].passed]
                decided, reading = "it is run after those before it", _after([*before, reading])
            if isinstance(decided, Status):
                found[at] = decided
            elif decided_by is DecidedBy.TOGETHER:
                found[at] = self._together(reading)
            else:
                found[at] = Status(UNSUPPORTED, f"not decided outside of the code's process: {decided}")
        return Outcome(loaded, tuple(found[at] for at in range(len(tests))), self._sandbox.tier)

    def _first_that_follows(self, readings: dict[int, Reading], splits: dict[int, Split]) -> int:
        """Return from which test on each must be run after those before it, since the code keeps what they do."""
        own = [at for at, each in readings.items() if at not in splits or not splits[at].is_simple]
        is_script = not any(each.is_collected or each.is_doctest for each in readings.values())
        return own[0] if own and is_script and self._definitions.keeps else len(readings) + 1

    def _asked(self, splits: dict[int, Split]) -> tuple[Status, dict[int, list[Answer]]]:
        """Have steps done: calls of all tests together, but a test that has other steps in a process of its own."""
        simple = [at for at, each in splits.items() if each.is_simple]
        loaded, answers = self.answers([step for at in simple for step in splits[at].steps])
        given = {}
        for at, each in splits.items() if loaded.passed else ():
            if at in simple:
                given[at] = [answers.pop(0) for _ in each.steps]
            else:
                again, own = self.answers(each.steps, may_go_on=False)
                given[at] = own if again.passed else [again] * len(each.steps)
        return loaded, given

    def answers(self, steps: Sequence[Step], *, may_go_on: bool = True) -> tuple[Status, list[Answer]]:
        """Return how loading the code ended, and for each step its report or the status that it has led to.

        Args:
            steps: What to do.
            may_go_on: Whether those after one that ends the process can be done in another.
        """
        answers: list[Answer] = []
        timeouts = 0
        while True:
            left = steps[len(answers) :]
            lines = [(at if may_go_on else 0, *vars(step).values()) for at, step in enumerate(left)]
            run = self._sandbox.run(self._kind_for(left), {"do": "answer", "code": self._code, "steps": lines})
            loaded, reports = loading(run, self._limits)
            found = reports[: len(left)]
            if loaded.passed and not answers and (run.killed_for or run.status):  # it may have said "loaded" itself
                loaded = self.answers([])[0] if steps else ending(run, self._limits)
            if not loaded.passed:  # that is not always the same
                return (Status(PASSED), [*answers, *[loaded] * len(left)]) if answers else (loaded, [])
            answers += found
            if len(found) < len(left) and not (found and may_go_on):
                # The limits are a process's: a call that ends it after others is tried once more, with one of its own.
                denied = said(run)[-1].get("denied")
                last = refused(denied) if denied else ending(run, self._limits)
                timeouts += last.name == TIMEOUT
                ends = timeouts == _MAX_TIMEOUTS or not may_go_on
                answers += [last] * (len(left) - len(found) if ends else 1)
            if len(answers) == len(steps):
                return loaded, answers

    def _kind_for(self, steps: Sequence[Step]) -> Kind:
        imports = [ast.parse(step.source) for step in steps if step.binds and "import" in step.source]
        return Kind.for_modules(
            self._definitions.modules | modules_of(node for each in imports for node in ast.walk(each))
        )

    def _compared(
        self, readings: dict[int, Reading], splits: dict[int, Split], given: dict[int, list[Answer]]
    ) -> dict[int, Status | str]:
        """Return how tests ended by what was answered, or why they are not decided by it."""
        found: dict[int, Status | str] = {}
        waiting: dict[int, dict[str, Any]] = {}
        for at, way in splits.items():
            dead = next((each for each in given[at] if isinstance(each, Status)), None)
            reports = [each for each in given[at] if isinstance(each, dict)]
            denied = next((report["denied"] for report in reports if "denied" in report), None)
            if status := refused(denied) if denied else dead or _plainly_compared(way, reports):
                found[at] = status
            else:
                try:
                    waiting[at] = {"imports": way.imports, "answers": reports, "rest": way.sources}
                except ODDITIES as error:
                    found[at] = f"the test is too deep, or makes no sense: {error}"
        if waiting:
            modules = self._definitions.modules.union(*(readings[at].needs for at in waiting))
            for at, report in zip(waiting, self._checked([*waiting.values()], Kind.for_modules(modules)), strict=True):
                undecided = str(report["undecided"]) if "undecided" in report else None
                found[at] = undecided or _with_results(reported(report), splits[at], waiting[at]["answers"])
        return found

    def _checked(self, tests: list[dict[str, Any]], kind: Kind) -> list[dict[str, Any]]:
        """Return the report of each rest of a test. One that ends the process first is to blame; others begin anew."""
        found: list[dict[str, Any]] = []
        ended = 0
        while len(found) < len(tests) and ended < _MAX_TIMEOUTS:
            run = self._sandbox.run(kind, {"do": "check", "tests": tests[len(found) :]})
            reports = [report for report in said(run) if "at" in report]
            ended += not reports
            found += reports or [_TOO_MUCH]
        return found + [_TOO_MUCH] * (len(tests) - len(found))

    def _together(self, reading: Reading) -> Status:
        """Run a test in the process that has the code."""
        word = secrets.token_hex(16)
        task = {"do": "together", "code": self._code, "word": word, **reading.task}
        run = self._sandbox.run(Kind.for_modules(self._definitions.modules | reading.needs), task)
        reports = said(run)
        if denied := next((report["denied"] for report in reports if "denied" in report), None):
            return refused(denied)
        if own := next((report for report in reports if report.get("word") == word), None):
            return reported(own, DecidedBy.TOGETHER)
        loaded, _ = loading(run, self._limits)
        return ending(run, self._limits, DecidedBy.TOGETHER) if loaded.passed else loaded


def _after(readings: list[Reading]) -> Reading:
    """Return the last of some tests as one with those before it."""
    modules = frozenset(name for each in readings for name in each.modules)
    needs = frozenset(name for each in readings for name in each.needs)
    texts = [f"if True:\n{each.text}" if each.body[0].col_offset else each.text for each in readings]  # it is indented
    return replace(readings[-1], text="\n".join(texts), modules=modules, needs=needs)


def _plainly_compared(way: Split, answers: list[dict[str, Any]]) -> Status | None:
    """Return how a test ended that is `assert f(..) == LITERAL` and no more; None if it is something else.

    Most tests are, and a process for each would take as long as the code's.
    """
    compared = [line for _, _, lines in way.rest for line in lines]
    for line in compared:
        match line:
            case ast.Assert(
                test=ast.Compare(
                    left=ast.Call(func=ast.Name(id=name), args=[ast.Constant(value=int(step))]),
                    ops=[ast.Eq()],
                    comparators=[literal],
                )
            ) if name == ANSWER:
                answer = answers[step]
            case _:
                return None
        if "error" in answer:
            return raised(answer)
        try:
            is_equal = bool(decode(answer["value"], numpy="refused") == ast.literal_eval(literal))
        except (LookupError, ValueError, TypeError, SyntaxError, MemoryError, RecursionError, ArithmeticError):
            return None  # a signaling NaN, for one, can be compared with nothing
        if not is_equal:
            return _with_results(Status(FAILED), way, answers)
    return Status(PASSED) if compared else None


def _with_results(status: Status, way: Split, answers: list[dict[str, Any]]) -> Status:
    """Add to a failure what the solution has returned instead."""
    if status.name != FAILED or not way.is_simple:
        return status
    said = []
    for step, answer in zip(way.steps, answers, strict=True):
        try:
            said.append(f"{step.source} is {decode(answer['value'])!r}")
        # None, an integer with more digits than Python writes, or counts that it cannot sort.
        except (LookupError, ValueError, ArithmeticError, RecursionError, MemoryError):
            continue
    return Status(FAILED, "; ".join(said) or status.message)
