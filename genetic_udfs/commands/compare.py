"""`jobs/compare.py`: prints two stores side by side."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, TextIO

from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import from_working_directory, load_config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.amounts import share
from genetic_udfs.reporting.comparison import Overlap, StoreSummary, overlap, summarize_store
from genetic_udfs.store.tables import Store

_CONFIGURATIONS: Final = (".yaml", ".yml")


def compare(config: Path, other: str, overrides: list[str] | None = None) -> None:
    """Print the stores of two configurations side by side; Spark settings and --set apply to the first."""
    settings = load_config(config, overrides or [])
    there = other_store(config, settings.store, other)
    with job_session(settings, "compare") as spark:
        stores = Store(spark, settings.store), Store(spark, there)
        a, b = summarize_store(stores[0]), summarize_store(stores[1])
        print_comparison(a, b, overlap(*stores, (a.generations, b.generations)), sys.stdout)


def other_store(config: Path, store: str, other: str) -> str:
    """Return the store that a YAML file, or the name of a store itself, stands for; it must be another.

    Args:
        config: the file that names the first store.
        store: the first store.
        other: the YAML file or the name.

    Raises:
        ConfigurationError: if both are one store.
    """
    there = load_config(other).store if other.endswith(_CONFIGURATIONS) else from_working_directory(other)
    if there.rstrip("/") == store.rstrip("/"):
        raise ConfigurationError(f"{config} and {other}: both name the store {there}; give another one for one of them")
    return there


def print_comparison(one: StoreSummary, other: StoreSummary, common: Overlap, out: TextIO) -> None:
    """Print what is known of two stores, and of what they share."""
    console, both = Console(file=out, width=140, highlight=False), (one, other)
    for letter, store in zip("AB", both, strict=True):
        console.print(Text(f"{letter}: {store.root}"), soft_wrap=True)
    table = Table()
    for heading in ("", "A", "B"):
        table.add_column(heading, justify="right" if heading else "left")
    for row in _figures(one, other):
        if row:
            table.add_row(*row)
        else:
            table.add_section()
    console.print(table)
    console.print(_in_common(one, other, common), soft_wrap=True)


def comparison_rows(one: StoreSummary, other: StoreSummary, common: Overlap) -> list[tuple[str, str, str]]:
    """Return what is known of two stores and of what they share, as rows of a table."""
    shared = ("seeds in both", common.seeds, common.seeds), ("pairs in both", common.pairs, common.pairs)
    return [*filter(None, _figures(one, other)), *((name, f"{a:,}", f"{b:,}") for name, a, b in shared)]


def _figures(one: StoreSummary, other: StoreSummary) -> Iterator[tuple[str, str, str] | None]:
    """Give rows of what is known of two stores; None between groups of them."""

    def row(name: str, figure: Callable[[StoreSummary], str]) -> tuple[str, str, str]:
        return name, figure(one), figure(other)

    for name in ("generations", "seeds", "pairs", "candidates", "accepted"):
        yield name, f"{getattr(one, name):,}", f"{getattr(other, name):,}"
    yield row("acceptance", lambda store: share(store.accepted, store.candidates))
    yield row("mean fitness", lambda store: "-" if store.fitness is None else f"{store.fitness:.3f}")
    yield None
    for reason in sorted(one.reasons.keys() | other.reasons.keys()):
        counts = ((store, store.reasons.get(reason, 0)) for store in (one, other))
        first, second = (f"{n:,} ({share(n, store.candidates)})" for store, n in counts)
        yield f"rejected: {reason}", first, second
    yield None
    for name in sorted(one.operators.keys() | other.operators.keys()):
        asked = (store.operators.get(name, (0, 0)) for store in (one, other))
        first, second = (f"{share(n, all_)} of {all_:,}" for all_, n in asked)
        yield f"acceptance of {name}", first, second
    yield None
    yield row("tokens for each accepted pair", lambda store: _each(store.tokens, store.accepted))
    yield row("request seconds for each", lambda store: _each(store.request_seconds, store.accepted))


def _in_common(one: StoreSummary, other: StoreSummary, common: Overlap) -> str:
    return (
        f"In both, by content_hash: {common.seeds:,} seeds, {common.pairs:,} pairs"
        f" ({share(common.pairs, one.pairs)} of A's, {share(common.pairs, other.pairs)} of B's);"
        f" {common.same_ids:,} pairs have the same id"
    )


def _each(total: float, number: int) -> str:
    return f"{total / number:,.1f}" if number else "-"
