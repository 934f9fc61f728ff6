import asyncio
import contextlib
import random
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator

import pytest

from genetic_udfs.engine.async_map import ordered_map
from genetic_udfs.engine.window import Window
from tests.engine.conftest import eventually

Answer = Callable[[int], Awaitable[int]]


def answering(answer: Answer) -> Callable[[], contextlib.AbstractAsyncContextManager[Answer]]:
    @contextlib.asynccontextmanager
    async def context() -> AsyncIterator[Answer]:
        yield answer

    return context


async def echo(row: int) -> int:
    return row


def feeding_threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("async-map-")]


def flat(lists: Iterator[list[int]]) -> list[int]:
    return [result for results in lists for result in results]


def test_results_answered_out_of_order_come_back_in_order() -> None:
    async def answer(row: int) -> int:
        await asyncio.sleep(random.Random(row).random() / 20)
        return -row

    assert flat(ordered_map(range(2000), answering(answer), Window(500))) == [-row for row in range(2000)]


def test_no_rows_need_no_engine() -> None:
    def context() -> contextlib.AbstractAsyncContextManager[Answer]:
        raise AssertionError("entered without a row")

    assert flat(ordered_map([], context, Window(4))) == []
    assert feeding_threads() == []


def test_the_window_counts_what_is_in_flight() -> None:
    in_flight = most = 0

    async def answer(row: int) -> int:
        nonlocal in_flight, most
        in_flight += 1
        most = max(most, in_flight)
        await asyncio.sleep(0.001)
        in_flight -= 1
        return row

    flat(ordered_map(range(300), answering(answer), Window(7)))
    assert most == 7


def test_a_slow_row_does_not_hold_up_those_behind_it() -> None:
    answered: list[int] = []

    async def answer(row: int) -> int:
        async with asyncio.timeout(300):
            while row == 0 and len(answered) < 399:
                await asyncio.sleep(0.01)
        answered.append(row)
        return row

    assert flat(ordered_map(range(400), answering(answer), Window(4))) == list(range(400))
    assert answered[-1] == 0


def test_reading_ahead_ends_when_too_much_waits_for_one_row() -> None:
    release = threading.Event()
    read = []

    def rows() -> Iterator[int]:
        for row in range(100_000):
            read.append(row)
            yield row

    async def answer(row: int) -> int:
        while row == 0 and not release.is_set():
            await asyncio.sleep(0.01)
        return row

    results = ordered_map(rows(), answering(answer), Window(4))
    threading.Timer(1.0, release.set).start()
    assert next(results)[0] == 0
    assert len(read) < 5_000
    results.close()


def test_results_come_out_while_the_rows_are_slow() -> None:
    taken = threading.Event()

    def rows() -> Iterator[int]:
        yield from range(3)
        assert taken.wait(300), "the first three results never came, with a window of 64"
        yield 3

    results = ordered_map(rows(), answering(echo), Window(64))
    first: list[int] = []
    while len(first) < 3:
        first += next(results)
    assert first == [0, 1, 2]
    taken.set()
    assert flat(results) == [3]


def test_an_error_surfaces_at_once_and_cancels_the_rest() -> None:
    cancelled = []

    async def answer(row: int) -> int:
        if row == 20:
            raise ValueError("row 20")
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(row)
            raise
        return row

    with pytest.raises(ValueError, match="row 20"):
        flat(ordered_map(range(1000), answering(answer), Window(64)))
    assert set(range(20)) <= set(cancelled)
    assert eventually(lambda: feeding_threads() == [])


def test_an_error_of_the_rows_themselves_surfaces() -> None:
    def rows() -> Iterator[int]:
        yield 1
        raise OSError("upstream")

    async def answer(row: int) -> int:
        await asyncio.sleep(3600)
        return row

    with pytest.raises(OSError, match="upstream"):
        flat(ordered_map(rows(), answering(answer), Window(4)))


def test_an_error_while_the_engine_is_opened_surfaces() -> None:
    @contextlib.asynccontextmanager
    async def context() -> AsyncIterator[Answer]:
        if feeding_threads():
            raise RuntimeError("no engine")
        yield echo

    with pytest.raises(RuntimeError, match="no engine"):
        flat(ordered_map(range(10), context, Window(4)))


def test_after_the_last_row_the_context_is_left_undisturbed() -> None:
    left: list[str] = []

    @contextlib.asynccontextmanager
    async def context() -> AsyncIterator[Answer]:
        yield echo
        await asyncio.sleep(0.5)
        left.append("in peace")

    assert flat(ordered_map(range(10), context, Window(4))) == list(range(10))
    assert left == ["in peace"]


def test_closing_the_generator_leaves_no_thread() -> None:
    closed = threading.Event()

    @contextlib.asynccontextmanager
    async def context() -> AsyncIterator[Answer]:
        async def answer(row: int) -> int:
            await asyncio.sleep(0 if row < 10 else 3600)
            return row

        try:
            yield answer
        finally:
            closed.set()

    results = ordered_map(iter(range(10_000)), context, Window(32))
    assert next(results)[0] == 0
    results.close()
    assert closed.is_set()
    assert eventually(lambda: feeding_threads() == [])


def test_the_window_may_change_while_rows_are_in_flight() -> None:
    window = Window(1)
    in_flight: list[int] = []

    async def answer(row: int) -> int:
        in_flight.append(window.in_flight)
        await asyncio.sleep(0.001)
        if row == 50:
            window.resize(10)
        return row

    assert flat(ordered_map(range(200), answering(answer), window)) == list(range(200))
    assert (max(in_flight[:50]), max(in_flight)) == (1, 10)


def test_a_window_that_grows_before_the_first_answer_is_filled_at_once() -> None:
    """As when a server is ready: its share is told while the first row waits."""
    window = Window(1)
    sent: set[int] = set()
    in_flight: list[int] = []
    is_filled = asyncio.Event()

    async def answer(row: int) -> int:
        if row == 0:
            await asyncio.sleep(0.2)  # by now the reader waits
            window.resize(30)
        sent.add(row)
        in_flight.append(window.in_flight)
        if len(sent) == 30:
            is_filled.set()
        async with asyncio.timeout(300):
            await is_filled.wait()  # none is answered before
        return row

    assert flat(ordered_map(range(40), answering(answer), window)) == list(range(40))
    assert max(in_flight) == 30
