"""`jobs/dedup.py`: finds which rows of any table are near-duplicates. It tags, and drops nothing."""

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from pydantic import ValidationError
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console
from rich.table import Table

from genetic_udfs.commands.checks.preflight import check_embedding_model
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import (
    check_apart,
    check_columns,
    check_ids,
    column,
    prefixed_errors,
    rank_of,
    read_table,
)
from genetic_udfs.commands.output_table import check_format, check_output, scratch_beside, tagged, write_table
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import Config, Dedup, EmbeddingModel, Semantic
from genetic_udfs.config.embedding import SEMANTIC_MODEL_KEY
from genetic_udfs.config.file import load_config
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.audit import Audit, audit
from genetic_udfs.dedup.near_duplicates import NotCompared, near_duplicates
from genetic_udfs.dedup.semantic import SEMANTIC, dropped_by_meaning
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.population_index import rebuild_index
from genetic_udfs.reporting.dedup_summary import format_audit, format_not_compared
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.lease import lease_of
from genetic_udfs.store.schema import POPULATION
from genetic_udfs.store.schema_version import bring_up_to_date
from genetic_udfs.store.tables import Store
from genetic_udfs.store.write_access import write_access

_ADDED: Final = (c.DUPLICATE_OF, c.SIMILARITY)


@dataclass(frozen=True)
class DedupOptions:
    """What is looked at: a table's texts, alone or against those of another table, and where the answer goes.

    `threshold` and `cosine` take the place of the configuration's; `semantic` says whether texts are compared by
    meaning, too.
    """

    input: str
    column: str
    id: str
    output: str
    against: str | None = None
    format: TableFormat = TableFormat.DELTA
    threshold: float | None = None
    semantic: bool = False
    cosine: float | None = None


class Findings(NamedTuple):
    """What a search reports besides its rows."""

    not_compared: NotCompared
    audit: Audit | None


def dedup(config: Path, options: DedupOptions, overrides: list[str] | None = None) -> None:
    """Write a table's rows with their near-duplicates."""
    settings = load_config(config, overrides or [])
    likeness = likeness_of(settings.dedup, options)
    model = None
    if likeness.semantic is not None:
        model = EmbeddingModel.named(likeness.semantic.model, SEMANTIC_MODEL_KEY, settings.engines)
        check_embedding_model(model)
    with job_session(settings, "dedup") as spark:
        with job_progress(spark) as progress:
            found = run(spark, options, likeness, settings.seed, progress, model)
        print_summary(Console(width=100, highlight=False), read_table(spark, options.output), found, options)


def likeness_of(settings: Dedup, options: DedupOptions) -> Dedup:
    """Return the settings with what the options change; by meaning nothing is compared unless they ask for it.

    Raises:
        ConfigurationError: if the threshold is not in (0, 1].
    """
    likeness = settings if options.threshold is None else with_threshold(settings, options.threshold)
    if not options.semantic:
        return likeness.model_copy(update={"semantic": None})
    semantic = settings.semantic or Semantic()
    if options.cosine is not None:
        semantic = semantic.model_copy(update={"threshold": options.cosine})
    return likeness.model_copy(update={"semantic": semantic})


def with_threshold(settings: Dedup, threshold: float) -> Dedup:
    """Return the settings for another threshold, with the bands and rows that belong to it.

    Raises:
        ConfigurationError: if it is not in (0, 1].
    """
    kept = settings.model_dump(include={"shingle_words", "audit"})
    try:
        return Dedup.model_validate({**kept, "threshold": threshold})
    except ValidationError:
        raise ConfigurationError(f"--threshold {threshold}: must be above 0 and not above 1") from None


def run(
    spark: SparkSession,
    options: DedupOptions,
    settings: Dedup,
    seed: int,
    progress: Progress,
    model: EmbeddingModel | None,
) -> Findings:
    """Read, compare and write; what can be wrong with paths and columns is found before a text is looked at.

    Args:
        spark: the session.
        options: what is looked at, and where the answer goes.
        settings: when two texts are near-duplicates.
        seed: of the hash functions.
        progress: shows what is done.
        model: what embeds texts, where the settings compare them by meaning.

    Raises:
        ConfigurationError: naming the path or the column.
    """
    added = _ADDED if settings.semantic is None else (*_ADDED, c.METHOD)
    rows, kept = _read(spark, options, added, progress)
    with scratch_beside(spark, options.output) as scratch:
        with progress.stage("near-duplicates", None):
            new = scratch.checkpoint(
                rows.select(
                    column(options.id).cast("string").alias(c.ID),
                    rank_of(rows, options.id).alias(c.RANK),
                    column(options.column).alias(c.TEXT),
                ),
                "input",
            )
            empty = spark.createDataFrame([], f"{c.ID} string, {c.TEXT} string")
            known = empty if kept is None else _texts(kept, options)
            search = near_duplicates(new, known, settings, seed, scratch.checkpoint)
            dropped = scratch.checkpoint(search.dropped, "dropped")
        found = dropped
        if settings.semantic is not None:
            assert model is not None
            with progress.stage("semantic duplicates", None):
                by_meaning = dropped_by_meaning(
                    new, known, dropped, settings.semantic.threshold, model, scratch.checkpoint
                )
                found = dropped.unionByName(scratch.checkpoint(by_meaning, "semantic"))
        with progress.stage("writing", None):
            kept_id = F.col(c.DUPLICATE_OF).cast(rows.schema[options.id].dataType)
            of_rows = tagged(rows, found.withColumn(c.DUPLICATE_OF, kept_id), options.id, added)
            write_table(of_rows, options.output, options.format)
        if not settings.audit:
            return Findings(search.not_compared, None)
        with progress.stage("audit", None):
            sample = search.sample(settings.audit, dropped)
            return Findings(search.not_compared, audit(sample, settings.threshold, settings.shingle_words))


