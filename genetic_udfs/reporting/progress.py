"""Progress of the stage under way: a live display on a terminal, plain lines in a log.

Feeders tell how far they are (engine/progress.py); this file only shows it.
"""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self, TextIO, cast

from rich.console import Console
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from genetic_udfs.config import Price
from genetic_udfs.data.text import printable
from genetic_udfs.engine.progress import ProgressAddress, ProgressListener, StageProgress
from genetic_udfs.engine.utilization import EngineUtilization
from genetic_udfs.reporting.amounts import duration
from genetic_udfs.runtime.session import named_jobs

# Spark pipes the driver's output, so spark-submit.sh says where the terminal is if there is one.
TERMINAL_VARIABLE: Final = "GENETIC_UDFS_TERMINAL"
_WINDOWS_TO_JUDGE: Final = 4  # a stage of fewer is mostly ramp and tail
_MORE_FEEDERS: Final = "give it more feeders (engines.NAME.feeders, spark.executor.cores)"
_LIVE_INTERVAL: Final = 0.5
_LOG_INTERVAL: Final = 10.0
_YOUNG: Final = 5.0  # seconds in which a log says nothing of a stage but its end

Watch = Callable[[Callable[[str], None], threading.Event], None]
"""Looks at something in a thread of its own, and says what has changed, until the event."""

# Name, rows, when it began, what its tokens cost, what an hour of its engine costs.
_Stage = tuple[str, int | None, float, Price | None, float | None]


@dataclass(frozen=True)
class View:
    """What is known of a stage at a moment; `total` is None where a stage has no rows to count."""

    name: str
    total: int | None
    seconds: float
    reported: StageProgress
    price: Price | None = None
    hourly: float | None = None

    def facts(self) -> list[str]:
        """Return done of total, rates, time left, and what the engine says of itself, as far as known."""
        if self.total is None:
            facts = [duration(self.seconds)]
            done = self.reported.rows
        else:
            done = min(self.reported.rows, self.total)
            facts = [f"{done}/{self.total}"]
        if done:
            rate = done / self._working_seconds
            facts += self._rates(done)
            facts.append(f"{done} rows" if self.total is None else f"ETA {duration((self.total - done) / rate)}")
        if done:
            facts += self._costs
        if self.reported.errors:
            facts.append(f"{self.reported.errors} errors")
        if self.reported.engine is not None:
            running, *others = self.reported.engine.describe()
            facts += [f"{running}: give it more feeders" if self._is_underutilized() else running, *others]
        facts += self.reported.notes
        return facts if len(facts) > 1 or self.total is None else [*facts, f"{self.seconds:.0f} s"]

    @property
    def _costs(self) -> list[str]:
        """What the stage's tokens cost, and its engine while it is asked; nothing where no price is set."""
        if self.price is None and self.hourly is None:
            return []
        cost = (self.hourly or 0.0) * self._working_seconds / 3600
        if self.price is not None:
            cost += self.price.of(self.reported.prompt_tokens, self.reported.completion_tokens)
        return [f"cost {cost:.4g}"]

    @property
    def _working_seconds(self) -> float:
        """Time since there was an engine to ask: its start is not part of how fast it is."""
        return max(self.reported.seconds or self.seconds, 1e-3)

    def _rates(self, rows: int) -> list[str]:
        rate, tokens = rows / self._working_seconds, self.reported.completion_tokens / self._working_seconds
        rows_a_second = f"{rate:.2f} rows/s" if rate < 1 else f"{rate:.1f} rows/s"
        return [rows_a_second, f"{tokens:.0f} tokens/s"] if self._asks else [rows_a_second]

    @property
    def _asks(self) -> bool:
        """Whether the stage's rows are requests; where code is run they are not."""
        done = self.reported
        return done.prompt_tokens + done.completion_tokens + done.errors > 0 or done.engine is not None

    def _is_underutilized(self) -> bool:
        """Whether the engine has too little to do although there are many rows that were not sent."""
        engine, total = self.reported.engine, self.total or 0
        if engine is None or not self.reported.in_flight:
            return False
        unsent = total - self.reported.rows - self.reported.in_flight
        return unsent >= engine.max_num_seqs and engine.is_underutilized(engine.running_now)

    def ending(self) -> str:
        """Return what is said of a stage that is done."""
        if self.total is None:
            return f"{self.name}: {duration(self.seconds)}"
        if self.total == 0:
            return f"{self.name}: nothing to ask"
        rates = ", ".join(self._rates(self.total) + self._costs)
        done = f"{self.name}: {self.total} {'replies' if self._asks else 'rows'} in {duration(self.seconds)} ({rates})"
        engine = self.reported.engine
        if engine is None or self.total < _WINDOWS_TO_JUDGE * engine.max_num_seqs:
            return done
        used = f"{done}, {engine.running:.0f} of {engine.max_num_seqs} running on average"
        return f"{used}: {_MORE_FEEDERS}" if engine.is_underutilized(engine.running) else used


