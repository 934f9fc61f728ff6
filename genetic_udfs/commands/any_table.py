"""Tables that are not ours, as jobs read and write them: a Delta folder, Parquet, or a JSONL file."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Final

import pandas as pd
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegralType, LongType, StringType

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.data.json_shape import Fact, facts_of, fault_of
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.cluster_errors import cluster_error_in
from genetic_udfs.runtime.session import file_system, spark_settings
from genetic_udfs.runtime.stopping import is_stop
from genetic_udfs.store.write_errors import remedy_in

_JSONL: Final = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
_PARQUET: Final = ".parquet"
_GLOB: Final = re.compile(r"[\[\]{}*?\\]")
_CORRUPT: Final = "_corrupt_record"
_AS_WRITTEN: Final = {"spark.sql.sources.partitionColumnTypeInference.enabled": "false"}


def column(name: str) -> Column:
    """Return a column by its name as it stands, dots and all."""
    return F.col("`{}`".format(name.replace("`", "``")))


def rank_of(rows: DataFrame, id_: str) -> Column:
    """Return a whole number by which rows come in the order of their ids: 0 for ids that are ordered as texts."""
    is_number = isinstance(rows.schema[id_].dataType, IntegralType)
    return column(id_).cast(LongType()) if is_number else F.lit(0).cast(LongType())


def read_table(spark: SparkSession, path: str) -> DataFrame:
    """Return a table: a Delta folder, a Parquet file or a folder of such, or a JSONL file, which may be gzipped.

    Raises:
        ConfigurationError: if nothing is there, it is none of these, or a line of it is no JSON object.
    """
    with translate_input_errors(f"{path}: cannot be reached"):
        system, there = file_system(spark, path)
        if not system.exists(there):
            raise ConfigurationError(f"{path}: there is no such file or folder")
        is_folder = system.getFileStatus(there).isDirectory()
    as_it_stands = _GLOB.sub(r"\\\g<0>", path)  # these readers take a path for a pattern
    with translate_input_errors(f"{path}: cannot be read"):
        if is_folder and DeltaTable.isDeltaTable(spark, path):
            return spark.read.format("delta").load(path)
        if is_folder or path.endswith(_PARQUET):
            _refuse_hidden(path, is_folder)
            return _read_parquet(spark, as_it_stands)
        if path.endswith(_JSONL):
            _refuse_hidden(path, is_folder)
            return _read_jsonl(spark, path, as_it_stands)
    raise ConfigurationError(
        f"{path}: unknown format; supported are Delta folders, Parquet (*{_PARQUET} or a folder of such files)"
        f" and JSONL ({', '.join('*' + ending for ending in _JSONL)})"
    )


@contextlib.contextmanager
def translate_input_errors(what: str) -> Iterator[None]:
    """Raise a `ConfigurationError` that begins with `what` where Spark fails in the body because of what it reads.

    A job that was stopped, and what a cluster does wrong, is no fault of the input's, and goes on as it is.
    """
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if is_stop(error) or cluster_error_in(error) is not None:
            raise
        raise ConfigurationError(f"{what}: {_first_line(error)}") from None


@contextlib.contextmanager
def prefixed_errors(path: str) -> Iterator[None]:
    """Put a table's path before what is wrong with it."""
    try:
        yield
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def check_columns(rows: DataFrame, texts: Sequence[str], id_: str, added: Sequence[str] = ()) -> None:
    """Check, without reading a row, that a table has the columns that a job reads and none that it adds.

    Args:
        rows: The table.
        texts: Columns that must hold text.
        id_: The id column, unique and not null.
        added: Columns that the job adds.

    Raises:
        ConfigurationError: naming the column.
    """
    for name in (*texts, id_):
        if name not in rows.columns:
            raise ConfigurationError(f"there is no column {name!r}; it has {', '.join(rows.columns) or 'none'}")
    for name in texts:
        kind = rows.schema[name].dataType
        if not isinstance(kind, StringType):
            raise ConfigurationError(f"the column {name!r} must hold text, not {kind.simpleString()}")
    kind = rows.schema[id_].dataType
    if not isinstance(kind, StringType | IntegralType):
        raise ConfigurationError(
            f"the column {id_!r} must hold a text or a whole number of up to 64 bits as id, not {kind.simpleString()}"
        )
    folded = {name.lower() for name in rows.columns}
    taken = [name for name in added if name.lower() in folded]
    if taken:
        raise ConfigurationError(f"there is a column {taken[0]!r} already, which this job adds; rename or drop it")


def check_ids(rows: DataFrame, id_: str) -> None:
    """Read the ids, and check that each is there and no two are the same.

    Raises:
        ConfigurationError: naming an id that is there twice, or saying how many rows have none.
    """
    ids = rows.select(column(id_).cast("string").alias("id"))
    with translate_input_errors("cannot be read"):
        [[missing, broken]] = ids.agg(F.count_if(F.col("id").isNull()), F.count_if(~F.is_valid_utf8("id"))).collect()
        twice = ids.where("id IS NOT NULL").groupBy("id").count().where("count > 1").orderBy("id").first()
    if missing:
        raise ConfigurationError(f"the column {id_!r} is null in {missing} rows; each row needs an id")
    if broken:
        raise ConfigurationError(f"the column {id_!r} is no UTF-8 text in {broken} rows; ids must be")
    if twice is not None:
        raise ConfigurationError(f"the column {id_!r} has {twice['id']!r} {twice['count']} times; ids must be unique")


