"""`jobs/compare.py`: prints two stores side by side."""

import sys
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import from_working_directory, load_config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.comparison import Overlap, StoreSummary, overlap, summarize_store
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store

_CONFIGURATIONS: Final = (".yaml", ".yml")


def compare(config: Path, other: str, overrides: list[str] | None = None) -> None:
    """Print the stores of two configurations side by side; Spark settings and --set apply to the first."""
    settings = load_config(config, overrides or [])
    there = load_config(other).store if other.endswith(_CONFIGURATIONS) else from_working_directory(other)
    if there.rstrip("/") == settings.store.rstrip("/"):
        raise ConfigurationError(f"{config} and {other}: both name the store {there}; give another one for one of them")
    with job_session(settings, "compare") as spark, translate_table_errors():
        stores = Store(spark, settings.store), Store(spark, there)
        print_comparison(summarize_store(stores[0]), summarize_store(stores[1]), overlap(*stores), sys.stdout)


def print_comparison(one: StoreSummary, other: StoreSummary, common: Overlap, out: TextIO) -> None:
    """Print what is known of two stores, and of what they share."""
    console, both = Console(file=out, width=140, highlight=False), (one, other)
    for letter, store in zip("AB", both, strict=True):
        console.print(Text(f"{letter}: {store.root}"), soft_wrap=True)
    table = Table()
    for heading in ("", "A", "B"):
        table.add_column(heading, justify="right" if heading else "left")
    for name in ("generations", "seeds", "pairs", "candidates", "accepted"):
        table.add_row(name, *(f"{getattr(store, name):,}" for store in both))
    table.add_row("acceptance", *(_share(store.accepted, store.candidates) for store in both))
    table.add_row("mean fitness", *("-" if store.fitness is None else f"{store.fitness:.3f}" for store in both))
    table.add_section()
    for reason in sorted(one.reasons.keys() | other.reasons.keys()):
        counts = (store.reasons.get(reason, 0) for store in both)
        cells = (f"{n:,} ({_share(n, store.candidates)})" for n, store in zip(counts, both, strict=True))
        table.add_row(f"rejected: {reason}", *cells)
    table.add_section()
    for name in sorted(one.operators.keys() | other.operators.keys()):
        asked = (store.operators.get(name, (0, 0)) for store in both)
        table.add_row(f"acceptance of {name}", *(f"{_share(n, all_)} of {all_:,}" for all_, n in asked))
    table.add_section()
    table.add_row("tokens for each accepted pair", *(_each(store.tokens, store.accepted) for store in both))
    table.add_row("request seconds for each", *(_each(store.request_seconds, store.accepted) for store in both))
    console.print(table)
    console.print(
        f"In both, by content_hash: {common.seeds:,} seeds, {common.pairs:,} pairs"
        f" ({_share(common.pairs, one.pairs)} of A's, {_share(common.pairs, other.pairs)} of B's);"
        f" {common.same_ids:,} pairs have the same id",
        soft_wrap=True,
    )


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.0%}" if whole else "-"


def _each(total: float, number: int) -> str:
    return f"{total / number:,.1f}" if number else "-"