def _read(
    spark: SparkSession, options: DedupOptions, added: Sequence[str], progress: Progress
) -> tuple[DataFrame, DataFrame | None]:
    """Return the table, and that of `against`, with all checked but their texts.

    Raises:
        ConfigurationError: naming the path or the column.
    """
    check_output(spark, options.output)
    rows = read_table(spark, options.input)
    with prefixed_errors(options.input):
        check_columns(rows, [options.column], options.id, added)
    check_format(rows, options.output, options.format)
    kept = None if options.against is None else _read_against(spark, options.against, options, rows)
    with progress.stage("ids", None):
        with prefixed_errors(options.input):
            check_ids(rows, options.id)
        if kept is not None and options.against is not None:
            with prefixed_errors(options.against):
                check_ids(kept, options.id)
            check_apart(rows, kept, options.id)
    return rows, kept


def _read_against(spark: SparkSession, path: str, options: DedupOptions, rows: DataFrame) -> DataFrame:
    kept = read_table(spark, path)
    with prefixed_errors(path):
        check_columns(kept, [options.column], options.id)
    there, here = (table.schema[options.id].dataType for table in (kept, rows))
    if there != here:
        raise ConfigurationError(
            f"--against: the column {options.id!r} is {there.simpleString()} there and {here.simpleString()} in"
            " --input; cast one of them"
        )
    return kept


def print_summary(console: Console, rows: DataFrame, found: Findings, options: DedupOptions) -> None:
    """Print how many rows are duplicates, by words and by meaning, and what the audit says."""
    by_meaning = F.coalesce(F.col(c.METHOD) == SEMANTIC, F.lit(False)) if options.semantic else F.lit(False)
    is_copy = F.coalesce(F.col(c.SIMILARITY) == 1.0, F.lit(False)) & ~by_meaning
    near = F.col(c.DUPLICATE_OF).isNotNull() & ~is_copy & ~by_meaning
    total, exact, similar, semantic = rows.agg(
        F.count(F.lit(1)), F.count_if(is_copy), F.count_if(near), F.count_if(by_meaning)
    ).collect()[0]
    table = Table(title="Rows", title_justify="left")
    table.add_column("")
    table.add_column("rows", justify="right")
    for name, count in (
        ("all", total),
        ("same words", exact),
        ("near-duplicates", similar),
        *((("semantic duplicates", semantic),) if options.semantic else ()),
        ("kept", total - exact - similar - semantic),
    ):
        table.add_row(name, f"{count:,}")
    console.print(table)
    if message := format_not_compared(found.not_compared):
        console.print(message, markup=False, soft_wrap=True)
    if found.audit is not None:
        console.print(format_audit(found.audit), markup=False, soft_wrap=True)
    console.print(f"written to {options.output}", markup=False, soft_wrap=True)


def _texts(kept: DataFrame, options: DedupOptions) -> DataFrame:
    return kept.select(column(options.id).cast("string").alias(c.ID), column(options.column).alias(c.TEXT))


def rebuild(config: Path, overrides: list[str] | None = None, *, take_over: bool = False) -> None:
    """Rebuild the near-duplicate index of the store's population."""
    settings = load_config(config, overrides or [])
    with job_session(settings, "dedup") as spark:
        with job_progress(spark) as progress:
            count = rebuild_with_lease(spark, settings, progress, take_over=take_over)
        print(f"{settings.store}: {count:,} individuals in the near-duplicate index")


def rebuild_with_lease(spark: SparkSession, config: Config, progress: Progress, *, take_over: bool = False) -> int:
    """Rebuild the near-duplicate index of a store's population, with the lease of the store; return its rows.

    Raises:
        ConfigurationError: if there is no population.
        StoreError: if another process writes to the store, or a newer version of this software has written to it.
    """
    run_id = uuid.uuid4().hex[:12]
    lease = lease_of(spark, config.store, run_id)
    store = Store(spark, config.store, lease.check)
    if not store.exists(POPULATION):
        raise ConfigurationError(f"store: {config.store} has no population yet; run jobs/evolve.py first")
    with (
        write_access(store, lease, run_id, take_over=take_over, on_status=progress.note),
        progress.stage("near-duplicate index", None),
    ):
        bring_up_to_date(store)
        return rebuild_index(store, config, run_id)
