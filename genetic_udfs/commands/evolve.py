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
from genetic_udfs.commands.ending import hear_signals
from genetic_udfs.config import Config
from genetic_udfs.config_file import load_config
from genetic_udfs.decontaminate import Item, check_seeds_are_clean, check_test_sets
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.preflight import preflight
from genetic_udfs.report.progress import Progress
from genetic_udfs.report.summary import print_summary
from genetic_udfs.run import Run
from genetic_udfs.schema import CANDIDATES, REPLIES
from genetic_udfs.seeds import Seed
from genetic_udfs.session import open_session
from genetic_udfs.stopping import stop_requested, winding_up
from genetic_udfs.store.epochs import Epochs
from genetic_udfs.store.lease import LEASE_FOLDER, Lease
from genetic_udfs.store.ledger import Ledger
from genetic_udfs.store.runs import begin_run, check_same_settings, end_run
from genetic_udfs.store.schema_version import bring_up_to_date
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

ConfigArgument = Annotated[Path, typer.Argument(help="YAML file, such as conf/local.yaml")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="overrides a key: seed=7")]


TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="take the store's lease from the process that has it, which then stops")
]


def evolve(config: ConfigArgument, overrides: SetOption = None, take_over: TakeOverOption = False) -> None:
    """Evolve a population of instruction/solution pairs; running it again goes on where it stopped."""
    settings = load_config(config, overrides or [])
    seeds, items = preflight(settings), check_test_sets(settings)
    check_seeds_are_clean(seeds, items)
    spark = open_session(settings, "genetic-udfs evolve")
    hear_signals(settings.ledger.stop_within)
    try:
        with Progress(spark.conf.get("spark.driver.host") or "127.0.0.1") as progress:
            generations = record(new_run(spark, settings, progress), seeds, items, take_over=take_over)
        print_summary(Console(width=120, highlight=False), generations, settings.store, _sql_command(config, overrides))
    finally:
        spark.stop()


def new_run(spark: SparkSession, config: Config, progress: Progress) -> Run:
    """Put together what a run's stages share."""
    run_id = uuid.uuid4().hex[:12]
    lease = Lease(Epochs(spark, f"{config.store}/{LEASE_FOLDER}"), run_id)
    store = Store(spark, config.store, lease.check)
    scratch = Scratch(spark, f"{config.store}/_scratch/{run_id}")
    return Run(
        spark=spark,
        config=config,
        id=run_id,
        store=store,
        lease=lease,
        scratch=scratch,
        ledger=Ledger(store, scratch, run_id, config.ledger.wave_size),
        progress=progress,
    )


def record(run: Run, seeds: Sequence[Seed], items: Sequence[Item], *, take_over: bool = False) -> list[Row]:
    """Evolve, with the run's beginning and end in `runs`; return the rows of `generations`.

    Args:
        run: the run.
        seeds: generation 0.
        items: the test sets.
        take_over: take the store from another run that writes to it.

    Raises:
        ConfigurationError: if the store was begun with other settings.
        LeaseError: if another run writes to the store.
        EngineError: if an engine cannot serve; what was answered until then is in the ledger.
    """
    run.progress.note(f"run {run.id} in {run.store.root}")
    with run.lease.held(take_over=take_over, tell=run.progress.note):
        if run.lease.was_abandoned:
            for table in (REPLIES, CANDIDATES):
                run.store.fence(table, run.id)
            run.scratch.sweep()
        bring_up_to_date(run.store)
        check_same_settings(run.store, run.config, seeds)
        begin_run(run.store, run.config, seeds, run.id)
        try:
            generations = evolution.evolve(run, seeds, items)
        except Exception as error:
            raise _ended_early(run, error) from None
        finally:
            run.scratch.clear()
        winding_up.set()
        end_run(run.store, run.id, "finished")
    return generations


def _ended_early(run: Run, error: Exception) -> Exception:
    """Write how a run ended; return what to raise."""
    winding_up.set()
    run.lease.check()
    if stop_requested.is_set():
        end_run(run.store, run.id, "stopped")
        return error
    known = engine_error_in(error)
    end_run(run.store, run.id, f"failed: {known or type(error).__name__}")
    return known or error


def _sql_command(config: Path, overrides: list[str] | None) -> str:
    words = [
        "./spark-submit.sh",
        "jobs/sql.py",
        str(config),
        *(w for o in overrides or [] for w in ("--set", o)),
    ]
    return shlex.join(words)
