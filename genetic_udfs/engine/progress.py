"""How far a stage is while it runs: feeders send datagrams, the driver sums them up.

Nothing depends on it: datagrams may be lost, doubled or never arrive. What a stage really did is in its
replies.
"""

import contextlib
import json
import secrets
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from types import TracebackType
from typing import Self

_INTERVAL = 0.3  # seconds between two datagrams of one feeder
_STALE = 15.0  # seconds after which a feeder's note says nothing any more


@dataclass(frozen=True)
class Counters:
    """What one feeder has done so far. `note` says what it waits for, such as an engine that starts."""

    rows: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    note: str = ""


@dataclass(frozen=True)
class StageProgress:
    """The sum over all feeders of a stage. `notes` has each different note once."""

    rows: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class ProgressAddress:
    """Where feeders send their counters. `token` keeps strangers' datagrams out."""

    host: str
    port: int
    token: str = field(repr=False)


class ProgressReporter:
    """Sends one feeder's counters, now and then, and at its end.

    Args:
        address: Where to; None sends nothing.
        stage: The name under which the driver sums up.
        feeder: The feeder's identity in the stage: a retried task takes its predecessor's place.
        attempt: Which attempt of this feeder it is.
    """

    def __init__(self, address: ProgressAddress | None, stage: str, feeder: str, attempt: int) -> None:
        self.counters = Counters()
        self._address = address
        self._head = {"stage": stage, "feeder": feeder, "attempt": attempt}
        self._sent = 0.0
        self._socket: socket.socket | None = None
        if address is not None:
            with contextlib.suppress(OSError):
                family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0][0]
                self._socket = socket.socket(family, socket.SOCK_DGRAM)
                self._socket.setblocking(False)

    def add(
        self,
        *,
        rows: int = 0,
        errors: int = 0,
        prompt_tokens: int = 0,
        completion_tokens: int = 0,
        in_flight: int = 0,
    ) -> None:
        """Count something that was done."""
        was = self.counters
        self.update(
            replace(
                was,
                rows=was.rows + rows,
                errors=was.errors + errors,
                prompt_tokens=was.prompt_tokens + prompt_tokens,
                completion_tokens=was.completion_tokens + completion_tokens,
                in_flight=in_flight,
            )
        )

    def note(self, text: str, in_flight: int | None = None) -> None:
        """Say what the feeder waits for; an empty text says that it waits for nothing."""
        flying = self.counters.in_flight if in_flight is None else in_flight
        self.update(replace(self.counters, note=text, in_flight=flying), now=text != self.counters.note)

    def update(self, counters: Counters, *, now: bool = False) -> None:
        """Set the counters, and send them if the last datagram is long enough ago."""
        self.counters = counters
        if now or time.monotonic() - self._sent >= _INTERVAL:
            self._send()

    def close(self) -> None:
        """Send the last counters."""
        self.update(replace(self.counters, in_flight=0, note=""), now=True)
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _send(self) -> None:
        if self._socket is None or self._address is None:
            return
        self._sent = time.monotonic()
        datagram = {"token": self._address.token, **self._head, **asdict(self.counters)}
        datagram["note"] = str(datagram["note"])[:400]  # far below what one datagram can carry
        with contextlib.suppress(OSError):
            self._socket.sendto(json.dumps(datagram).encode(), (self._address.host, self._address.port))


class ProgressListener:
    """Receives the counters of all feeders in a thread of the driver.

    Args:
        host: The driver's address as executors see it (`spark.driver.host`); the loopback address for local
            masters.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        family, _, _, _, bound = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.bind(bound)
        self.address = ProgressAddress(host, self._socket.getsockname()[1], secrets.token_hex(16))
        self._lock = threading.Lock()
        self._stages: dict[str, dict[str, tuple[int, float, Counters]]] = {}
        self._thread = threading.Thread(target=self._receive, name="progress-listener", daemon=True)
        self._closed = False

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        with contextlib.suppress(OSError), socket.socket(self._socket.family, socket.SOCK_DGRAM) as waker:
            waker.sendto(b"", self._socket.getsockname())
        self._thread.join(2)
        self._socket.close()

    def snapshot(self) -> Mapping[str, StageProgress]:
        """Return how far each stage is, by its name."""
        with self._lock:
            return {stage: _sum(list(feeders.values())) for stage, feeders in self._stages.items()}

    def forget(self, stage: str) -> None:
        """Drop what is known of a stage, before its name is used again."""
        with self._lock:
            self._stages.pop(stage, None)

    def _receive(self) -> None:
        while not self._closed:
            try:
                datagram = self._socket.recv(65536)
            except OSError:
                return
            with contextlib.suppress(ValueError, KeyError, TypeError, AttributeError):
                self._take(json.loads(datagram))

    def _take(self, data: dict[str, object]) -> None:
        if not secrets.compare_digest(str(data.pop("token")), self.address.token):
            return
        stage, feeder, attempt = (
            str(data.pop("stage")),
            str(data.pop("feeder")),
            int(str(data.pop("attempt"))),
        )
        counters = Counters(**data)  # type: ignore[arg-type]
        with self._lock:
            feeders = self._stages.setdefault(stage, {})
            known = feeders.get(feeder)
            # Datagrams can overtake each other, and a task that was given up can go on for a while.
            if known is None or attempt > known[0] or (attempt == known[0] and counters.rows >= known[2].rows):
                feeders[feeder] = (attempt, time.monotonic(), counters)


def _sum(feeders: list[tuple[int, float, Counters]]) -> StageProgress:
    fresh = [counters for _, heard, counters in feeders if time.monotonic() - heard < _STALE]
    every = [counters for _, _, counters in feeders]
    return StageProgress(
        rows=sum(counters.rows for counters in every),
        errors=sum(counters.errors for counters in every),
        prompt_tokens=sum(counters.prompt_tokens for counters in every),
        completion_tokens=sum(counters.completion_tokens for counters in every),
        in_flight=sum(counters.in_flight for counters in fresh),
        notes=tuple(sorted({counters.note for counters in fresh if counters.note})),
    )