def check_apart(rows: DataFrame, others: DataFrame, id_: str) -> None:
    """Read the ids of two tables, and check that they share none: an id then says which table it is from.

    Raises:
        ConfigurationError: naming an id that both have.
    """
    ids = column(id_).cast("string").alias("id")
    both = rows.select(ids).join(others.select(ids), "id", "left_semi").orderBy("id").first()
    if both is not None:
        raise ConfigurationError(f"--against: the id {both['id']!r} is in --input too; give each table ids of its own")


def tagged(rows: DataFrame, found: DataFrame, id_: str, added: Sequence[str]) -> DataFrame:
    """Return every row of a table with what was found of it.

    Args:
        rows: The table.
        found: `id` (string) of the rows of which something was found, each once, and the added columns.
        id_: The column of `rows` that `id` was made of.
        added: Names of the added columns; they are null in the other rows.
    """
    own = "_found_id"
    while own.lower() in {name.lower() for name in rows.columns}:
        own = f"_{own}"
    known = found.select(F.col("id").alias(own), *added)
    return rows.join(known, column(id_).cast("string") == F.col(own), "left").select(*map(column, rows.columns), *added)


def check_output(spark: SparkSession, path: str) -> None:
    """Check that nothing is where a table is to be written, and that a folder can be made there.

    Raises:
        ConfigurationError: if not.
    """
    with translate_input_errors(f"{path}: cannot be reached"):
        system, there = file_system(spark, path)
        if system.exists(there):
            raise ConfigurationError(f"{path}: is there already, and nothing is overwritten; name another output")
        if not system.mkdirs(there):
            raise ConfigurationError(f"{path}: cannot be created")
        system.delete(there, False)


@contextlib.contextmanager
def translate_output_errors(path: str) -> Iterator[None]:
    """Raise a `ConfigurationError` for what goes wrong in the body because an output cannot be written."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if (remedy := remedy_in(error)) is None:
            raise
        raise ConfigurationError(
            f"{path}: cannot be written: {remedy}, and start again (it may also be the disk of Spark's spark.local.dir)"
        ) from None


def write_table(rows: DataFrame, path: str, format_: TableFormat) -> None:
    """Write a table to a folder that must not be there yet.

    Raises:
        ConfigurationError: if it is, or the format cannot hold the columns.
    """
    check_output(rows.sparkSession, path)
    writer = rows.write.format(format_).mode("errorifexists")
    if format_ is TableFormat.DELTA:
        # Delta's older readers know no names with blanks; mapping names to others lets a table keep its own.
        writer = writer.option("delta.columnMapping.mode", "name")
    try:
        with translate_output_errors(path):
            writer.save(path)
    except BaseException as error:
        system, there = file_system(rows.sparkSession, path)
        system.delete(there, True)  # it was not there before
        if isinstance(error, AnalysisException):
            raise ConfigurationError(f"{path}: cannot be written as {format_}: {_first_line(error)}") from None
        raise


def _refuse_hidden(path: str, is_folder: bool) -> None:
    name = path.rstrip("/").rpartition("/")[2]
    if not is_folder and name.startswith(("_", ".")):
        raise ConfigurationError(f"{path}: Spark skips files whose names begin with _ or a dot; rename it")


def _read_parquet(spark: SparkSession, pattern: str) -> DataFrame:
    """Read every column that any of the files has, and values of partitions as they are written: 007 is no 7."""
    with spark_settings(spark, _AS_WRITTEN):
        return spark.read.option("mergeSchema", "true").parquet(pattern)


def _read_jsonl(spark: SparkSession, path: str, pattern: str) -> DataFrame:
    found = spark.read.text(pattern).mapInPandas(_facts, "path string, what string, name string").distinct().collect()
    if not found:
        is_blank = spark.read.text(pattern).where("trim(value) <> ''").isEmpty()
        wrong = "holds no row; each line is a JSON object" if is_blank else "no line of it is a JSON object with a key"
        raise ConfigurationError(f"{path}: {wrong}")
    if (fault := fault_of(Fact(*row) for row in found)) is not None:
        raise ConfigurationError(f"{path}: {fault}")
    rows = spark.read.option("columnNameOfCorruptRecord", _CORRUPT).json(pattern)
    if _CORRUPT not in rows.columns:
        return rows
    line = rows.where(F.col(_CORRUPT).isNotNull()).first()
    raise ConfigurationError(f"{path}: a line is no JSON object: {line[_CORRUPT] if line else ''!s:.80}")


def _facts(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Give what there is to know of a part of a file's lines."""
    lines = (line for batch in batches for line in batch["value"])
    yield pd.DataFrame(list(facts_of(lines)), columns=["path", "what", "name"])


def _first_line(error: PySparkException | Py4JJavaError) -> str:
    text = error.java_exception.getMessage() if isinstance(error, Py4JJavaError) else str(error)
    return next(iter(str(text).splitlines()), "")[:300]
