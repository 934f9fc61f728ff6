"""The process that owns the servers of one executor: which of them run, for whom, and until when.

Started by the first feeder (`supervisor_launch.py`), it serves a control socket (`protocol.py`). A feeder's open
connection is its lease on an engine. Engines that fit into the memory together stay side by side (`placement.py`).
Others take turns: one is put to sleep, or stopped where vLLM cannot sleep, when nobody who holds a lease on it
has anything to ask.
"""

import asyncio
import contextlib
import itertools
import json
import re
import signal
import sys
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from genetic_udfs.engine import records, vllm
from genetic_udfs.engine.executor import CONTROL
from genetic_udfs.engine.managed import NOTE_INTERVAL, Feeder, ManagedEngine
from genetic_udfs.engine.metrics import fetch_metrics
from genetic_udfs.engine.placement import place_for
from genetic_udfs.engine.protocol import EngineRequest, line
from genetic_udfs.engine.server import Server
from genetic_udfs.errors import ConfigurationError, EngineError
from genetic_udfs.runtime.process import ProcessId, ended, reap_orphans

CommandOf = Callable[[EngineRequest, Path], vllm.Command]


@dataclass(frozen=True)
class Timing:
    """Seconds and counts of the supervision.

    A server that failed `failures` times in a row is not started again for `rest` seconds: every request is
    answered with its last log lines. An engine that has worked for `steady` seconds has no failures behind it;
    each `look` seconds it is asked how it gets on with its work. After SIGTERM a server may take `grace` seconds, one
    that a killed supervisor has left `sweep`. All but `failures` are seconds.
    """

    tick: float = 0.25
    backoff: float = 1.0
    failures: int = 3
    rest: float = 300.0
    look: float = 3.0
    steady: float = 120.0
    grace: float = 20.0
    sweep: float = 10.0


USUAL_TIMING: Final = Timing()


