"""`jobs/evolve.py --preview`: one small round in a scratch store that is removed, and what a whole run will take."""

from pathlib import Path
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.evolve import Inputs, checked_inputs, evolve_with
from genetic_udfs.commands.output_table import removed
from genetic_udfs.commands.session import job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.engine.stage import gpus_in_all
from genetic_udfs.evolution.forecast import Forecast, RoleEngine, RoleForecast, RoleSeen, Seen, forecast
from genetic_udfs.reporting.amounts import counted, format_money
from genetic_udfs.reporting.preview import Candidate, candidates_of, print_candidates
from genetic_udfs.store.costs import by_stage
from genetic_udfs.store.location import resolve_path
from genetic_udfs.store.row_bytes import row_bytes
from genetic_udfs.store.schema import CANDIDATES, DEDUP_INDEX, EMBEDDINGS, OVER_QUOTA, POPULATION, REJUDGE, REPLIES
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import SCHEMAS, Store

# Tables that grow with accepted pairs; candidates and replies do with slots, others hardly.
_OF_PAIRS: Final = (POPULATION, DEDUP_INDEX, EMBEDDINGS)


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
    round_: dict[str, int | None] = {"generations": 1, "colonies": 1, "samples_per_generation": slots, "max_rounds": 1}
    round_ |= {"max_candidates": None, "budget": None}
    settings = config.model_copy(update={"store": scratch.root, **round_})
    with removed(scratch):
        evolve_with(spark, settings, inputs, take_over=False)
        store = Store(spark, scratch.root)
        rows = store.read(CANDIDATES).orderBy("slot", "item", "solution").collect()
        instructions = {
            row["id"]: row["instruction"] for row in store.read(POPULATION).select("id", "instruction").collect()
        }
        return candidates_of(rows, instructions), seen_in(store, 1, slots)


def seen_in(store: Store, last: int, slots: int) -> Seen:
    """Return what the generations of a store took, up to the last one given."""
    candidates = store.read(CANDIDATES).filter(F.col("generation") <= last)
    reasons = {row["reason"]: row["count"] for row in candidates.groupBy("reason").count().collect()}
    accepted = reasons.get(None, 0)
    size = {table: _bytes(store, table, last) for table in (CANDIDATES, REPLIES, *_OF_PAIRS)}
    return Seen(
        slots=slots,
        candidates=sum(reasons.values()),
        passed=accepted + reasons.get(OVER_QUOTA, 0),
        roles=roles_seen(store, last),
        row_bytes=size[CANDIDATES][1] + size[REPLIES][1],
        pair_bytes=sum(size[table][1] for table in _OF_PAIRS) / accepted if accepted else 0.0,
        seed_bytes=sum(size[table][0] for table in _OF_PAIRS),
        gpus=gpus_in_all(store.spark),
    )


def roles_seen(store: Store, last: int) -> dict[RoleEngine, RoleSeen]:
    """Return what each role took of each engine in the generations up to the last one given."""
    summed = ("requests", "prompt_tokens", "completion_tokens", "seconds")
    stages = by_stage(_replies(store, last)).groupBy("role", "engine")
    totals = stages.agg(*(F.coalesce(F.sum(each), F.lit(0)) for each in summed)).orderBy("role", "engine")
    return {(role, engine): RoleSeen(*taken) for role, engine, *taken in totals.collect()}


def _replies(store: Store, last: int) -> DataFrame:
    replies = store.read_complete(REPLIES)
    return replies.filter((F.col("generation") <= last) & (F.col("role") != REJUDGE))


def _bytes(store: Store, table: str, last: int) -> tuple[int, int]:
    """Return the bytes of a table's rows before compression: those of the seeds, and those of later generations."""
    rows = _replies(store, last) if table == REPLIES else store.read_complete(table).filter(F.col("generation") <= last)
    size, is_seed = row_bytes(SCHEMAS[table]), F.col("generation") == 0
    (found,) = rows.agg(F.sum(F.when(is_seed, size)), F.sum(F.when(~is_seed, size))).collect()
    return found[0] or 0, found[1] or 0


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
            f"None of {counted(seen.candidates, 'candidate')} of {counted(seen.slots, 'slot')} passed, so there is no"
            " forecast: the reasons why they were rejected say what to change, or more slots are needed."
        )
        return
    console.print(_forecast_table(found, tokens_per_second))
    lines = [
        f"For {found.accepted:,} of {counted(found.wanted, 'pair')} in {counted(generations, 'generation')}, with"
        f" {counted(found.slots, 'slot')} and {found.row_bytes / 1e6:,.1f} MB of rows in the store. Nine times in ten"
        f" it is {found.low:,} to {found.high:,} slots, and all else in proportion.",
        f"It assumes that candidates pass as they did so far ({seen.passed} of {seen.candidates}, from"
        f" {counted(seen.slots, 'slot')}), which near-duplicates make rarer as the population grows. Hours are at the"
        " tokens/s seen, which are few where requests are few.",
        "Rows are counted as they were measured: texts, thoughts, tests, numbers and what is kept to find duplicates,"
        " before Delta compresses them, and without its log.",
    ]
    if tokens_per_second and found.money is not None:
        lines.append(f"What costs by the hour is reckoned at {tokens_per_second:,.0f} tokens/s.")
    console.print(Text("\n".join(lines)), soft_wrap=True)


def _forecast_table(found: Forecast, tokens_per_second: float | None) -> Table:
    table = Table(title="Forecast", title_justify="left")
    headings = ["role", "engine", "requests", "prompt tokens", "output tokens", "hours as seen"]
    if tokens_per_second:
        headings.append(f"at {tokens_per_second:,.0f} tokens/s")
    if found.money is not None:
        headings.append("cost")
    for heading in headings:
        table.add_column(heading, justify="left" if heading in {"role", "engine"} else "right")
    for names, role in found.roles.items():
        counts = (role.requests, role.prompt_tokens, role.completion_tokens)
        table.add_row(*map(Text, names), *map("{:,}".format, counts), *_times_and_cost(found, role))
    table.add_section()
    roles = found.roles.values()
    sums = (
        sum(role.requests for role in roles),
        sum(role.prompt_tokens for role in roles),
        sum(role.completion_tokens for role in roles),
    )
    table.add_row("all", "", *map("{:,}".format, sums), *_times_and_cost(found, found))
    return table


def _times_and_cost(found: Forecast, part: Forecast | RoleForecast) -> list[str]:
    given = [] if part.given_seconds is None else [f"{part.given_seconds / 3600:,.2f}"]
    cost = [] if found.money is None else [format_money(part.money)]
    return [f"{part.seconds / 3600:,.2f}", *given, *cost]
