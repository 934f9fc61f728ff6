"""`jobs/evolve.py --preview`: one small round in a scratch store that is removed, and what a whole run will take."""

from pathlib import Path
from typing import Final

from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.evolve import Inputs, checked_inputs, evolve_with
from genetic_udfs.commands.session import job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.engine.stage import gpus_in_all
from genetic_udfs.evolution.forecast import Forecast, Seen, forecast, seen_of
from genetic_udfs.reporting.amounts import format_money
from genetic_udfs.reporting.preview import Candidate, candidates_of, print_candidates
from genetic_udfs.runtime.session import file_system
from genetic_udfs.store.location import resolve_path
from genetic_udfs.store.schema import CANDIDATES, OVER_QUOTA, POPULATION, REPLIES
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

_TEXTS: Final = {CANDIDATES: ("instruction", "response", "code", "raw_reply"), REPLIES: ("text",)}


def preview(
    config: Path, slots: int, overrides: list[str] | None = None, *, tokens_per_second: float | None = None
) -> None:
    """Run one round of so many slots; print its candidates and a forecast of the whole run."""
    settings = load_config(config, overrides or [])
    inputs = checked_inputs(settings, None)
    with job_session(settings, "preview", settings.ledger.stop_within) as spark:
        candidates, seen = run_preview(spark, settings, inputs, slots)
    console = Console(width=120, highlight=False)
    print_candidates(console, candidates)
    print_forecast(console, settings, seen, settings.generations, tokens_per_second)


def run_preview(spark: SparkSession, config: Config, inputs: Inputs, slots: int) -> tuple[list[Candidate], Seen]:
    """Run a round from the seeds in a store of its own, which is removed; return its candidates, and what they took.

    Errors are those of `evolve_with`.
    """
    scratch = Scratch.beside(spark, f"{resolve_path(spark, config.store)}.preview")
    system, parent = file_system(spark, scratch.root.rpartition("/")[0])
    was_there = system.exists(parent)
    round_: dict[str, int | None] = {"generations": 1, "colonies": 1, "samples_per_generation": slots, "max_rounds": 1}
    round_ |= {"max_candidates": None, "budget": None}
    settings = config.model_copy(update={"store": scratch.root, **round_})
    try:
        (*_, made) = evolve_with(spark, settings, inputs, take_over=False)
        store = Store(spark, scratch.root)
        rows = store.read(CANDIDATES).orderBy("slot", "item", "solution").collect()
        instructions = {
            row["id"]: row["instruction"] for row in store.read(POPULATION).select("id", "instruction").collect()
        }
        return candidates_of(rows, instructions), seen_in(store, slots, made["costs"])
    finally:
        scratch.clear()
        if not was_there:
            system.delete(parent, False)


def seen_in(store: Store, slots: int, costs: list[dict[str, float]]) -> Seen:
    """Return what the candidates of a store took."""
    reasons = {row["reason"]: row["count"] for row in store.read(CANDIDATES).groupBy("reason").count().collect()}
    size = 0
    for table, texts in _TEXTS.items():
        total = sum((F.coalesce(F.octet_length(text), F.lit(0)) for text in texts), F.lit(0))
        size += store.read(table).agg(F.sum(total)).collect()[0][0] or 0
    return Seen(
        slots=slots,
        candidates=sum(reasons.values()),
        passed=reasons.get(None, 0) + reasons.get(OVER_QUOTA, 0),
        roles=seen_of(costs),
        text_bytes=size,
        gpus=gpus_in_all(store.spark),
    )


def print_forecast(
    console: Console,
    config: Config,
    seen: Seen,
    generations: int,
    tokens_per_second: float | None,
    *,
    goes_on: bool = False,
) -> None:
    """Print what so many generations will take, and what that assumes; arguments as those of `forecast`."""
    found = forecast(config, seen, generations, tokens_per_second, goes_on=goes_on)
    if found is None:
        console.print(
            f"None of {seen.candidates} candidates of {seen.slots} slots passed, so there is no forecast: the reasons"
            " above say what to change; or preview more slots."
        )
        return
    console.print(_forecast_table(found))
    speed = f"{tokens_per_second:,.0f} output tokens/s" if tokens_per_second else "the tokens/s seen, with few requests"
    lines = (
        f"For {found.accepted:,} of {found.wanted:,} pairs in {generations} generations, with {found.slots:,} slots and"
        f" {found.text_bytes / 1e6:,.1f} MB of text in the store before compression. Nine times in ten it is"
        f" {found.low:,} to {found.high:,} slots, and all else in proportion.",
        f"It assumes that candidates pass as they did so far ({seen.passed} of {seen.candidates}, from {seen.slots}"
        f" slots), which near-duplicates make rarer as the population grows, and {speed}.",
    )
    console.print(Text("\n".join(lines)), soft_wrap=True)


def _forecast_table(found: Forecast) -> Table:
    table = Table(title="Forecast", title_justify="left")
    for heading in ("role", "requests", "prompt tokens", "output tokens", "hours"):
        table.add_column(heading, justify="left" if heading == "role" else "right")
    if found.money is not None:
        table.add_column("cost", justify="right")
    for name, role in found.roles.items():
        counts = (role.requests, role.prompt_tokens, role.completion_tokens)
        table.add_row(
            name, *(f"{count:,}" for count in counts), f"{role.seconds / 3600:,.2f}", *_cost(found, role.money)
        )
    table.add_section()
    roles = found.roles.values()
    sums = (
        sum(role.requests for role in roles),
        sum(role.prompt_tokens for role in roles),
        sum(role.completion_tokens for role in roles),
    )
    table.add_row("all", *(f"{total:,}" for total in sums), f"{found.seconds / 3600:,.2f}", *_cost(found, found.money))
    return table


def _cost(found: Forecast, money: float | None) -> list[str]:
    return [] if found.money is None else [format_money(money)]
