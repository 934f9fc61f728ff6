"""The summary at the end of a run."""

from collections.abc import Callable, Sequence
from typing import Final

from pyspark.sql import Row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.reporting.amounts import format_money, format_number, format_total, money_of, share
from genetic_udfs.store.location import schema_of

_QUERY: Final = "SELECT generation, operator, count(*) AS pairs, avg(fitness) FROM population GROUP BY ALL ORDER BY ALL"


def print_summary(console: Console, generations: Sequence[Row], store: str, command: str) -> None:
    """Print, for each generation, candidates, reasons and costs; then where the tables are and what to try next.

    Args:
        console: where to print.
        generations: rows of `generations`, in order.
        store: the store's root.
        command: the command that runs SQL on the store, without the query.
    """
    console.print(_counts(generations))
    console.print(_costs(generations))
    for row in generations:
        if row["shortfall"] > 0:
            console.print(
                Text(
                    f"Generation {row['generation']} fell short by {row['shortfall']} in {row['rounds']} rounds of"
                    f" {row['asked']} candidates: raise max_rounds or max_candidates, whichever it reached, or look at"
                    " the reasons above.",
                    style="yellow",
                )
            )
    schema = schema_of(store)
    first = f"{store}/population" if schema is None else f"{schema}.population"
    console.print(Text(f"Tables: {first}, candidates, replies, generations, runs"), soft_wrap=True)
    console.print(Text(f'Try: {command} "{_QUERY}"'), soft_wrap=True)


def _counts(generations: Sequence[Row]) -> Table:
    reasons = sorted({reason for row in generations for reason in row["reasons"]})
    table = Table(title="Candidates", title_justify="left")
    table.add_column("")
    for row in generations:
        table.add_column(f"generation {row['generation']}", justify="right")
    table.add_row("asked", *(str(row["asked"]) for row in generations))
    table.add_row("accepted", *(str(row["accepted"]) for row in generations))
    for reason in reasons:
        table.add_row(f"  {reason}", *(_part(row["reasons"].get(reason, 0), row["asked"]) for row in generations))
    table.add_row("acceptance", *(share(row["accepted"], row["asked"]) for row in generations))
    if any(row["audit"] for row in generations):
        table.add_row("audit", *(_audit(row["audit"]) for row in generations))
    if any(row["judge"] for row in generations):
        table.add_row("judge and tests", *(_judge(row["judge"]) for row in generations))
    for name, cell in _DIVERSITY.items():
        cells = [cell(row["diversity"]) if row["diversity"] else "-" for row in generations]
        if any(text != "-" for text in cells):
            table.add_row(name, *cells)
    table.add_row("rounds", *(str(row["rounds"]) for row in generations))
    table.add_row("population", *(str(row["population_size"]) for row in generations))
    table.add_row("seconds", *(f"{row['seconds']:.0f}" for row in generations))
    return table


def _costs(generations: Sequence[Row]) -> Table:
    table = Table(title="Replies", title_justify="left")
    for heading in (
        "generation",
        "role",
        "requests",
        "errors",
        "prompt tokens",
        "output tokens",
        "output tokens/s",
        "running",
    ):
        table.add_column(heading, justify="left" if heading == "role" else "right")
    total = format_total(money_of(cost) for row in generations for cost in row["costs"] if cost["requests"])
    if total is not None:
        table.add_column("cost", justify="right", no_wrap=True)
    for row in generations:
        for cost in row["costs"]:
            speed = cost["completion_tokens"] / cost["seconds"] if cost["seconds"] else 0.0
            table.add_row(
                str(row["generation"]),
                cost["role"],
                *(str(cost[key]) for key in ("requests", "errors", "prompt_tokens", "completion_tokens")),
                f"{speed:.0f}",
                _running([stage for stage in row["engines"] or [] if stage["role"] == cost["role"]]),
                *([] if total is None else [format_money(money_of(cost))]),
            )
    if total is not None:
        table.add_section()
        table.add_row("", "all", *[""] * 6, total)
    return table


def _running(stages: Sequence[Row]) -> str:
    """Return how many requests the engines of a role worked on at once, of how many they could, over its rounds."""
    seconds = sum(stage["seconds"] for stage in stages)
    if not seconds:
        return "-"
    running = sum(stage["running"] * stage["seconds"] for stage in stages) / seconds
    return f"{running:.0f} of {max(stage['max_num_seqs'] for stage in stages)}"


def _audit(audit: Row | None) -> str:
    """Return how many near-duplicate pairs of the audit's sample were found."""
    if audit is None:
        return "-"
    return f"{audit['caught']} of {audit['pairs']} pairs" if audit["pairs"] else "no pairs"


def _judge(judge: Row | None) -> str:
    """Return what the Judge and tests said of solutions, and kappa where the Judge said both Yes and No."""
    if judge is None:
        return "-"
    agreed = judge["yes_passed"] + judge["no_failed"]
    lines = [
        f"{agreed} of {agreed + judge['yes_failed'] + judge['no_passed']} agree",
        f"Yes: {judge['yes_passed']} passed, {judge['yes_failed']} failed",
        f"No: {judge['no_passed']} passed, {judge['no_failed']} failed",
    ]
    figures = (("kappa", judge["kappa"]), ("Brier", judge["brier"]))
    lines += [f"{name} {value:.2f}" for name, value in figures if value is not None]
    return "\n".join(lines)


def _distance(found: Row | None) -> str:
    """Return a mean distance with the half of its interval, and the 5th percentile."""
    if found is None:
        return "-"
    return f"{found['mean']:.3f} ± {(found['high'] - found['low']) / 2:.3f}, p5 {found['p5']:.3f}"


def _share(share: float | None, low: float | None, high: float | None) -> str:
    """Return a share with the half of its interval, where it has one."""
    said = format_number(share, ".1%")
    return said if low is None or high is None else f"{said} ± {(high - low) / 2:.1%}"


# What is said of `generations.diversity`, by the heading of its line.
_DIVERSITY: Final[dict[str, Callable[[Row], str]]] = {
    "distinct 3-grams": lambda found: _share(found["distinct_3"], found["distinct_3_low"], found["distinct_3_high"]),
    "nearest other": lambda found: _distance(found["nearest_other"]),
    "nearest earlier": lambda found: _distance(found["nearest_earlier"]),
    "seeds' topics": lambda found: format_number(found["topics"], ".0%"),
    "Gini of offspring": lambda found: format_number(found["gini"], ".2f"),
    "lineages, bits": lambda found: format_number(found["lineage_entropy"], ".1f"),
}


def _part(count: int, asked: int) -> str:
    return f"{count} ({share(count, asked)})" if count else "0"