class Supervisor:
    """Serves requests in a folder until the watched process ends or it has to stop.

    Args:
        folder: Where its sockets and logs are; nobody else may use it.
        command_of: Works out how to start the server of a request on a socket; it may take its time, and is
            run in a thread. A GeneticUdfsError that it raises is final.
        watched: The process with which everything ends.
        timing: How long it waits for what.
    """

    def __init__(self, folder: Path, command_of: CommandOf, watched: ProcessId, timing: Timing = USUAL_TIMING) -> None:
        self._folder = folder
        self._command_of = command_of
        self._watched = watched
        self._timing = timing
        self._engines: dict[str, ManagedEngine] = {}
        self._epochs = itertools.count(time.time_ns() // 1_000_000)  # no two supervisors in a folder use the same
        self.has_seen_failures = False
        self._bringing_up: asyncio.Task[None] | None = None  # servers start one at a time
        self._changed = asyncio.Event()
        self._stop = asyncio.Event()

    async def run(self) -> None:
        """Serve until there is no reason to."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop.set)
        control = self._folder / CONTROL
        control.unlink(missing_ok=True)
        listener = await asyncio.start_unix_server(self._serve, str(control))
        reasons = [
            asyncio.create_task(ended(self._watched)),
            asyncio.create_task(self._stop.wait()),
            asyncio.create_task(self._supervise()),
        ]
        try:
            done, _ = await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
            for reason in done:
                reason.result()  # an error in supervising is not to be hidden
        finally:
            listener.close()
            control.unlink(missing_ok=True)
            for reason in reasons:
                reason.cancel()
            await asyncio.gather(*reasons, return_exceptions=True)
            await asyncio.gather(*(self._stop_server(engine) for engine in self._engines.values()))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Hear one feeder out; when its connection ends, so does its lease."""
        engine: ManagedEngine | None = None
        feeder: Feeder | None = None
        try:
            if not (first := await reader.readline()):
                return  # a look whether the supervisor is there
            try:
                request = EngineRequest.from_line(first)
            except (ValueError, KeyError, TypeError) as error:
                writer.write(line({"failed": f"the supervisor does not understand the request: {error}"}))
                await writer.drain()
                return
            feeder = Feeder(request, writer)
            engine = self._admit(request, feeder)
            async for message in reader:
                self._handle_message(engine, feeder, json.loads(message))
        except OSError:
            pass  # the connection is gone
        except Exception:  # a defect, or no feeder at all: the others have nothing to do with it
            print(f"a connection ends:\n{traceback.format_exc()}", file=sys.stderr, flush=True)
        finally:
            if engine is not None and feeder is not None:
                engine.feeders.discard(feeder)
                engine.send_ready()
                self._changed.set()
            writer.close()

    def _admit(self, request: EngineRequest, feeder: Feeder) -> ManagedEngine:
        engine = self._engines.setdefault(request.key(), ManagedEngine(request))
        engine.reset_failures(self._timing.rest)
        if engine.final_failure is not None:
            feeder.send(failed=engine.final_failure)
        if not engine.is_wanted:
            engine.wanted_since = time.monotonic()
        if not engine.feeders:
            engine.looked_at = 0.0  # what it does for these feeders begins now
        engine.feeders.add(feeder)
        engine.send_ready()
        self._changed.set()
        return engine

    def _handle_message(self, engine: ManagedEngine, feeder: Feeder, message: dict[str, object]) -> None:
        if "lost" in message:
            engine.needs_check = True
        if "idle" in message:
            if not engine.is_wanted:
                engine.wanted_since = time.monotonic()
            feeder.is_idle = bool(message["idle"])
        self._changed.set()

    async def _supervise(self) -> None:
        try:
            await self._supervise_until_cancelled()
        finally:
            if self._bringing_up is not None:
                self._bringing_up.cancel()
                await asyncio.gather(self._bringing_up, return_exceptions=True)

    async def _supervise_until_cancelled(self) -> None:
        while True:
            self._changed.clear()
            for engine in list(self._engines.values()):
                await self._check(engine)
            self._serve_next()
            reap_orphans({engine.server.id.pid for engine in self._engines.values() if engine.server})
            # Not wait_for: until Python 3.12 it loses a cancellation that meets the event.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(self._timing.tick):
                    await self._changed.wait()

    async def _check(self, engine: ManagedEngine) -> None:
        """Notice that a server is dead or hangs, and that one which was is_suspect does not."""
        is_suspect, engine.needs_check = engine.needs_check, False
        server = engine.server
        if server is not None and engine.is_asleep and server.exit_code is not None:
            await self._failed(engine, f"the server {server.end} in its sleep\n{server.log_excerpt()}")
        if server is None or engine.ready_since is None:
            return
        fault = await self._fault_of(engine, server, is_suspect)
        if engine.server is not server or engine.ready_since is None:
            return  # it was evicted meanwhile
        if fault is not None:
            await self._failed(engine, f"{fault}\n{server.log_excerpt()}")
        elif is_suspect:
            engine.send_ready()
        elif engine.worked > self._timing.steady:
            engine.failures = 0

    async def _fault_of(self, engine: ManagedEngine, server: Server, is_suspect: bool) -> str | None:
        if server.exit_code is not None:
            return f"the server {server.end}"
        if is_suspect and not await server.is_healthy():
            return "the server is up but not healthy"
        if time.monotonic() - engine.looked_at > self._timing.look:
            engine.looked_at = time.monotonic()
            metrics = await fetch_metrics(server.socket)
            if metrics is not None:
                engine.send_to_one(server=f"{self._folder.name}-{engine.epoch}", metrics=vars(metrics))
                if (idle := engine.record_metrics(metrics)) > engine.request_timeout / 2:
                    return f"the server hangs: {metrics.running:.0f} requests run, and no token came for {idle:.0f} s"
        return None

    def _serve_next(self) -> None:
        """Begin to start or wake the engine that has been waited for longest, if it fits or others can be evicted."""
        if self._bringing_up is not None:
            if not self._bringing_up.done():
                return
            self._bringing_up.result()
        engines = list(self._engines.values())
        waiting = [engine for engine in engines if engine.is_wanted and not engine.is_awake]
        for engine in sorted(waiting, key=lambda engine: engine.wanted_since):
            others = [other for other in engines if other is not engine and other.blocks(engine)]
            placement = place_for(engine.memory_share, others)
            if placement.waited_for:
                names = ", ".join(f"{user.request.name} ({len(user.feeders)} tasks)" for user in placement.waited_for)
                engine.send_note(f"waiting for {names} to finish")
            elif time.monotonic() >= engine.not_before:
                self._bringing_up = asyncio.create_task(self._bring_up(engine, placement.to_evict))
                return

    async def _bring_up(self, engine: ManagedEngine, to_evict: Sequence[ManagedEngine]) -> None:
        try:
            for other in to_evict:
                await self._evict(other)
            if engine.is_asleep and engine.server is not None:
                await self._wake(engine, engine.server)
            else:
                await self._start(engine)
        except Exception as error:  # nobody may wait for ever, and other engines have nothing to do with it
            await self._failed(engine, repr(error), final=True)
        self._changed.set()

    async def _evict(self, engine: ManagedEngine) -> None:
        """Have an engine give its place to another, by sleep if it can."""
        server = engine.server
        if server is not None and server.sleeps and engine.ready_since is not None:
            engine.ready_since = engine.metrics = None
            engine.send(gone=engine.epoch)
            try:
                await server.sleep(engine.request.engine.request_timeout)
                engine.is_asleep = True
                return
            except EngineError as error:
                self._say(engine, str(error))
        await self._stop_server(engine)

    async def _wake(self, engine: ManagedEngine, server: Server) -> None:
        engine.is_asleep = False
        engine.send(note="waking up")
        try:
            await server.wake_up(engine.request.engine.start_timeout)
        except EngineError as error:
            await self._failed(engine, str(error))
        else:
            self._is_ready(engine)

    async def _start(self, engine: ManagedEngine) -> None:
        engine.epoch = next(self._epochs)
        socket = self._folder / f"e{engine.epoch}.sock"
        log = self._folder / f"{re.sub('[^A-Za-z0-9.-]', '_', engine.request.name)[:60]}-{engine.epoch}.log"
        try:
            command = await self._command(engine, socket)
            engine.server = Server(command, socket, log)
            self._record()
            timeout = engine.request.engine.start_timeout
            await engine.server.wait_healthy(timeout, lambda note: engine.send(note=note))
        except ConfigurationError as error:
            await self._failed(engine, str(error), final=True)
        except (EngineError, OSError) as error:
            # An argument that vLLM does not know is exit code 2, from argparse, and will not get better.
            final = engine.server is None or engine.server.exit_code == 2
            await self._failed(engine, str(error), final=final)
        else:
            self._record()
            self._is_ready(engine)

    def _is_ready(self, engine: ManagedEngine) -> None:
        engine.ready_since = engine.moved_at = time.monotonic()
        engine.looked_at = 0.0
        engine.send_ready()

    async def _command(self, engine: ManagedEngine, socket: Path) -> vllm.Command:
        """Work out the command, telling the feeders that wait for it: a model may have to be prepared first."""
        began = time.monotonic()
        working = asyncio.create_task(asyncio.to_thread(self._command_of, engine.request, socket))
        while not working.done():
            engine.send(note=f"preparing the model, {time.monotonic() - began:.0f} s")
            await asyncio.wait({working}, timeout=NOTE_INTERVAL)
        return await working

    async def _failed(self, engine: ManagedEngine, why: str, *, final: bool = False) -> None:
        self._say(engine, why)
        self.has_seen_failures = True
        await self._stop_server(engine)
        engine.fail(why, final=final, limit=self._timing.failures, backoff=self._timing.backoff)

    async def _stop_server(self, engine: ManagedEngine) -> None:
        server, engine.server, engine.ready_since, engine.metrics = engine.server, None, None, None
        engine.is_asleep = False
        if server is not None:
            engine.send(gone=engine.epoch)
            await server.stop(self._timing.grace)
            self._record()

    def _say(self, engine: ManagedEngine, what: str) -> None:
        print(f"engine {engine.request.name}, epoch {engine.epoch}: {what}", file=sys.stderr, flush=True)

    def _record(self) -> None:
        servers = [engine.server for engine in self._engines.values() if engine.server is not None]
        records.write(self._folder, [records.ServerRecord(s.id, tuple(s.group)) for s in servers])
