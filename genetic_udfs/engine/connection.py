"""A feeder's hold on an engine of its own executor: the router to a server that a supervisor keeps alive."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import aiohttp

from genetic_udfs.engine.client import Route
from genetic_udfs.engine.metrics import ServerMetrics
from genetic_udfs.engine.protocol import EngineRequest, Ready, line
from genetic_udfs.engine.vllm import SERVED_MODEL
from genetic_udfs.errors import EngineError

_LAUNCHES: Final = 4  # how often in a row the supervisor may vanish before this feeder gives up
_STEADY: Final = 120.0  # seconds for which a server was there, after which a loss is no longer one in a row


class EngineConnection:
    """Orders an engine, knows where its server is, and hears when that changes; an async context manager.

    The lease ends with the context, or with the process. A supervisor that has gone is replaced.

    Args:
        request: What is wanted.
        find_supervisor: Returns the control socket of a supervisor that runs; it may block and is run in a
            thread.
        on_share: Told how many requests this feeder may have in flight.
        on_note: Told what the feeder waits for; an empty text when it waits no more.
        on_metrics: Is given a server's name, how many sequences it can work on, and what it says of itself.
        is_idle: Whether the feeder has nothing to ask at the moment. While it has not for long, because
            nobody takes its results, another engine may have the place of this one: a query that asks two
            engines in one task would stand still otherwise.
        idle_after: Seconds that count as long.
    """

    def __init__(
        self,
        request: EngineRequest,
        find_supervisor: Callable[[], Path],
        on_share: Callable[[int], None] = lambda share: None,
        on_note: Callable[[str], None] = lambda note: None,
        on_metrics: Callable[[str, int, ServerMetrics], None] = lambda server, max_num_seqs, metrics: None,
        is_idle: Callable[[], bool] = lambda: False,
        idle_after: float = 10.0,
    ) -> None:
        self.name = f"engine {request.name!r}"
        self._request = request
        self._find_supervisor = find_supervisor
        self._on_share = on_share
        self._on_note = on_note
        self._on_metrics = on_metrics
        self._is_idle = is_idle
        self._idle_after = idle_after
        self._changed = asyncio.Condition()
        self._waiting = 0
        self._ready: Ready | None = None
        self._ready_since: float | None = None  # of this connection's first server
        self._failure: EngineError | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sessions: dict[int, aiohttp.ClientSession] = {}

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._report_idleness())]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._writer is not None:
            self._writer.close()
        for session in self._sessions.values():
            await session.close()

    @contextlib.asynccontextmanager
    async def route(self) -> AsyncIterator[Route]:
        """Wait for the server, and raise what the supervisor says when there will be none."""
        self._waiting += 1
        try:
            async with self._changed:
                await self._changed.wait_for(lambda: self._ready is not None or self._failure is not None)
                if self._failure is not None:
                    raise self._failure
                ready = self._ready
                assert ready is not None
        finally:
            self._waiting -= 1
        yield Route(self._session_of(ready), "http://engine/v1", SERVED_MODEL, ready.epoch)

    def answered(self, route: Route) -> None:
        """Do nothing: the supervisor asks the server itself how it gets on."""

    def refused(self, route: Route) -> None:
        """Do nothing: a server of our own has no limit but its window."""

    async def failed(self, route: Route) -> None:
        """Have the supervisor look at the server, and send it nothing more until it has."""
        async with self._changed:
            if self._ready is not None and self._ready.epoch == route.epoch:
                self._ready = None
                self._on_note(f"{self.name}: its server does not answer")
                self._send(lost=route.epoch)

    def refusal(self, route: Route, status: int, message: str) -> str:
        """Return why every request is refused, and what to do."""
        return f"its server refuses every request (HTTP {status}: {message})"

    def without_secrets(self, text: str) -> str:
        """Return the text with what nobody may see taken out."""
        return text

    async def _listen(self) -> None:
        """Hold the connection to the supervisor; when it breaks, get another."""
        try:
            log = Path()
            losses = 0
            while losses < _LAUNCHES:
                control = await asyncio.to_thread(self._find_supervisor)
                log = control.parent / "supervisor.log"
                self._ready_since = None
                with contextlib.suppress(OSError):
                    await self._hold(control)
                losses = 1 if self._was_steady() else losses + 1
                if self._failure is not None:
                    return
                self._on_note(f"{self.name}: its supervisor is gone, starting another")
                await asyncio.sleep(0.2)
            await self._give_up(
                EngineError(
                    f"{self.name}: the supervisor of this executor died {losses} times in a row; its log: {log}"
                )
            )
        except EngineError as error:
            await self._give_up(error)
        except Exception as error:  # whatever it is, nobody may wait for ever for a server
            await self._give_up(EngineError(f"{self.name}: {error!r}"))
            raise

    def _was_steady(self) -> bool:
        """Whether the supervisor had served for a while before it was lost."""
        return self._ready_since is not None and time.monotonic() - self._ready_since >= _STEADY

    async def _hold(self, control: Path) -> None:
        reader, self._writer = await asyncio.open_unix_connection(str(control))
        try:
            self._writer.write(self._request.to_line())
            async for message in reader:
                await self._handle_message(json.loads(message))
        finally:
            self._writer.close()
            async with self._changed:
                self._ready = None

    async def _handle_message(self, message: dict[str, object]) -> None:
        if isinstance(metrics := message.get("metrics"), dict):
            self._on_metrics(str(message["server"]), self._request.engine.max_num_seqs, ServerMetrics(**metrics))
        if "note" in message:
            self._on_note(f"{self.name}: {message['note']}")
        if "failed" in message:
            await self._give_up(EngineError(str(message["failed"])))
        if "gone" in message:
            async with self._changed:
                self._ready = None
        if isinstance(ready := message.get("ready"), dict):
            async with self._changed:
                self._ready = Ready(**ready)
                self._ready_since = self._ready_since or time.monotonic()
                self._on_share(self._ready.share)
                self._on_note("")
                self._changed.notify_all()

    async def _report_idleness(self) -> None:
        """Tell the supervisor when the feeder has been idle for long, and when it is no more."""
        busy_at = time.monotonic()
        informed: asyncio.StreamWriter | None = None  # who knows; another supervisor takes everybody for busy
        while True:
            await asyncio.sleep(min(1.0, self._idle_after))
            if self._waiting or not self._is_idle():
                busy_at = time.monotonic()
                if informed is not None and informed is self._writer:
                    self._send(idle=False)
                informed = None
            elif informed is not self._writer and time.monotonic() - busy_at >= self._idle_after:
                informed = self._writer
                self._send(idle=True)

    def _send(self, **message: object) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line(message))

    async def _give_up(self, failure: EngineError) -> None:
        async with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _session_of(self, ready: Ready) -> aiohttp.ClientSession:
        if ready.epoch not in self._sessions:
            self._sessions[ready.epoch] = aiohttp.ClientSession(
                # uvicorn closes a connection that was idle for 5 s; one that is being closed must not be used
                # again.
                connector=aiohttp.UnixConnector(ready.socket, limit=0, keepalive_timeout=3.0),
                timeout=aiohttp.ClientTimeout(total=self._request.engine.request_timeout),
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._sessions[ready.epoch]
