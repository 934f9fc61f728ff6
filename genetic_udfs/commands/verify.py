"""`jobs/verify.py`: runs code of any table against its tests, in the sandbox. It adds columns, and drops nothing."""

import ast
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, StringType
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import check_columns, check_ids, column, prefixed_errors, read_table
from genetic_udfs.commands.output_table import check_format, check_output, scratch_beside, tagged, write_table
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import Sandbox
from genetic_udfs.config.file import load_config
from genetic_udfs.data.text import printable
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.runtime.row_udf import row_udf
from genetic_udfs.runtime.session import small_batches
from genetic_udfs.sandbox.reports import PASSED
from genetic_udfs.sandbox.spark import (
    PASS_RATE,
    SANDBOX_TIER,
    TESTS_DECIDED_BY,
    TESTS_MESSAGE,
    TESTS_PASSED,
    TESTS_STATUS,
    outcome_of,
)
from genetic_udfs.sandbox.stages import check_tier, report_progress, sandbox_error_in, spread
from genetic_udfs.sandbox.tiers import DecidedBy

ADDED: Final = (TESTS_STATUS, TESTS_MESSAGE, TESTS_DECIDED_BY, TESTS_PASSED, PASS_RATE, SANDBOX_TIER)

# Names on the way, since those of the input may be anything.
_ID, _CODE, _TESTS, _OUTCOME = "id", "code", "tests", "outcome"

_BLOCKS: Final = (ast.For, ast.While, ast.With, ast.If, ast.Try)


@dataclass(frozen=True)
class VerifyOptions:
    """What is run: the code and tests of a table, and where the answer goes."""

    input: str
    id: str
    code: str
    tests: str
    output: str
    format: TableFormat
    decided_by: DecidedBy = DecidedBy.TOGETHER


def verify(config: Path, options: VerifyOptions, overrides: list[str] | None = None) -> None:
    """Write a table's rows with how their tests ended, and who says so; null where code is null."""
    settings = load_config(config, overrides or [])
    with job_session(settings, "verify") as spark:
        with job_progress(spark) as progress:
            run(spark, options, settings.sandbox.model_copy(update={"decided_by": options.decided_by}), progress)
        print_summary(Console(width=100, highlight=False), read_table(spark, options.output), options)


def run(spark: SparkSession, options: VerifyOptions, settings: Sandbox, progress: Progress) -> None:
    """Read, run and write; what can be wrong with paths and columns is found before any code is run.

    Raises:
        ConfigurationError: naming the path or the column.
        SandboxError: if `sandbox.least_tier` is not reached, before any code is run, or the sandbox itself fails.
    """
    check_output(spark, options.output)
    rows = read_table(spark, options.input)
    with prefixed_errors(options.input):
        check_columns(rows, [options.code], options.id, ADDED)
        suites = tests_of(rows, options.tests)
    check_format(rows, options.output, options.format)
    with progress.stage("ids", None), prefixed_errors(options.input):
        check_ids(rows, options.id)
    with progress.stage("sandbox", None):
        check_tier(spark, settings)
    given = rows.select(
        column(options.id).cast("string").alias(_ID), column(options.code).alias(_CODE), suites.alias(_TESTS)
    )
    try:
        with scratch_beside(spark, options.output) as scratch:
            total = rows.count()
            with progress.stage("tests", total) as stage:
                found = (
                    spread(given, total)
                    .select(_ID, outcome_of(_CODE, _TESTS, settings).alias(_OUTCOME))
                    .select(_ID, *(F.col(_OUTCOME)[name].alias(name) for name in ADDED))
                    .withColumn(TESTS_MESSAGE, F.zip_with(TESTS_STATUS, TESTS_MESSAGE, _message_unless_passed))
                )
                with small_batches(spark):
                    kept = scratch.checkpoint(report_progress(found, stage, progress.address), "outcomes")
            with progress.stage("writing", None):
                write_table(tagged(rows, kept, options.id, ADDED), options.output, options.format)
    except Exception as error:
        if (known := sandbox_error_in(error)) is not None:
            raise known from None
        raise


def _message_unless_passed(status: Column, message: Column) -> Column:
    return F.when(status != PASSED, message)


