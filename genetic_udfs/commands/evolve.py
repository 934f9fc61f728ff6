"""`jobs/evolve.py`: brings a population to the number of generations that the configuration asks for."""

import shlex
import sys
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Row, SparkSession
from rich.console import Console

from genetic_udfs.commands.checks.preflight import enough_parents, preflight
from genetic_udfs.commands.checks.storage import check_is_shared
from genetic_udfs.commands.checks.test_sets import check_seeds_are_clean, check_test_sets
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import PYTHON, Config
from genetic_udfs.config.file import load_config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.decontamination import BenchmarkItem, digests
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.errors import BudgetReached, GeneticUdfsError
from genetic_udfs.evolution import loop
from genetic_udfs.evolution.fork import Origin, begin_fork, check_origin, read_origin
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.reporting.summary import print_summary
from genetic_udfs.runtime.cluster_errors import cluster_error_in
from genetic_udfs.runtime.stopping import is_stop, shutting_down
from genetic_udfs.sandbox.stages import check_tier, sandbox_error_in
from genetic_udfs.store.integrity import check_integrity
from genetic_udfs.store.lease import lease_of
from genetic_udfs.store.ledger import Ledger
from genetic_udfs.store.runs import (
    begin_run,
    changed_models,
    changed_reasoning,
    changed_test_sets,
    check_same_settings,
    end_run,
    runs_before,
)
from genetic_udfs.store.schema_version import bring_up_to_date
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.table_errors import table_error_in
from genetic_udfs.store.tables import Store
from genetic_udfs.store.write_access import write_access
from genetic_udfs.store.write_errors import write_error_in


def evolve(
    config: Path, overrides: list[str] | None = None, *, take_over: bool = False, fork_from: str | None = None
) -> None:
    """Evolve a population of instruction/solution pairs."""
    settings = load_config(config, overrides or [])
    inputs = checked_inputs(settings, fork_from)
    with job_session(settings, "evolve", settings.ledger.stop_within) as spark:
        generations = evolve_with(spark, settings, inputs, take_over=take_over)
        print_summary(Console(width=120, highlight=False), generations, settings.store, _sql_command(config, overrides))


@dataclass(frozen=True)
class Inputs:
    """What a run reads before Spark starts: generation 0, the test sets, and what it is a fork of."""

    seeds: list[Seed]
    items: list[BenchmarkItem]
    origin: Origin | None


def checked_inputs(config: Config, fork_from: str | None) -> Inputs:
    """Read what a run needs, and check what can be known in a second.

    Raises:
        ConfigurationError: naming the key that is wrong, or what is missing.
    """
    origin = None if fork_from is None else read_origin(fork_from, config.store)
    seeds, items = preflight(config), check_test_sets(config)
    check_seeds_are_clean(seeds, items)
    return Inputs(seeds, items, origin)


def evolve_with(spark: SparkSession, config: Config, inputs: Inputs, *, take_over: bool) -> list[Row]:
    """Evolve in a session, with progress on stderr; errors and result as of `evolve_recorded`."""
    with job_progress(spark) as progress:
        run = new_run(spark, config, progress)
        return evolve_recorded(run, inputs.seeds, inputs.items, take_over=take_over, origin=inputs.origin)


def new_run(spark: SparkSession, config: Config, progress: Progress) -> Run:
    """Put together what a run's stages share."""
    run_id = uuid.uuid4().hex[:12]
    lease = lease_of(spark, config.store, run_id)
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


