"""Feeding: rows in, results out in the same order, with a window of requests in flight on an asyncio loop.

It knows nothing of engines or of Spark: what to do with a row is an async function that the caller provides.
"""

import asyncio
import threading
import time
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Generator, Iterable
from contextlib import AbstractAsyncContextManager
from typing import Final, Generic, TypeVar

from genetic_udfs.engine.window import Window

Row = TypeVar("Row")
Result = TypeVar("Result")
Answer = Callable[[Row], Awaitable[Result]]

# Finished results that wait for an earlier one cost memory, so reading ahead ends somewhere. At 32 windows a
# request would have to take longer than 32 average ones for the window to run dry behind it.
_WINDOWS_AHEAD: Final = 32
_LEAVING: Final = 10.0  # seconds for the context to be left, after the last row
_LINGER: Final = 0.05  # seconds to wait for more results, when one is ready: an Arrow batch for each row would be dear


def ordered_map(
    rows: Iterable[Row],
    answering: Callable[[], AbstractAsyncContextManager[Answer[Row, Result]]],
    window: Window,
    *,
    at_most: int = 64,
) -> Generator[list[Result], None, None]:
    """Answer each row, with up to `window.size` at once, and yield the results in the order of the rows.

    The window counts what is in flight only, not what is finished and waits for an earlier row. Rows are read
    in one background thread, which reads ahead, and answered on an asyncio loop in another. An error in
    reading or answering ends everything and is raised here; closing the generator cancels everything too. A
    reader that is blocked in `rows` itself cannot be interrupted and ends at its next row.

    Args:
        rows: What to answer. With no rows, `answering` is never entered.
        answering: Makes the context, entered on the loop, in which rows can be answered; it gives the
            function.
        window: How many to answer at once.
        at_most: The longest list to yield.

    Yields:
        Lists of at least one result, as many as are ready.
    """
    feed = _Feed(rows, answering, window)
    feed.start()
    try:
        while results := feed.take(at_most):
            yield results
    finally:
        feed.stop()


class _Feed(Generic[Row, Result]):
    """The state that the consumer, the reader and the loop share. `_changed` guards all of it."""

    def __init__(
        self,
        rows: Iterable[Row],
        answering: Callable[[], AbstractAsyncContextManager[Answer[Row, Result]]],
        window: Window,
    ) -> None:
        self._rows = rows
        self._answering = answering
        self._window = window
        self._changed = threading.Condition()
        self._read = 0
        self._taken = 0
        self._all_read = False
        self._results: dict[int, Result] = {}
        self._error: BaseException | None = None
        self._stopped = False
        self._inbox: deque[tuple[int, Row]] = deque()
        self._arrived = asyncio.Event()
        self._loop = asyncio.new_event_loop()
        self._main: asyncio.Task[None] | None = None
        self._reader = threading.Thread(target=self._read_rows, name="async-map-reader", daemon=True)
        self._answerer = threading.Thread(target=self._run_loop, name="async-map-loop", daemon=True)

    def start(self) -> None:
        self._answerer.start()
        self._reader.start()

    def take(self, at_most: int) -> list[Result]:
        """Wait for the next results in order; an empty list means that all are taken."""
        with self._changed:
            self._changed.wait_for(lambda: self._error or self._taken in self._results or self._is_done())
            self._raise_error()
            deadline = time.monotonic() + _LINGER
            while not self._is_ready(at_most) and self._changed.wait(max(0.0, deadline - time.monotonic())):
                self._raise_error()
            results: list[Result] = []
            while len(results) < at_most and self._taken in self._results:
                results.append(self._results.pop(self._taken))
                self._taken += 1
            self._changed.notify_all()
            return results

    def stop(self) -> None:
        with self._changed:
            self._stopped = True
            done = self._error is None and self._is_done()
            self._changed.notify_all()
        if done:
            self._answerer.join(_LEAVING)  # connections are being closed; to cancel that would leave them open
        if self._answerer.is_alive():
            self._loop.call_soon_threadsafe(self._cancel)
            self._answerer.join()
        self._loop.close()
        self._reader.join(timeout=0.05)

    def _raise_error(self) -> None:
        if self._error is not None:
            raise self._error

    def _is_done(self) -> bool:
        return self._all_read and self._taken == self._read

    def _is_ready(self, at_most: int) -> bool:
        """Whether waiting cannot make the next list longer."""
        if self._all_read and self._taken + len(self._results) == self._read:
            return True
        return len(self._results) >= at_most and all(self._taken + k in self._results for k in range(at_most))

    def _read_rows(self) -> None:
        try:
            for row in self._rows:
                with self._changed:
                    self._changed.wait_for(lambda: self._stopped or self._has_room())
                    if self._stopped:
                        return
                    self._inbox.append((self._read, row))
                    self._read += 1
                self._announce()
        except BaseException as error:
            self._fail(error)
        finally:
            with self._changed:
                self._all_read = True
                self._changed.notify_all()
            self._announce()

    def _has_room(self) -> bool:
        size = self._window.size
        return len(self._inbox) < size and self._read - self._taken < max(_WINDOWS_AHEAD * size, 1024)

    def _announce(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._arrived.set)
        except RuntimeError:  # the loop is closed: nobody wants rows any more
            self._stopped = True

    def _fail(self, error: BaseException) -> None:
        with self._changed:
            self._error = self._error or error
            self._changed.notify_all()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._main = self._loop.create_task(self._answer_all())
        try:
            self._loop.run_until_complete(self._main)
        except asyncio.CancelledError:
            pass
        except BaseException as error:
            self._fail(_first_of(error))
        finally:
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    def _cancel(self) -> None:
        if self._main is not None:
            self._main.cancel()

    async def _answer_all(self) -> None:
        arrivals = self._arrivals()
        async for first in arrivals:
            async with self._answering() as answer, asyncio.TaskGroup() as tasks:
                await self._send(tasks, answer, first)
                async for arrival in arrivals:
                    await self._send(tasks, answer, arrival)

    async def _arrivals(self) -> AsyncIterator[tuple[int, Row]]:
        while True:
            with self._changed:
                arrival = self._inbox.popleft() if self._inbox else None
                if arrival is None and self._all_read:
                    return
                if arrival is None:
                    self._arrived.clear()
                    self._changed.notify_all()  # the window may have grown since the reader looked
                elif len(self._inbox) + 1 == self._window.size:
                    self._changed.notify_all()
            if arrival is None:
                await self._arrived.wait()
            else:
                yield arrival

    async def _send(self, tasks: asyncio.TaskGroup, answer: Answer[Row, Result], arrival: tuple[int, Row]) -> None:
        await self._window.enter()
        tasks.create_task(self._answer_one(answer, *arrival))

    async def _answer_one(self, answer: Answer[Row, Result], index: int, row: Row) -> None:
        try:
            result = await answer(row)
        finally:
            self._window.leave()
        with self._changed:
            self._results[index] = result
            self._changed.notify_all()


def _first_of(error: BaseException) -> BaseException:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
