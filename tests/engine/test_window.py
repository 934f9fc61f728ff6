import asyncio

import pytest

from genetic_udfs.engine.window import Window


def test_a_refusal_halves_the_pace_and_answers_win_it_back() -> None:
    window = Window(64)
    window.in_flight = 64
    window.refused()
    assert window.size == 32
    for _ in range(32):
        window.answered()
    assert window.size in {32, 33}
    for _ in range(64 * 40):
        window.answered()
    assert window.size == 64


def test_the_refusals_of_one_burst_count_as_one(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr("genetic_udfs.engine.window.time.monotonic", lambda: now)
    window = Window(64)
    window.in_flight = 64
    for _ in range(20):
        window.refused()
    assert window.size == 32
    now += 2.0
    window.in_flight = 32
    window.refused()
    assert window.size == 16


def test_the_pace_never_falls_below_one_request() -> None:
    window = Window(1)
    window.in_flight = 1
    window.refused()
    assert window.size == 1


def test_a_place_offered_to_a_cancelled_waiter_goes_to_the_next() -> None:
    async def scenario() -> int:
        window = Window(1)
        await window.enter()
        first = asyncio.create_task(window.enter())
        second = asyncio.create_task(window.enter())
        await asyncio.sleep(0)
        window.leave()
        first.cancel()
        await asyncio.wait_for(second, 60.0)
        return window.in_flight

    assert asyncio.run(scenario()) == 1
