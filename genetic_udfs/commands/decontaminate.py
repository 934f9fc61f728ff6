"""`jobs/decontaminate.py`: finds which rows of any table hold an item of a test set. It tags, and drops nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.checks.test_sets import check_test_sets
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import check_columns, check_ids, prefixed_errors, read_table, texts_by_id
from genetic_udfs.commands.output_table import check_format, check_output, scratch_beside, tagged, write_table
from genetic_udfs.commands.paraphrase_questions import asking_directly
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.decontamination import BenchmarkItem, contamination
from genetic_udfs.decontamination import columns as c
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.progress import Progress


@dataclass(frozen=True)
class DecontaminateOptions:
    """What is looked at: columns of a table, and where the answer goes."""

    input: str
    columns: Sequence[str]
    id: str
    output: str
    format: TableFormat = TableFormat.DELTA


def decontaminate(config: Path, options: DecontaminateOptions, overrides: list[str] | None = None) -> None:
    """Write a table's rows with what they hold of the configuration's test sets."""
    settings = load_config(config, overrides or [])
    items = checked_items(settings)
    with job_session(settings, "decontaminate") as spark:
        with job_progress(spark) as progress:
            run(spark, settings, items, options, progress)
        print_summary(Console(width=100, highlight=False), read_table(spark, options.output), options.output)


def checked_items(config: Config) -> list[BenchmarkItem]:
    """Read the test sets, and check what paraphrases need, before Spark starts.

    Raises:
        ConfigurationError: naming the key, or saying that there is no test set.
    """
    items = check_test_sets(config)
    if not items:
        raise ConfigurationError("decontamination: there is no test set; set human_eval: true, or name other test sets")
    return items


def run(
    spark: SparkSession,
    config: Config,
    items: Sequence[BenchmarkItem],
    options: DecontaminateOptions,
    progress: Progress,
) -> None:
    """Read, tag and write; everything that can be wrong with the paths and columns is found before a text is matched.

    Raises:
        ConfigurationError: naming the path or the column.
        EngineError: if the engine that is asked about paraphrases cannot serve.
    """
    check_output(spark, options.output)
    rows = read_table(spark, options.input)
    with prefixed_errors(options.input):
        check_columns(rows, options.columns, options.id, c.TAGS)
    check_format(rows, options.output, options.format)
    with progress.stage("ids", None), prefixed_errors(options.input):
        check_ids(rows, options.id)
    new, names = texts_by_id(rows, options.id, options.columns)
    paraphrases = config.decontamination.paraphrases
    with scratch_beside(spark, options.output) as scratch:

        def checkpoint(found: DataFrame, name: str) -> DataFrame:
            with progress.stage(name, None):
                return scratch.checkpoint(found, name.replace(" ", "-"))

        ask = None if paraphrases is None else asking_directly(spark, config, paraphrases, progress, scratch)
        found = contamination(
            new,
            items,
            texts=names,
            paraphrases=paraphrases,
            model=config.paraphrases_model,
            ask=ask,
            checkpoint=checkpoint,
        )
        with progress.stage("matching and writing", None):
            write_table(tagged(rows, found, options.id, c.TAGS), options.output, options.format)


def print_summary(console: Console, rows: DataFrame, output: str) -> None:
    """Print how many rows each test set and rule found, and how to read them."""
    counted = rows.groupBy(c.CONTAMINATED_BY, c.CONTAMINATION_RULE).count().collect()
    counts = Counter({(row[c.CONTAMINATED_BY], row[c.CONTAMINATION_RULE]): row["count"] for row in counted})
    total, clean = counts.total(), counts.pop((None, None), 0)
    rules = [rule for rule in c.RULES if any(rule == found for _, found in counts)]
    if counts:
        table = Table(title="Contaminated rows", title_justify="left")
        for name in ("test set", *rules, "all"):
            table.add_column(name, justify="left" if name == "test set" else "right")
        for benchmark in sorted({benchmark for benchmark, _ in counts}):
            of_rules = [counts[benchmark, rule] for rule in rules]
            table.add_row(Text(benchmark), *(f"{count:,}" for count in (*of_rules, sum(of_rules))))
        console.print(table)
    summary = f"{total:,} rows, {total - clean:,} of them contaminated, written to {output}"
    console.print(summary, markup=False, soft_wrap=True)
