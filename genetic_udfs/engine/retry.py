"""How often a row is sent again, after what wait, and when it is enough. The sending is `client.py`'s."""

import random
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

_MAX_RETRY_AFTER: Final = 300.0  # seconds


@dataclass(frozen=True)
class RetryPolicy:
    """How often and how long to try again.

    `attempts` sendings of a row may fail, `timeouts` of them by timeout; `deaths` servers may die under it. An engine
    that has answered may be away for `silence` seconds, however often a row is sent meanwhile. A row that is only
    refused because the engine is busy is tried for `busy` seconds as long as the engine answers others. Before each
    further sending there is a wait, up to `first_wait` seconds and doubling up to `longest_wait`.
    """

    attempts: int = 8
    timeouts: int = 3
    deaths: int = 5
    first_wait: float = 1.0
    longest_wait: float = 60.0
    silence: float = 300.0
    busy: float = 1800.0


DEFAULT_RETRY: Final = RetryPolicy()


class AttemptFailed(Exception):
    """This sending failed, another may not.

    Args:
        reason: What happened.
        at_most: How many sendings may fail like this.
        after: Seconds that the other side asks to wait.
        busy: Whether the engine only had too much to do.
    """

    def __init__(self, reason: str, *, at_most: int, after: float | None = None, busy: bool = False) -> None:
        super().__init__(reason)
        self.at_most = at_most
        self.after = after
        self.busy = busy


class Answers:
    """What the engine has answered so far, to any row of a feeder."""

    def __init__(self) -> None:
        self.count = 0
        self.last: float | None = None

    def answered(self) -> None:
        """Count an answer."""
        self.count += 1
        self.last = time.monotonic()


_WITH_A_DIGIT: Final = re.compile(r"\w*\d[\w.-]*")
_TOO_LONG: Final = r"context length|too long|too many tokens|(?:maximum|less than)[^.]{0,40}tokens"
# Refusals that come of what a row holds: many of them have to be alike before the configuration is at fault.
_OF_ONE_ROW: Final = re.compile(
    rf"{_TOO_LONG}|content.{{0,20}}(?:policy|filter|management)|moderation|flagged", re.IGNORECASE
)
MANY_ROWS: Final = 8
# Where a refusal repeats what it was asked: FastAPI and vLLM as JSON or as Python writes it, pydantic in its own form.
_ECHO_BEGINS: Final = re.compile(r"""["'](?:input|body)["']\s*:\s*(?=[\[{("'])|input_value=""")
_PYDANTIC_ENDS: Final = ", input_type="
_LONGEST_OF_PYDANTIC: Final = 200
_PART_OF_A_VALUE: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*+(?:"|\\?\Z)|'(?:\\.|[^'\\])*+(?:'|\\?\Z))|(?P<opens>[\[{(])|[\]})]""", re.DOTALL
)
_SHORT_ECHO: Final = 30  # what says which value was wrong, rather than what was asked


def without_echo(refusal: str) -> str:
    """Return a refusal without what it repeats of the request, which says nothing and differs from row to row."""
    kept: list[str] = []
    at = 0
    while (found := _ECHO_BEGINS.search(refusal, at)) is not None:
        is_pydantic = found[0].endswith("=")
        end = (_end_in_pydantic if is_pydantic else _end_of_value)(refusal, found.end())
        is_short = end - found.end() <= _SHORT_ECHO
        kept += [refusal[at : found.end()], refusal[found.end() : end] if is_short else "..."]
        at = end
    return "".join([*kept, refusal[at:]])


def _end_in_pydantic(text: str, start: int) -> int:
    """Return where a value ends that pydantic has shortened in its middle, so that its brackets tell nothing."""
    end = text.find(_PYDANTIC_ENDS, start, start + _LONGEST_OF_PYDANTIC)
    return end if end >= 0 else start


def _end_of_value(text: str, start: int) -> int:
    """Return where a value that begins with a bracket or quote ends; the text's end where it is not closed."""
    depth = 0
    for part in _PART_OF_A_VALUE.finditer(text, start):
        if part["text"] is None:
            depth += 1 if part["opens"] else -1
        if depth <= 0:
            return part.end()
    return len(text)


def kind_of(refusal: str) -> str:
    """Return what refusals of one kind have in common: all but their numbers, names with digits, and the request."""
    return _WITH_A_DIGIT.sub("#", without_echo(refusal))