class _Terminal:
    """A terminal to write to; one that is closed takes what is written, since a run goes on to its end without it."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w")
        self.encoding = self._file.encoding

    def write(self, text: str) -> int:
        with suppress(OSError, ValueError):  # closed by the other side, or by this one
            return self._file.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError, ValueError):
            self._file.flush()

    def isatty(self) -> bool:
        return True

    def columns(self) -> int:
        with suppress(OSError):
            return os.get_terminal_size(self._file.fileno()).columns
        return 80

    def close(self) -> None:
        with suppress(OSError):
            self._file.close()


class Progress:
    """Shows one stage at a time; use it as a context manager around a run."""

    def __init__(self, host: str = "127.0.0.1", *, in_log: bool = True, watch: Watch | None = None) -> None:
        """Listen on the driver's address `host`, which the executors can reach; what `watch` says is noted.

        Where there is no terminal, lines go to the log, unless `in_log` says no: Spark pipes the driver's stderr into
        its stdout, where they would stand among rows meant for another program.
        """
        self._in_log = in_log
        terminal = os.environ.get(TERMINAL_VARIABLE)
        self._terminal = _Terminal(Path(terminal)) if terminal else None
        self.console = Console(file=cast(TextIO, self._terminal or sys.stderr), highlight=False, soft_wrap=True)
        self._listener = ProgressListener(host)
        self._lock = threading.Lock()
        self._stage: _Stage | None = None
        self._noted = 0
        self._last_tick: str | None = None  # the stage's latest line in a log, but that of its end
        self._ended = threading.Event()
        self._live = Live(console=self.console, auto_refresh=False, transient=True) if self._terminal else None
        self._thread = threading.Thread(target=self._show, name="progress", daemon=True)
        self._watch = watch

    @property
    def address(self) -> ProgressAddress:
        """Where feeders send their progress."""
        return self._listener.address

    def __enter__(self) -> Self:
        """Begin to show."""
        self._listener.__enter__()
        if self._live:
            self._live.start()
        self._thread.start()
        if self._watch and (self._terminal or self._in_log):
            threading.Thread(target=self._watch, args=[self.note, self._ended], name="watch", daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop showing."""
        self._ended.set()
        self._thread.join()
        self._note_notices()
        if self._live:
            self._live.stop()
        self._listener.__exit__(kind, error, trace)
        if self._terminal:
            self._terminal.close()

    def all_failed(self, stage: str) -> bool:
        """Whether nothing was heard of a stage but errors."""
        heard = self._listener.snapshot().get(stage, StageProgress())
        return heard.errors == heard.rows

    def engine_utilization(self, stage: str) -> EngineUtilization | None:
        """Return what the engine said of itself during a stage; None when nothing was heard."""
        return self._listener.snapshot().get(stage, StageProgress()).engine

    def note(self, text: str) -> None:
        """Say something that stays."""
        self.console.print(Text(f"[{time.strftime('%H:%M:%S')}] {printable(text)}"))

    def _note_notices(self) -> None:
        for notice in self._listener.notices()[self._noted :]:
            self._noted += 1
            self.note(notice)

    @contextmanager
    def stage(
        self, name: str, total: int | None, *, price: Price | None = None, hourly: float | None = None
    ) -> Iterator[str]:
        """Show a stage while the body runs, and what it came to; gives the name under which its feeders report.

        With a `price`, or what an hour of its engine costs, its costs are shown, too.
        """
        with self.watching(name, total, price=price, hourly=hourly):
            yield name
            with self._lock:
                stage, self._stage = self._stage, None  # a tick that is under way says nothing any more
            if stage and (ending := self._view(stage).ending()) != self._last_tick:
                self.note(ending)

    @contextmanager
    def watching(
        self, name: str, total: int | None = None, *, price: Price | None = None, hourly: float | None = None
    ) -> Iterator[str]:
        """Show a stage while the body runs, as `stage` does, and nothing of it afterwards."""
        with self._lock:
            self._stage = (name, total, time.monotonic(), price, hourly)
            self._last_tick = None
        try:
            with named_jobs(name):
                yield name
        finally:
            with self._lock:
                self._stage = None

    def _view(self, stage: _Stage) -> View:
        name, total, started, price, hourly = stage
        seconds = max(time.monotonic() - started, 1e-3)
        return View(name, total, seconds, self._listener.snapshot().get(name, StageProgress()), price, hourly)

    def _show(self) -> None:
        interval = _LIVE_INTERVAL if self._live else _LOG_INTERVAL
        while not self._ended.wait(interval):
            with self._lock:
                stage = self._stage
            view = self._view(stage) if stage else None
            self._note_notices()
            if self._terminal:
                # rich looks at stdin and stdout, which are pipes under Spark; a window may be resized at any time.
                self.console.width = self._terminal.columns()
            if self._live:
                self._live.update(_rendered(view) if view else Text(""), refresh=True)
            elif stage and view and self._in_log and view.seconds >= _YOUNG:
                self._log(stage, f"{view.name}: {', '.join(view.facts())}")

    def _log(self, stage: _Stage, line: str) -> None:
        """Say how far a stage is, unless it has ended since it was looked at."""
        with self._lock:
            if self._stage is stage:
                self._last_tick = line
                self.note(line)


def _rendered(view: View) -> Table:
    row = Table.grid(padding=(0, 1))
    bar = ProgressBar(total=view.total or None, completed=view.reported.rows, width=24, pulse=not view.total)
    row.add_row(Text(view.name, style="bold"), bar, Text("  ".join(view.facts())))
    return row
