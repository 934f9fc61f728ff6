"""`jobs/evolve.py`: brings a population to the number of generations that the configuration asks for."""

import shlex
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer
from pyspark.sql import Row, SparkSession
from rich.console import Console

from genetic_udfs import evolution
from genetic_udfs.commands.ending import hear_signals, stop_requested, winding_up
from genetic_udfs.config import Config
from genetic_udfs.config_file import load_config
from genetic_udfs.decontaminate import Item, check_seeds_are_clean, check_test_sets
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.preflight import preflight
from genetic_udfs.report.progress import Progress
from genetic_udfs.report.summary import print_summary
from genetic_udfs.run import Run
from genetic_udfs.seeds import Seed
from genetic_udfs.session import open_session
from genetic_udfs.store.ledger import Ledger
from genetic_udfs.store.runs import begin_run, check_same_settings, end_run
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store
from genetic_udfs.verdicts import check_tier, sandbox_error_in

ConfigArgument = Annotated[Path, typer.Argument(help="YAML file, such as conf/local.yaml")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="overrides a key: seed=7")]


def evolve(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Evolve a population of instruction/solution pairs; running it again goes on where it stopped."""
    settings = load_config(config, overrides or [])
    seeds, items = preflight(settings), check_test_sets(settings)
    check_seeds_are_clean(seeds, items)
    spark = open_session(settings, "genetic-udfs evolve")
    hear_signals()
    try:
        with Progress(spark.conf.get("spark.driver.host") or "127.0.0.1") as progress:
            generations = record(new_run(spark, settings, progress), seeds, items)
        print_summary(Console(width=120, highlight=False), generations, settings.store, _sql_command(config, overrides))
    finally:
        spark.stop()


def new_run(spark: SparkSession, config: Config, progress: Progress) -> Run:
    """Put together what a run's stages share."""
    run_id = uuid.uuid4().hex[:12]
    store = Store(spark, config.store)
    scratch = Scratch(spark, f"{config.store}/_scratch/{run_id}")
    return Run(
        spark=spark,
        config=config,
        id=run_id,
        store=store,
        scratch=scratch,
        ledger=Ledger(store, scratch, run_id, config.ledger.wave_size),
        progress=progress,
    )


def record(run: Run, seeds: Sequence[Seed], items: Sequence[Item]) -> list[Row]:
    """Evolve, with the run's beginning and end in `runs`; return the rows of `generations`.

    Raises:
        ConfigurationError: if the store was begun with other settings.
        EngineError: if an engine cannot serve; what was answered until then is in the ledger.
        SandboxError: if code is to be run, and `sandbox.least_tier` is not reached.
    """
    run.progress.note(f"run {run.id} in {run.store.root}")
    check_same_settings(run.store, run.config, seeds)
    begin_run(run.store, run.config, seeds, run.id)
    try:
        if run.config.runs_code:
            check_tier(run.spark, run.config.sandbox)
        generations = evolution.evolve(run, seeds, items)
    except Exception as error:
        winding_up.set()
        if stop_requested.is_set():
            end_run(run.store, run.id, "stopped")
            raise
        known = engine_error_in(error) or sandbox_error_in(error)
        end_run(run.store, run.id, f"failed: {known or type(error).__name__}")
        if known is not None:
            raise known from None
        raise
    finally:
        run.scratch.clear()
    winding_up.set()
    end_run(run.store, run.id, "finished")
    return generations


def _sql_command(config: Path, overrides: list[str] | None) -> str:
    words = [
        "./spark-submit.sh",
        "jobs/sql.py",
        str(config),
        *(w for o in overrides or [] for w in ("--set", o)),
    ]
    return shlex.join(words)
