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
from dataclasses import asdict, dataclass, field, fields, replace
from types import TracebackType
from typing import Final, Self

from genetic_udfs.engine.metrics import ServerMetrics
from genetic_udfs.engine.utilization import STALE, EngineUtilization, ServerWatch, engine_utilization

_INTERVAL: Final = 0.3  # seconds between two datagrams of one feeder


@dataclass(frozen=True)
class Counters:
    """What was done so far, and how many requests are in flight now."""

    rows: int = 0
    errors: int = 0
    prompt_tokens: int = 0
    completion_tokens: int = 0
    in_flight: int = 0

    def __add__(self, other: "Counters") -> "Counters":
        return Counters(*(getattr(self, one.name) + getattr(other, one.name) for one in fields(Counters)))


@dataclass(frozen=True)
class StageProgress(Counters):
    """The sum over all feeders of a stage.

    `notes` has each different note once; `seconds` have gone by since a feeder had an engine to ask, None if none has
    yet; `engine` is None until heard of.
    """

    notes: tuple[str, ...] = ()
    seconds: float | None = None
    engine: EngineUtilization | None = None


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
        self._note = ""
        self._address = address
        self._head = {"stage": stage, "feeder": feeder, "attempt": attempt}
        self._sent = 0.0
        self._socket: socket.socket | None = None
        if address is not None:
            with contextlib.suppress(OSError):
                family = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_DGRAM)[0][0]
                self._socket = socket.socket(family, socket.SOCK_DGRAM)
                self._socket.setblocking(False)

    def add(self, done: Counters) -> None:
        """Count something that was done, and say how many requests are in flight now."""
        self.counters = replace(self.counters + done, in_flight=done.in_flight)
        if time.monotonic() - self._sent >= _INTERVAL:
            self._report()

    def note(self, text: str) -> None:
        """Say what the feeder waits for; an empty text says that it waits for nothing."""
        if text != self._note or time.monotonic() - self._sent >= _INTERVAL:
            self._note = text
            self._report()

    def tell(self, notice: str) -> None:
        """Say something that the user should know, once."""
        self._send(notice=notice[:400])

    def server(self, name: str, max_num_seqs: int, metrics: ServerMetrics) -> None:
        """Pass on what a server says of itself, under a name that no other server has: EXECUTOR-NUMBER."""
        self._send(server=name, max_num_seqs=max_num_seqs, metrics=asdict(metrics))

    def close(self) -> None:
        """Send the last counters."""
        self.counters, self._note = replace(self.counters, in_flight=0), ""
        self._report()
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _report(self) -> None:
        self._sent = time.monotonic()
        self._send(note=self._note[:400], **asdict(self.counters))  # far below what one datagram can carry

    def _send(self, **content: object) -> None:
        if self._socket is not None and self._address is not None:
            datagram = {"token": self._address.token, **self._head, **content}
            with contextlib.suppress(OSError):
                self._socket.sendto(json.dumps(datagram).encode(), (self._address.host, self._address.port))


@dataclass
class _Stage:
    """What is known of a stage: each feeder's latest attempt, and its servers."""

    feeders: dict[str, "_Feeder"] = field(default_factory=dict)
    servers: dict[str, ServerWatch] = field(default_factory=dict)
    ready_since: float | None = None


@dataclass(frozen=True)
class _Feeder:
    attempt: int
    counters: Counters
    note: str
    last_seen: float = field(default_factory=time.monotonic)


class ProgressListener:
    """Receives the counters of all feeders in a thread of the driver.

    Args:
        host: The driver's address as executors see it (`spark.driver.host`); the loopback address for local
            masters.
    """

    def __init__(self, host: str = "127.0.0.1") -> None:
        family, _, _, _, bound = socket.getaddrinfo(host, 0, type=socket.SOCK_DGRAM)[0]
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        try:
            self._socket.bind(bound)
        except OSError:  # an address that executors see and this machine has not, as behind a container's network
            self._socket.bind(("", 0))
        self.address = ProgressAddress(host, self._socket.getsockname()[1], secrets.token_hex(16))
        self._lock = threading.Lock()
        self._stages: dict[str, _Stage] = {}
        self._notices: dict[str, None] = {}
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
            return {name: _sum(stage) for name, stage in self._stages.items()}

    def notices(self) -> list[str]:
        """Return what feeders have told, each text once, in the order in which it was heard first."""
        with self._lock:
            return list(self._notices)

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
        name, feeder, attempt = str(data.pop("stage")), str(data.pop("feeder")), int(str(data.pop("attempt")))
        if "notice" in data:
            with self._lock:
                self._notices.setdefault(str(data["notice"]))
            return
        if "server" in data:
            metrics = ServerMetrics(**data["metrics"])  # type: ignore[arg-type]
            with self._lock:
                self._hear(name, str(data["server"]), int(str(data["max_num_seqs"])), metrics)
            return
        note = str(data.pop("note", ""))
        new = _Feeder(attempt, Counters(**data), note)  # type: ignore[arg-type]
        with self._lock:
            stage = self._stages.setdefault(name, _Stage())
            if stage.ready_since is None and not note:
                stage.ready_since = new.last_seen
            known = stage.feeders.get(feeder)
            # Datagrams can overtake each other, and a task that was given up can go on for a while.
            if known is None or (attempt, new.counters.rows) >= (known.attempt, known.counters.rows):
                stage.feeders[feeder] = new

    def _hear(self, stage: str, server: str, max_num_seqs: int, metrics: ServerMetrics) -> None:
        servers = self._stages.setdefault(stage, _Stage()).servers
        if server in servers:
            servers[server].take(metrics)
        else:
            servers[server] = ServerWatch(server.rpartition("-")[0], max_num_seqs, metrics)


def _sum(stage: _Stage) -> StageProgress:
    now = time.monotonic()
    fresh = [feeder for feeder in stage.feeders.values() if now - feeder.last_seen < STALE]
    total = sum((feeder.counters for feeder in stage.feeders.values()), Counters())
    in_flight = sum(feeder.counters.in_flight for feeder in fresh)
    return StageProgress(
        **asdict(replace(total, in_flight=in_flight)),
        notes=tuple(sorted({feeder.note for feeder in fresh if feeder.note})),
        seconds=now - stage.ready_since if stage.ready_since is not None else None,
        engine=engine_utilization(stage.servers.values()),
    )