def is_too_long(refusal: str) -> bool:
    """Tell whether a refusal says that what was asked has too many tokens."""
    return re.search(_TOO_LONG, refusal, re.IGNORECASE) is not None


def is_of_configuration(refusal: str, count: int) -> bool:
    """Tell whether so many refusals of one kind, with no answer among them, are no fault of rows."""
    return count >= MANY_ROWS or not _OF_ONE_ROW.search(refusal)


@dataclass(frozen=True)
class ErrorCount:
    """How often one error, or an answer (None), came: in all, and in the latest stage."""

    error: str | None
    in_all: int
    in_stage: int


def refusal_of_all(counts: Sequence[ErrorCount]) -> str | None:
    """Return the refusal that is no fault of rows; None where there is none.

    Many rows of a stage say it by themselves: an endpoint may have changed since it answered others. Few say it if
    nothing was ever answered.

    Args:
        counts: the errors of this run, and the answers of all runs, as what one run leaves of a stage that was answered
            are its odd rows.
    """
    of_stage = [one for one in counts if one.in_stage]
    if sum(one.in_stage for one in of_stage) >= MANY_ROWS and (refusal := _only_kind(of_stage)) is not None:
        return refusal
    refusal = _only_kind(counts)
    if refusal is None or not is_of_configuration(refusal, sum(one.in_all for one in counts)):
        return None
    return refusal


def _only_kind(counts: Sequence[ErrorCount]) -> str | None:
    """Return one of the refusals, if nothing else came, and they are of one kind."""
    refusals = [one.error for one in counts if one.error is not None]
    if not refusals or len(refusals) < len(counts) or len({kind_of(refusal) for refusal in refusals}) > 1:
        return None
    return refusals[0] if refusals[0].startswith("HTTP 4") else None


class FirstAnswers:
    """The first answers to a feeder's requests, as many as its window.

    Args:
        enough: How many refusals of one kind, with no answer before them, are the configuration's fault.
    """

    def __init__(self, enough: int | None) -> None:
        self._enough = enough
        self._kind: str | None = None
        self._count = 0

    def answered(self) -> None:
        """A request was answered: whatever is refused from now on, its row may be at fault."""
        self._enough = None

    def refused(self, refusal: str) -> bool:
        """A request was refused: tell whether all are."""
        if self._enough is None:
            return False
        if self._kind not in (None, kind_of(refusal)):
            self._enough = None
            return False
        self._kind, self._count = kind_of(refusal), self._count + 1
        return self._count >= self._enough


class Attempts:
    """What is known of one row while it is tried.

    Args:
        policy: How often to try.
        answers: What the engine answers to all rows.
    """

    def __init__(self, policy: RetryPolicy, answers: Answers) -> None:
        self.count = 0
        self.deaths = 0
        self._policy = policy
        self._answers = answers
        self._answered_before = answers.count
        self._epoch: int | None = None
        self._started = time.monotonic()

    def begin(self, epoch: int) -> None:
        """Count a sending, to the server of an epoch. What was sent to one that has died counts as a death."""
        if self._epoch is not None and epoch != self._epoch:
            self.deaths += 1
        self._epoch = epoch
        self.count += 1

    def take_back(self) -> None:
        """Do not count the last sending: another text is sent in its place."""
        self.count -= 1

    def has_seen_enough_deaths(self) -> bool:
        """Whether servers die too often under this row."""
        return self.deaths >= self._policy.deaths

    def is_enough(self, failure: AttemptFailed) -> bool:
        """Whether the row is not to be sent again. A server that died is not held against it."""
        if self.count - self.deaths < failure.at_most:
            return False
        if self.row_is_at_fault():
            # Refused while others are answered: that is no fault, it only takes longer.
            return not failure.busy or time.monotonic() - self._started > self._policy.busy
        return self._answers.last is None or time.monotonic() - self._answers.last > self._policy.silence

    def wait(self, failure: AttemptFailed) -> float:
        """Return how many seconds to wait before the next sending: exponential, with full jitter."""
        longest = min(self._policy.longest_wait, self._policy.first_wait * 2.0 ** min(self.count - 1, 30))
        if failure.after is not None:
            return min(failure.after, _MAX_RETRY_AFTER) + random.uniform(0, min(longest, 1.0))
        return random.uniform(0, longest)

    def row_is_at_fault(self) -> bool:
        """Whether it must be the row, as the engine has answered others since this one was first sent."""
        return self._answers.count > self._answered_before
