"""`jobs/rejudge.py`: asks the configuration's judge about a past generation, and reports how far it agrees."""

from pathlib import Path

from rich.console import Console
from rich.text import Text

from genetic_udfs.commands.checks.preflight import preflight
from genetic_udfs.commands.evolve import new_run, translated_errors
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.evolution import rejudging
from genetic_udfs.evolution.rejudging import Rejudged
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.judge_agreement import print_agreement
from genetic_udfs.store.runs import check_same_settings, runs_before
from genetic_udfs.store.schema_version import bring_up_to_date
from genetic_udfs.store.write_access import write_access


def rejudge(config: Path, generation: int, overrides: list[str] | None = None) -> None:
    """Judge a generation's candidates again, and print how far the verdicts agree."""
    settings = load_config(config, overrides or [])
    seeds = preflight(settings)
    with job_session(settings, "rejudge", settings.ledger.stop_within) as spark:
        with job_progress(spark) as progress:
            found = rejudge_generation(new_run(spark, settings, progress), seeds, generation)
        print_rejudged(Console(width=120, highlight=False), found, generation)


def rejudge_generation(run: Run, seeds: list[Seed], generation: int) -> Rejudged:
    """Rejudge a generation of the configuration's store.

    Raises:
        ConfigurationError: if the store was begun with other settings, or has no such verdicts.
        LeaseError: if a run writes to the store.
        EngineError: if the engine cannot serve; what was answered until then is in the ledger.
        StoreError: if the store is damaged, cannot be written to, or is of a newer version of this software.
    """
    check_same_settings(runs_before(run.store), run.config, seeds)
    rejudging.judged_candidates(run, generation)  # errors come before the lease is taken, which writes
    with translated_errors(run), write_access(run.store, run.lease, run.id, on_status=run.progress.note):
        bring_up_to_date(run.store)
        try:
            return rejudging.rejudge(run, generation)
        finally:
            run.scratch.clear()


def print_rejudged(console: Console, found: Rejudged, generation: int) -> None:
    """Print the agreement, and what was asked for."""
    if found.agreement.total or not found.with_tests.total:
        before = ", ".join(found.before) or "a model that the ledger does not have"
        title = f"Verdicts on generation {generation}; first judge: {before}; second judge: {found.model}"
        print_agreement(console, found.agreement, title)
    if found.with_tests.total:
        title = f"Verdicts on generation {generation} against tests; first judge: {found.model}; second: tests"
        print_agreement(console, found.with_tests, title)
    notes = []
    if found.is_same_judge:
        notes.append("It is the same judge: model, sampling and prompt are those of the first.")
    if found.asked:
        notes.append(
            f"{found.asked} of {found.judged} replies were asked for now, the others were already in the ledger."
        )
    else:
        notes.append("All replies were already in the ledger; nothing was asked.")
    if found.unanswered:
        notes.append(f"{found.unanswered} candidates have no second verdict; `reason` in `verdicts` says why.")
    console.print(Text(" ".join(notes)), soft_wrap=True)
