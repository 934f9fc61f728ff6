"""How often a row is sent again, after what wait, and when it is enough. The sending is `client.py`'s."""

import random
import re
import time
from dataclasses import dataclass
from typing import Final

_MAX_RETRY_AFTER = 300.0  # seconds


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
# Refusals that come of what a row holds: many of them have to be alike before the configuration is at fault.
_OF_ONE_ROW: Final = re.compile(
    r"context length|too long|too many tokens|maximum[^.]{0,40}tokens"
    r"|content.{0,20}(?:policy|filter|management)|moderation|flagged",
    re.IGNORECASE,
)
MANY_ROWS: Final = 8


def kind_of(refusal: str) -> str:
    """Return what refusals of one kind have in common: all but their numbers and names with digits."""
    return _WITH_A_DIGIT.sub("#", refusal)


def is_of_configuration(refusal: str, count: int) -> bool:
    """Tell whether so many refusals of one kind, with no answer among them, are no fault of rows."""
    return count >= MANY_ROWS or not _OF_ONE_ROW.search(refusal)


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
