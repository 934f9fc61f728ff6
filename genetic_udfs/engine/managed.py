"""An engine that was requested, as the supervisor sees it: who wants it, its server, its failures in a row.

What is done about them is the supervisor's.
"""

import asyncio
import math
import time
from dataclasses import dataclass, field
from typing import Final, Self

from genetic_udfs.engine.metrics import ServerMetrics
from genetic_udfs.engine.protocol import EngineRequest, Ready, line
from genetic_udfs.engine.server import Server

NOTE_INTERVAL: Final = 5.0  # seconds between two equal notes to feeders that wait


class Feeder:
    """The lease of one feeder: its open connection. An idle one has had nothing to ask for a while."""

    def __init__(self, request: EngineRequest, writer: asyncio.StreamWriter) -> None:
        self.request = request
        self.is_idle = False
        self._writer = writer

    def send(self, **message: object) -> None:
        """Send a message, unless the feeder is gone."""
        if not self._writer.is_closing():
            self._writer.write(line(message))


@dataclass
class ManagedEngine:
    """An engine that at least one feeder has requested.

    Args:
        request: The first request of it.
    """

    request: EngineRequest
    feeders: set[Feeder] = field(default_factory=set)
    wanted_since: float = 0.0
    server: Server | None = None
    is_asleep: bool = False
    epoch: int = 0
    ready_since: float | None = None
    needs_check: bool = False
    failures: int = 0
    not_before: float = 0.0
    final_failure: str | None = None
    final_failure_at: float = 0.0
    metrics: ServerMetrics | None = None
    looked_at: float = 0.0
    metrics_at: float = 0.0
    moved_at: float = 0.0
    worked: float = 0.0
    noted: str = ""
    noted_at: float = 0.0

    @property
    def memory_share(self) -> float:
        """Part of the memory that it takes when it is awake."""
        return self.request.engine.memory_share

    @property
    def is_awake(self) -> bool:
        """Whether it has its place: its server runs or starts."""
        return self.server is not None and not self.is_asleep

    @property
    def request_timeout(self) -> float:
        """Seconds that a request may take: the least of its feeders' timeouts."""
        return min((feeder.request.engine.request_timeout for feeder in self.feeders), default=math.inf)

    @property
    def is_wanted(self) -> bool:
        """Whether somebody has something to ask, and can still hope for an answer."""
        return self.final_failure is None and any(not feeder.is_idle for feeder in self.feeders)

    def blocks(self, other: Self) -> bool:
        """Whether another engine has to ask for its place: it is awake, or died and was wanted before the other."""
        is_coming_back = self.failures > 0 and self.server is None and self.is_wanted
        return self.is_awake or (is_coming_back and self.wanted_since < other.wanted_since)

    def send(self, **message: object) -> None:
        """Send a message to every feeder."""
        for feeder in self.feeders:
            feeder.send(**message)

    def send_note(self, note: str) -> None:
        """Tell every feeder what it waits for, now and then."""
        if note != self.noted or time.monotonic() - self.noted_at > NOTE_INTERVAL:
            self.noted, self.noted_at = note, time.monotonic()
            self.send(note=note)

    def send_to_one(self, **message: object) -> None:
        """Send a message to one feeder, of those that have something to ask."""
        for feeder in self.feeders:
            if not feeder.is_idle:
                feeder.send(**message)
                return

    def send_ready(self) -> None:
        """Tell every feeder where the server is, and its share of the engine's window."""
        if self.ready_since is not None and self.server is not None and self.feeders:
            window = max(feeder.request.window for feeder in self.feeders)
            share, rest = divmod(window, len(self.feeders))
            for number, feeder in enumerate(self.feeders):
                mine = max(1, share + (number < rest))
                feeder.send(ready=vars(Ready(str(self.server.socket), self.epoch, mine)))

    def record_metrics(self, metrics: ServerMetrics) -> float:
        """Note what the server says of itself; return for how many seconds it was wanted and made no token."""
        now = time.monotonic()
        before, self.metrics = self.metrics, metrics
        has_moved = before is None or _tokens(metrics) != _tokens(before)
        if has_moved and before is not None:
            self.worked += now - self.metrics_at
        # Not by the server's own count of what runs: one that hangs in its first step has not counted yet.
        if has_moved or not self.is_wanted:
            self.moved_at = now
        self.metrics_at = now
        return now - self.moved_at

    def fail(self, why: str, *, final: bool, limit: int, backoff: float) -> None:
        """Count a failure, and tell the feeders: there will be another server, or none.

        Args:
            why: The reason, with the server's last log lines.
            final: Whether another try would be in vain.
            limit: How many failures in a row are the last.
            backoff: Seconds before the next try; doubled with each failure.
        """
        self.failures += 1
        self.worked = 0.0
        if final or self.failures >= limit:
            times = "" if final else f" {self.failures} times in a row; the last time"
            self.final_failure = f"engine {self.request.name!r} failed{times}: {why}"
            self.final_failure_at = time.monotonic()
            self.send(failed=self.final_failure)
        else:
            self.not_before = time.monotonic() + backoff * 2 ** (self.failures - 1)
            self.send(note=f"it died, starting again (failure {self.failures} of {limit})")

    def reset_failures(self, rest: float) -> None:
        """Forget the failures of an engine that was given up long enough ago."""
        if self.final_failure is not None and time.monotonic() - self.final_failure_at > rest:
            self.final_failure, self.failures = None, 0


def _tokens(metrics: ServerMetrics) -> float:
    return metrics.prompt_tokens + metrics.generation_tokens
