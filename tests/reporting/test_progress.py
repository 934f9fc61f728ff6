"""What is said of a stage while it runs and when it is done."""

import io
import os
import threading
from collections.abc import Callable, Mapping

import pytest
from rich.console import Console

from genetic_udfs.config import Price
from genetic_udfs.engine.progress import StageProgress
from genetic_udfs.engine.utilization import EngineUtilization
from genetic_udfs.reporting import progress as module
from genetic_udfs.reporting.progress import Progress, View

PATIENCE = 60.0


def test_a_stage_under_way_shows_done_of_total_rates_and_time_left() -> None:
    view = View("coder", 40, 10.0, StageProgress(rows=10, completion_tokens=900))
    assert view.facts() == ["10/40", "1.0 rows/s", "90 tokens/s", "ETA 30 s"]


def test_the_start_of_an_engine_is_not_part_of_how_fast_it_is() -> None:
    view = View("coder", 40, 70.0, StageProgress(rows=10, completion_tokens=900, seconds=10.0))
    assert view.facts() == ["10/40", "1.0 rows/s", "90 tokens/s", "ETA 30 s"]


def test_a_stage_that_waits_says_for_what() -> None:
    view = View("coder", 40, 10.0, StageProgress(notes=("engine 'x': starting, 9 s",)))
    assert view.facts() == ["0/40", "engine 'x': starting, 9 s"]


def test_a_stage_that_is_done_says_what_it_took() -> None:
    done = View("coder", 40, 125.0, StageProgress(rows=40, completion_tokens=2500))
    assert done.ending() == "coder: 40 replies in 2 min 5 s (0.32 rows/s, 20 tokens/s)"
    assert View("coder", 0, 1.0, StageProgress()).ending() == "coder: nothing to ask"
    assert View("deciding", None, 3725.0, StageProgress()).ending() == "deciding: 1 h 2 min"


def test_what_a_stage_costs_is_shown_where_its_engine_has_a_price() -> None:
    reported = StageProgress(rows=10, prompt_tokens=2_000_000, completion_tokens=100_000)
    view = View("coder", 40, 10.0, reported, Price(prompt=0.5, completion=4.0))
    assert "cost 1.4" in view.facts()
    assert view.ending().endswith("cost 1.4)")


def test_what_an_hour_of_the_engine_costs_is_counted_while_it_is_asked() -> None:
    reported = StageProgress(rows=10, prompt_tokens=2_000_000, completion_tokens=100_000, seconds=60.0)
    view = View("coder", 40, 600.0, reported, hourly=36.0)
    assert "cost 0.6" in view.facts()
    assert view.ending().endswith("cost 0.6)")
    both = View("coder", 40, 600.0, reported, Price(prompt=0.5, completion=4.0), 36.0)
    assert "cost 2" in both.facts()
    assert not any("cost" in fact for fact in View("coder", 40, 600.0, StageProgress(), hourly=36.0).facts())


def test_a_stage_that_runs_code_has_rows_and_no_tokens() -> None:
    view = View("tests", 40, 20.0, StageProgress(rows=40))
    assert view.ending() == "tests: 40 rows in 20 s (2.0 rows/s)"
    assert view.facts() == ["40/40", "2.0 rows/s", "ETA 0 s"]


def test_counts_that_arrive_twice_never_exceed_the_total() -> None:
    assert View("coder", 4, 1.0, StageProgress(rows=5)).facts()[0] == "4/4"


def use(running: float, waiting: float = 0.0) -> EngineUtilization:
    return EngineUtilization(9.0, 2, 1, 256, running, waiting, running, waiting, 900.0, 0.23, 0.71, 3)


def test_what_the_engine_does_is_shown() -> None:
    view = View("coder", 4000, 10.0, StageProgress(rows=100, errors=2, in_flight=250, engine=use(240, 10)))
    assert view.facts()[4:] == [
        "2 errors",
        "running 240 of 256",
        "10 waiting",
        "KV cache 23%",
        "prefix hits 71%",
        "3 preemptions",
        "1 restart",
    ]


def test_an_engine_with_too_little_to_do_is_warned_of_while_there_are_rows_left() -> None:
    warning = "running 12 of 256: give it more feeders"
    assert warning in View("coder", 4000, 10.0, StageProgress(rows=100, in_flight=12, engine=use(12))).facts()
    last_ones = StageProgress(rows=3900, in_flight=12, engine=use(12))
    assert warning not in View("coder", 4000, 10.0, last_ones).facts()
    busy = StageProgress(rows=100, in_flight=12, engine=use(12, waiting=30))
    assert warning not in View("coder", 4000, 10.0, busy).facts()