def tests_of(rows: DataFrame, name: str) -> Column:
    """Return a column of tests as an array; of a text it has what `tests_in` finds.

    Raises:
        ConfigurationError: if there is no such column, or it holds something else.
    """
    if name not in rows.columns:
        raise ConfigurationError(f"there is no column {name!r}; it has {', '.join(rows.columns)}")
    kind = rows.schema[name].dataType
    if isinstance(kind, StringType):
        return row_udf(tests_in, ArrayType(StringType()))(column(name))
    if isinstance(kind, ArrayType) and isinstance(kind.elementType, StringType):
        return column(name)
    raise ConfigurationError(f"the column {name!r} must hold an array of texts or a text, not {kind.simpleString()}")


def tests_in(text: str | None) -> list[str] | None:
    """Return the tests of a text: its statements, each after the text's imports, where it is Python; else its lines.

    Where other statements than assertions, blocks with such and imports are at its top it is one test: they belong
    together. So do those that use a name which a block gives a value.
    """
    if text is None:
        return None
    try:
        body = ast.parse(text).body
    except IndentationError:
        return [text]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        lines = [line for line in text.splitlines() if line.strip()]
        return [text] if any(line.lstrip().startswith(">>>") for line in lines) else lines
    lines_of_bytes = [line.encode() for line in io.StringIO(text, newline="")]  # as the parser counts them
    sources = [(each, _source(each, lines_of_bytes)) for each in body]
    imports = [source for each, source in sources if isinstance(each, ast.Import | ast.ImportFrom)]
    tests = [source for each, source in sources if _is_a_test(each)]
    if not tests or len(imports) + len(tests) < len(body) or _share_names(body):
        return [text] if body else []
    return ["\n".join([*imports, test]) for test in tests]


def _source(statement: ast.stmt, lines: list[bytes]) -> str:
    """Return a statement's text; `ast.get_source_segment` goes through all lines for each."""
    held = lines[statement.lineno - 1 : statement.end_lineno]
    held[-1] = held[-1][: statement.end_col_offset]
    held[0] = held[0][statement.col_offset :]
    return b"".join(held).decode()


def _is_a_test(statement: ast.stmt) -> bool:
    is_block = isinstance(statement, _BLOCKS) and any(isinstance(node, ast.Assert) for node in ast.walk(statement))
    return isinstance(statement, ast.Assert) or is_block


def _share_names(body: list[ast.stmt]) -> bool:
    """Whether a statement uses a name that one before it gives a value."""
    known: set[str] = set()
    for statement in body:
        names = [node for node in ast.walk(statement) if isinstance(node, ast.Name)]
        stored = {node.id for node in names if isinstance(node.ctx, ast.Store)}
        if known & ({node.id for node in names} - stored):
            return True
        known |= stored
    return False


def print_summary(console: Console, rows: DataFrame, options: VerifyOptions) -> None:
    """Print how the tests ended, how many rows passed all of theirs, and where the rows are."""
    statuses = rows.select(F.explode(TESTS_STATUS).alias("status")).groupBy("status").count()
    counts = statuses.orderBy(F.desc("count"), "status").collect()
    if counts:
        table = Table(title="Tests", title_justify="left")
        table.add_column("status")
        table.add_column("tests", justify="right")
        for row in counts:
            table.add_row(Text(printable(row["status"])), f"{row['count']:,}")
        console.print(table)
    tested = F.size(TESTS_STATUS) > 0
    [[total, run_, all_, none, no_code]] = rows.agg(
        F.count(F.lit(1)),
        F.count_if(tested),
        F.count_if(tested & (F.col(PASS_RATE) == 1.0)),
        F.count_if(F.size(TESTS_STATUS) == 0),
        F.count_if(F.col(TESTS_STATUS).isNull()),
    ).collect()
    tiers = sorted(row[0] for row in rows.select(SANDBOX_TIER).distinct().collect() if row[0] is not None)
    console.print(
        f"{total:,} rows: {all_:,} of {run_:,} with tests passed all of them, {none:,} had no test, {no_code:,} no"
        f" code; confined by {', '.join(tiers) or 'nothing, as nothing was run'}; written to {options.output}",
        markup=False,
        soft_wrap=True,
    )
