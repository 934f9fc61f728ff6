"""`jobs/history.py`: prints the generations of a store with their versions and costs, and its runs."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.data.text import printable
from genetic_udfs.reporting.amounts import format_total, money_of
from genetic_udfs.reporting.history import Generation, Start, generations, starts
from genetic_udfs.store.tables import Store

_NUMBERS: Final = ("asked", "accepted", "shortfall", "population_size")
_NAMED: Final = 3  # of the files that are gone


def history(config: Path, overrides: list[str] | None = None) -> None:
    """Print generations with their versions, counts and costs, and what changed between the runs."""
    settings = load_config(config, overrides or [])
    with job_session(settings, "history") as spark:
        store = Store(spark, settings.store)
        print_history(generations(store), starts(store), sys.stdout)


def print_history(generations: Sequence[Generation], starts: Sequence[Start], out: TextIO) -> None:
    """Print both, then what cannot be read any more, then how the last generation but one is read."""
    console = Console(file=out, width=170, highlight=False)
    console.print(_table(generations))
    for number, start in enumerate(starts, start=1):
        row = start.row
        origin = row.asDict().get("forked_from")
        of = "" if origin is None else f" of {origin}"
        line = f"Run {number}{of}: {row['run_id']}, started {row['started_at']}, {row['outcome']}"
        console.print(Text(printable(line)))
        for key, (before, now) in start.changes.items():
            console.print(Text(f"  {key}: {_shown(before)} -> {_shown(now)}"))
    for generation in generations:
        if generation.warning is not None:
            console.print(Text(f"warning: {generation.warning}", style="yellow"), soft_wrap=True)
    if lost := generations[-1].lost:
        files = ", ".join(lost[:_NAMED]) + (f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else "")
        message = f"the latest version of population cannot be read either, it lacks {files}; put it back from a backup"
        console.print(Text(f"warning: {message}", style="yellow"), soft_wrap=True)
    readable = [one for one in generations if one.missing == 0 and one.committed is not None]
    if readable:
        one = readable[max(0, len(readable) - 2)]
        for clause in (f"VERSION AS OF {one.row['population_version']}", f"TIMESTAMP AS OF '{one.committed}'"):
            text = f"Read generation {one.row['generation']}: SELECT * FROM population {clause}"
            console.print(Text(text), soft_wrap=True)


def _table(generations: Sequence[Generation]) -> Table:
    table = Table(title="Generations", title_justify="left")
    money = [format_total(money_of(cost) for cost in one.row["costs"] if cost["requests"]) for one in generations]
    priced = ["cost"] if any(money) else []
    for heading in (
        "generation",
        "version",
        "committed",
        *_NUMBERS,
        "tokens in",
        "tokens out",
        *priced,
        "seconds",
        "run",
    ):
        table.add_column(heading, justify="left" if heading in {"committed", "run"} else "right")
    for one, amount in zip(generations, money, strict=True):
        row = one.row
        tokens = (sum(cost[key] for cost in row["costs"]) for key in ("prompt_tokens", "completion_tokens"))
        table.add_row(
            str(row["generation"]),
            str(row["population_version"]) if one.missing == 0 else f"{row['population_version']} (gone)",
            (one.committed or "").partition(".")[0],
            *(f"{row[name]:,}" for name in _NUMBERS),
            *(f"{count:,}" for count in tokens),
            *([amount or "-"] if priced else []),
            f"{row['seconds']:.0f}",
            row["run_id"],
        )
    return table


def _shown(value: object) -> str:
    return "not set" if value is None else str(value)