def test_a_long_stage_ends_with_how_busy_its_engine_was() -> None:
    idle = View("coder", 4000, 100.0, StageProgress(rows=4000, engine=use(12))).ending()
    assert idle.endswith(
        "12 of 256 running on average: give it more feeders (engines.NAME.feeders, spark.executor.cores)"
    )
    assert View("coder", 4000, 100.0, StageProgress(engine=use(250))).ending().endswith("250 of 256 running on average")
    assert View("coder", 400, 100.0, StageProgress(engine=use(12))).ending().endswith("tokens/s)")


class Log:
    """A display in a log that ticks without a pause, and whose ticks a test can hold up while they look at a stage."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(module, "_LOG_INTERVAL", 0.0)
        monkeypatch.setattr(module, "_YOUNG", 0.0)
        monkeypatch.delenv(module.TERMINAL_VARIABLE, raising=False)
        self.progress = Progress()
        self.text = io.StringIO()
        self.progress.console = Console(file=self.text, width=200)
        self.within_tick: Callable[[], None] = lambda: None
        monkeypatch.setattr(self.progress._listener, "snapshot", self._snapshot)

    def _snapshot(self) -> Mapping[str, StageProgress]:
        if threading.current_thread().name == "progress":
            self.within_tick()
        return {}

    def lines(self) -> list[str]:
        return [line.partition("] ")[2] for line in self.text.getvalue().splitlines()]


def test_a_tick_that_a_stage_ends_under_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    log, ticking, ended, later = Log(monkeypatch), threading.Event(), threading.Event(), threading.Event()

    def hold_up() -> None:
        if ended.is_set():
            later.set()
        ticking.set()
        assert ended.wait(PATIENCE)

    log.within_tick = hold_up
    with log.progress as progress:
        with progress.stage("deciding", None):
            assert ticking.wait(PATIENCE)  # it has looked at the stage, and not said it yet
        ended.set()
        with progress.watching("another"):
            assert later.wait(PATIENCE)  # the tick of then is over
    assert [line for line in log.lines() if line.startswith("deciding")] == ["deciding: 0 s"]


def test_a_stage_whose_last_tick_said_it_all_ends_without_another_line(monkeypatch: pytest.MonkeyPatch) -> None:
    log, ticks = Log(monkeypatch), threading.Semaphore(0)
    proceed = threading.Semaphore(1)

    def one_tick() -> None:
        assert proceed.acquire(timeout=PATIENCE)
        ticks.release()

    log.within_tick = one_tick
    monkeypatch.setattr(module.time, "monotonic", lambda: 100.0)
    with log.progress as progress:
        with progress.stage("deciding", None):
            assert ticks.acquire(timeout=PATIENCE)
            while not log.lines():
                pass
        proceed.release(1000)
    assert log.lines() == ["deciding: 0 s"]


def test_a_stage_that_has_just_begun_says_only_how_it_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    log, looked = Log(monkeypatch), threading.Semaphore(0)
    log.within_tick = looked.release
    monkeypatch.setattr(module, "_YOUNG", 3600.0)
    with log.progress as progress, progress.stage("deciding", None):
        assert all(looked.acquire(timeout=PATIENCE) for _ in range(3))  # the tick of the first is over
    assert log.lines() == ["deciding: 0 s"]


def test_a_stage_is_reported_in_minutes_while_it_runs_as_when_it_ends() -> None:
    view = View("committing", None, 70.4, StageProgress())
    assert (view.facts(), view.ending()) == (["1 min 10 s"], "committing: 1 min 10 s")


def test_a_terminal_that_is_closed_ends_no_run(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    screen, terminal = os.openpty()
    monkeypatch.setenv(module.TERMINAL_VARIABLE, os.ttyname(terminal))
    with Progress() as progress:
        with progress.stage("deciding", None):
            progress.note("before")
            shown = b""
            while b"before" not in shown:
                shown += os.read(screen, 65536)
            os.close(terminal)
            os.close(screen)
            progress.note("after")
        assert not progress._ended.wait(2 * module._LIVE_INTERVAL) and progress._thread.is_alive()
    assert "Traceback" not in capsys.readouterr().err
