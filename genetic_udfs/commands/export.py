"""`jobs/export.py`: writes a store's pairs as a data set.

What holds a test item never gets out, nor what was rejected, except as the rejected side of `--preference`.
"""

from collections.abc import Mapping
from pathlib import Path

from pyspark.sql import SparkSession
from rich.console import Console

from genetic_udfs.commands.data_set import Task, write_data_set
from genetic_udfs.commands.output_table import check_output, scratch_beside
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import from_working_directory, load_config
from genetic_udfs.decontamination import BenchmarkItem, read_items
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.export.formats import PREFERENCE_FORMATS, REASONING_FORMATS, ExportFormat, FileType
from genetic_udfs.export.outcome import Export, ExportOptions
from genetic_udfs.export.splits import read_splits
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store


def export(config: Path, options: ExportOptions, overrides: list[str] | None = None) -> None:
    """Write the pairs of a store as a data set: files, a dataset card and a manifest of hashes."""
    settings = load_config(config, overrides or [])
    shares, items = checked(options), items_to_check(settings)
    with job_session(settings, "export") as spark, job_progress(spark) as progress:
        written = run(spark, settings, options, shares, items, progress)
    print_summary(Console(width=120, highlight=False), written)


def checked(options: ExportOptions) -> dict[str, float]:
    """Check what can be wrong with the options before Spark starts; return the shares of the splits.

    Raises:
        ConfigurationError: naming the option.
    """
    if options.generation == 0:
        raise ConfigurationError("--generation 0: is the seeds, which have no solutions; name a later one")
    if options.preference and options.format not in PREFERENCE_FORMATS:
        raise ConfigurationError(f"--preference: has the formats {', '.join(PREFERENCE_FORMATS)}, not {options.format}")
    if options.reasoning and options.format not in REASONING_FORMATS:
        raise ConfigurationError(
            f"--reasoning: has the formats {', '.join(REASONING_FORMATS)}, not {options.format}: parquet has the column"
            " `reasoning` without it, and the public sets have no place for thoughts"
        )
    if options.format is ExportFormat.PARQUET and options.file_type is not FileType.PARQUET:
        raise ConfigurationError(f"--format parquet: is written as Parquet, not as {options.file_type}")
    if signs := sorted({"[", "*", "?"}.intersection(options.output)):
        raise ConfigurationError(
            f"--output {options.output}: has {' and '.join(signs)} in it, which `datasets` takes for a pattern when it"
            " loads the data set; name another folder"
        )
    return read_splits(options.split)


def items_to_check(config: Config) -> list[BenchmarkItem]:
    """Read the configuration's test sets, and HumanEval whether or not it is among them.

    Raises:
        ConfigurationError: if one cannot be read.
    """
    return read_items(config.decontamination.model_copy(update={"human_eval": True}))


def run(
    spark: SparkSession,
    config: Config,
    options: ExportOptions,
    shares: Mapping[str, float],
    items: list[BenchmarkItem],
    progress: Progress,
) -> Export:
    """Select, split and write; the folder gets its name when it is whole.

    Args:
        spark: the session.
        config: names the store.
        options: what is wanted.
        shares: of `checked`.
        items: of `items_to_check`.
        progress: where stages are reported.

    Raises:
        ConfigurationError: if an option is wrong, nothing is left to write, or it cannot be written.
        StoreError: if the store has no pairs, or is damaged.
    """
    output = from_working_directory(options.output)
    check_output(spark, output)
    store = Store(spark, config.store)
    with translate_table_errors(), scratch_beside(spark, output) as scratch:
        return write_data_set(Task(store, options, output, shares, config.seed, items, scratch, progress))


def print_summary(console: Console, done: Export) -> None:
    """Print what was written and what was left out, and how to load it."""
    options = done.options
    counts = ", ".join(f"{split.rows:,} in {split.name}" for split in done.splits)
    left = {
        "not selected by --where": done.pairs - done.selected if options.where and not options.preference else 0,
        "found in a test set": sum(done.contaminated.values()),
        "in no split, as ancestors": done.apart,
    }
    written = f"{done.rows:,} of {done.pairs:,} pairs written to {options.output}: {counts}"
    console.print(written, markup=False, soft_wrap=True)
    if options.reasoning:
        console.print(f"  {done.with_reasoning:,} of them with thoughts", markup=False)
    for what, count in left.items():
        if count:
            console.print(f"  {count:,} {what}", markup=False)
    console.print(f'Load it: datasets.load_dataset("{options.output}")', markup=False, soft_wrap=True)