def evolve_recorded(
    run: Run,
    seeds: Sequence[Seed],
    items: Sequence[BenchmarkItem],
    *,
    take_over: bool = False,
    origin: Origin | None = None,
) -> list[Row]:
    """Evolve, with the run's beginning and end in `runs`; return the rows of `generations`.

    Args:
        run: the run.
        seeds: generation 0.
        items: the test sets.
        take_over: take the store from another run that writes to it.
        origin: what the store is to be forked from, instead of beginning with the seeds.

    Raises:
        ConfigurationError: if the store was begun with other settings, or is to be forked from what is not there.
        StoreError: if another run writes to the store, it is damaged or cannot be written to, it cannot be forked from
            there, or it is a fork that was not finished.
        EngineError: if an engine cannot serve; what was answered until then is in the ledger.
        SandboxError: if code is to be run, and `sandbox.least_tier` is not reached.
    """
    run.progress.note(f"run {run.id} in {run.store.root}")
    with translated_errors(run):
        check_origin(run, origin)
    with (
        translated_errors(run),
        write_access(run.store, run.lease, run.id, take_over=take_over, on_status=run.progress.note),
    ):
        before = prepare(run, seeds, origin)
        test_sets = digests(items)
        for change in changed_test_sets(before, test_sets):
            run.progress.note(
                f"{change}; no earlier generation was checked against it (jobs/decontaminate.py does that)"
            )
        for change in changed_models(before, run.config):
            run.progress.note(f"{change}; a generation that is not decided asks it again")
        for change in changed_reasoning(before, run.config):
            run.progress.note(f"{change}; what is answered already stays as it was read")
        with run.progress.watching("recording the start"):
            begin_run(run.store, run.config, seeds, run.id, before, test_sets)
        try:
            if run.config.runs_code:
                check_tier(run.spark, run.config.sandbox)
            generations = loop.evolve(run, seeds, items)
        except Exception as error:
            _write_early_end(run, error)
            raise
        finally:
            run.scratch.clear()
        shutting_down.set()
        end_run(run.store, run.id, "finished")
    return generations


def prepare(run: Run, seeds: Sequence[Seed], origin: Origin | None) -> list[Row]:
    """Clear up after a run that was killed, fork the store if it shall be, check that it is one to go on with.

    Returns:
        The store's runs until now.
    """
    if run.config.language != PYTHON:
        run.progress.note(
            f"language: {run.config.language}: code is taken from its block as it is; it is neither compiled nor"
            " run, and nothing looks whether it defines what the problem names"
        )
    with run.progress.watching("opening the store"):
        run.scratch.sweep()
        bring_up_to_date(run.store)
        begin_fork(run, origin)
        before = runs_before(run.store)
        check_same_settings(before, run.config, seeds)
        check_is_shared(run.spark, run.store.root)
    with run.progress.stage("checking the population", None):
        size = check_integrity(run.store)
    if size:  # a fork's are not the configuration's seeds
        enough_parents(run.config, size, f"{run.store.root} has a population of {size}; fork a larger one")
    return before


def _write_early_end(run: Run, error: Exception) -> None:
    """Write how a run ended, if its store can be written to; if not, the next start says that it was killed."""
    shutting_down.set()
    failed = f"failed: {_known(run, error) or type(error).__name__}"
    outcome = "stopped" if is_stop(error) else f"stopped: {error}" if isinstance(error, BudgetReached) else failed
    with suppress(GeneticUdfsError, PySparkException, Py4JError):
        end_run(run.store, run.id, outcome)


@contextmanager
def translated_errors(run: Run) -> Iterator[None]:
    """Raise what goes wrong in the body as an error of the user's, if it is one, in place of Spark's trace."""
    try:
        yield
    except Exception as error:
        if is_stop(error) or (known := _known(run, error)) is None:
            raise
        raise known from None


def _known(run: Run, error: Exception) -> GeneticUdfsError | None:
    return (
        engine_error_in(error)
        or sandbox_error_in(error)
        or write_error_in(error, run.store.root)
        or table_error_in(error)
        or cluster_error_in(error)
    )


def _sql_command(config: Path, overrides: list[str] | None) -> str:
    is_installed = sys.argv[0].startswith("genetic-udfs ")  # as commands/cli/main.py leaves it
    job = ["genetic-udfs", "sql"] if is_installed else ["./spark-submit.sh", "jobs/sql.py"]
    return shlex.join([*job, str(config), *(w for o in overrides or [] for w in ("--set", o))])
