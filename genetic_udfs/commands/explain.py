"""`jobs/evolve.py --explain`: prints what a run will do and what is done already, and asks no model."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.evolve import checked_inputs
from genetic_udfs.commands.preview import print_forecast, seen_in
from genetic_udfs.commands.session import job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.decontamination import digests
from genetic_udfs.evolution.forecast import Seen
from genetic_udfs.evolution.plan import PlannedStage, stages_of, tables_of
from genetic_udfs.reporting.amounts import counted
from genetic_udfs.store.presence import refuse_lost_tables
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, REPLIES
from genetic_udfs.store.tables import SCHEMAS, Store


@dataclass(frozen=True)
class RunState:
    """What a store has: the last finished generation, replies to the one after it, its tables; and what it took so far.

    What a generation under way has taken is not in `seen`.
    """

    generation: int | None
    under_way: int
    tables: Sequence[str]
    seen: Seen | None


def explain(config: Path, overrides: list[str] | None = None, *, tokens_per_second: float | None = None) -> None:
    """Print the plan of a run: stages, engines, tables, what is done; what the rest will take, if some is done."""
    settings = load_config(config, overrides or [])
    inputs = checked_inputs(settings, None)
    stages = stages_of(settings, [f"{name} ({what})" for name, what in digests(inputs.items).items()])
    console = Console(width=120, highlight=False)
    with job_session(settings, "explain") as spark:
        done = state_of(Store(spark, settings.store))
    print_plan(console, settings, len(inputs.seeds), stages, done)
    left = settings.generations - (done.generation or 0)
    if done.seen is not None and left > 0:
        print_forecast(console, settings, done.seen, left, tokens_per_second, goes_on=True)


def state_of(store: Store) -> RunState:
    """Return what a store has; one that is not there yet has nothing.

    Raises:
        StoreError: if a whole table is lost.
    """
    refuse_lost_tables(store)
    tables = [table for table in SCHEMAS if store.exists(table)]
    rows = store.read(GENERATIONS).orderBy("generation").collect()
    if not rows:
        return RunState(None, 0, tables, None)
    last = rows[-1]["generation"]
    under_way = store.read(REPLIES).filter(F.col("generation") > last).count()
    if not last:
        return RunState(last, under_way, tables, None)
    candidates = store.read(CANDIDATES).filter(F.col("generation") <= last)
    slots = candidates.select("generation", "round", "colony", "slot").distinct().count()
    return RunState(last, under_way, tables, seen_in(store, last, slots))


def print_plan(console: Console, config: Config, seeds: int, stages: Sequence[PlannedStage], done: RunState) -> None:
    """Print the stages of a round, the engines that they ask, and where a run is."""
    lines = Text(
        f"{counted(config.generations, 'generation')} of {counted(config.samples_per_generation, 'pair')} from"
        f" {counted(seeds, 'seed')}, in {config.store}"
    )
    console.print(lines, soft_wrap=True)
    table = Table(title="A round", title_justify="left")
    for heading in ("", "stage", "with", "engine"):
        table.add_column(heading, overflow="fold")
    for number, stage in enumerate(stages, start=1):
        table.add_row(str(number), Text(stage.name), Text(stage.does), Text(stage.engine or ""))
    console.print(table)
    engines = Table(title="Engines", title_justify="left")
    for heading in ("engine", "model", "where", "requests at once"):
        engines.add_column(heading, overflow="fold")
    for name, engine in config.used_engines().items():
        where = ", ".join(engine.urls) or ("vLLM here, asleep between its stages" if engine.sleep else "vLLM here")
        engines.add_row(*map(Text, (name, engine.model, where, f"{engine.max_num_seqs:,}")))
    console.print(engines)
    console.print(Text(format_state(config, done)), soft_wrap=True)


def format_state(config: Config, done: RunState) -> str:
    """Say what of a run is done."""
    lacking = [table for table in tables_of(config) if table not in done.tables]
    parts = [f"Tables: {', '.join(done.tables)}."] if done.tables else []
    if done.generation is not None and done.generation >= config.generations:
        return " ".join([f"All is done: generation {done.generation} of {config.generations}.", *parts])
    if lacking:
        parts.append(f"Tables that it will make: {', '.join(lacking)}.")
    if done.generation is None:
        return " ".join(["Nothing is done yet: it begins with the seeds.", *parts])
    if done.under_way:
        parts.insert(0, f"Replies to the one after it that are kept, and not asked for again: {done.under_way:,}.")
    return " ".join([f"Generation {done.generation} of {config.generations} is done.", *parts])
