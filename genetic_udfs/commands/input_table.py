"""A user's tables, as jobs read and check them: a Delta folder, Parquet, or a JSONL file."""

import contextlib
import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

import pandas as pd
from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    DataType,
    IntegralType,
    LongType,
    MapType,
    StringType,
    StructType,
)

from genetic_udfs.data.json_shape import Fact, facts_of, fault_of
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.cluster_errors import cluster_error_in
from genetic_udfs.runtime.identifier import quoted
from genetic_udfs.runtime.session import file_system, literal_path, spark_settings
from genetic_udfs.runtime.stopping import is_stop

_JSONL: Final = (".jsonl", ".ndjson", ".json", ".jsonl.gz", ".ndjson.gz", ".json.gz")
_PARQUET: Final = ".parquet"
# A line that Spark cannot read is an error: no row of nulls, and no text in a column that a key may have the name of.
_STRICT_JSON: Final = {"mode": "FAILFAST", "columnNameOfCorruptRecord": "\0", "maxStringLen": str(2**31 - 1)}
_SQL_STATE: Final = re.compile(r"\.?\s+SQLSTATE: \w+$")
_HIDDEN: Final = "Spark skips what has a name that begins with _ or a dot; rename or remove it"
# Folders that writers leave in a table: what was not committed, and logs. Spark rightly skips them.
_OF_WRITERS: Final = ("_temporary", "_delta_log", "_spark_metadata", ".spark-staging", ".hive-staging")
_AS_WRITTEN: Final = {
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",
    "spark.sql.caseSensitive": "true",
}


def column(name: str) -> Column:
    """Return a column by its name as it stands, dots and all."""
    return F.col(quoted(name))


def texts_by_id(rows: DataFrame, id_: str, columns: Sequence[str]) -> tuple[DataFrame, list[str]]:
    """Return `id` (string) and columns of texts under names of their own, as those of the table may be anything.

    The names come beside it, in the order of the columns.
    """
    names = [f"text_{number}" for number in range(len(columns))]
    texts = (column(text).alias(name) for text, name in zip(columns, names, strict=True))
    return rows.select(column(id_).cast("string").alias("id"), *texts), names


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
    pattern = literal_path(path)
    if not is_folder and _is_hidden(path.rpartition("/")[2]):
        raise ConfigurationError(f"{path}: {_HIDDEN}")
    with translate_input_errors(f"{path}: cannot be read"):
        if is_folder and DeltaTable.isDeltaTable(spark, path):
            return spark.read.format("delta").load(path)
        if is_folder or path.endswith(_PARQUET):
            if is_folder:
                _refuse_skipped(spark, path)
            with prefixed_errors(path):
                return _read_parquet(spark, pattern)
        if path.endswith(_JSONL):
            with prefixed_errors(path):
                return _read_jsonl(spark, pattern)
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
        raise ConfigurationError(f"{what}: {first_line(error)}") from None


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


def _refuse_skipped(spark: SparkSession, path: str) -> None:
    """Refuse files of a folder that Spark would skip without a word, and JSONL, which it would take for Parquet."""
    found = [name for name in _files_below(spark, path) if name[-1].endswith((_PARQUET, *_JSONL))]
    is_partitioned = any(map(_is_in_partition, found))
    for name in found:
        file, is_parquet = "/".join((path.rstrip("/"), *name)), name[-1].endswith(_PARQUET)
        if any(map(_is_hidden, name)):
            if is_parquet:
                raise ConfigurationError(f"{file}: {_HIDDEN}")
        elif _is_in_partition(name) is not is_partitioned or (not is_partitioned and len(name) > 1):
            if is_parquet:
                raise ConfigurationError(
                    f"{file}: Spark skips it: in a folder it reads the files of the folder itself, or where there are"
                    " folders such as day=1, the files in these; move or remove it"
                )
        elif not is_parquet:
            raise ConfigurationError(f"{file}: is JSONL, and a folder is read as Parquet; name one file")


def _files_below(spark: SparkSession, path: str) -> list[tuple[str, ...]]:
    """Return the files in a folder, at any depth, by the names of their folders in it and their own, in order."""
    system, there = file_system(spark, path)
    files: list[tuple[str, ...]] = []
    folders: list[tuple[tuple[str, ...], Any]] = [((), there)]
    for names, folder in folders:  # which grows meanwhile
        try:
            found = list(system.listStatus(folder))
        except Py4JJavaError:
            if any(map(_is_hidden, names)):
                continue  # a bin of somebody else's, say; Spark does not look there
            raise
        for status in found:
            place = status.getPath()
            name = (*names, place.getName())
            if not status.isDirectory():
                files.append(name)
            elif not name[-1].startswith(_OF_WRITERS):
                folders.append((name, place))
    return sorted(files)


def _is_in_partition(name: Sequence[str]) -> bool:
    return any("=" in folder for folder in name[:-1])


def _is_hidden(name: str) -> bool:
    """Whether Spark skips a file or folder by its name."""
    return name.startswith(".") or (name.startswith("_") and "=" not in name)


def _read_parquet(spark: SparkSession, pattern: str) -> DataFrame:
    """Read every column that any of the files has, and values of partitions as they are written: 007 is no 7."""
    try:
        with spark_settings(spark, _AS_WRITTEN):
            rows = spark.read.option("mergeSchema", "true").parquet(pattern)
    except (PySparkException, Py4JJavaError) as error:
        _refuse_conflict(error)
        raise
    known: dict[tuple[str, ...], tuple[str, ...]] = {}
    for path in field_paths(rows.schema):
        if not path[-1]:
            raise ConfigurationError("a column has no name; give it one")
        other = known.setdefault(tuple(map(str.lower, path)), path)
        if other != path:
            raise ConfigurationError(
                f"the columns {'.'.join(other)!r} and {'.'.join(path)!r} differ by case alone; rename one"
            )
    twice = rows._jdf.queryExecution().analyzed().relation().overlappedPartCols()
    if not twice.isEmpty():
        raise ConfigurationError(
            f"the column {twice.head()._1()!r} is in the files and in the names of their folders; rename one"
        )
    return rows


def _refuse_conflict(error: PySparkException | Py4JJavaError) -> None:
    """Refuse files that have a column in two types, if that is the error: it has both schemas, a line each."""
    java = _java_exception(error)
    said = "" if java is None else str(java.getMessage())
    schemas = re.findall(r'^"(STRUCT<.*>)"', said, re.MULTILINE) if "[CANNOT_MERGE_SCHEMAS]" in said else ()
    kinds = [StructType.fromDDL(schema) for schema in schemas]
    if len(kinds) == 2 and (conflict := _conflict_in(kinds[0], kinds[1])) is not None:
        name, one, other = conflict
        raise ConfigurationError(f"the column {name!r} is {one} in one file and {other} in another; make it one type")


def _conflict_in(one: DataType, other: DataType, path: tuple[str, ...] = ()) -> tuple[str, str, str] | None:
    """Return the first field, however deep in structs, that has two types, and these."""
    if isinstance(one, StructType) and isinstance(other, StructType):
        both = [(field.name, field.dataType) for field in one if field.name in other.names]
        found = (_conflict_in(kind, other[name].dataType, (*path, name)) for name, kind in both)
        return next(filter(None, found), None)
    return None if one == other else (".".join(path), one.simpleString(), other.simpleString())


def field_paths(kind: DataType, above: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Give the path of every column and of every field in one."""
    if isinstance(kind, StructType):
        for field in kind:
            yield (*above, field.name)
            yield from field_paths(field.dataType, (*above, field.name))
    elif isinstance(kind, ArrayType):
        yield from field_paths(kind.elementType, (*above, "[]"))
    elif isinstance(kind, MapType):
        yield from field_paths(kind.keyType, (*above, "key"))
        yield from field_paths(kind.valueType, (*above, "value"))


def _read_jsonl(spark: SparkSession, pattern: str) -> DataFrame:
    texts = spark.read.text(pattern)
    lines = texts.select(F.col("value").cast("binary"))  # they need not be UTF-8
    facts = lines.mapInPandas(_facts, "path string, what string, name string").distinct().collect()
    if not facts:
        is_blank = texts.where("trim(value) <> ''").isEmpty()
        raise ConfigurationError("holds no row; each line is a JSON object" if is_blank else "no line of it has a key")
    if (fault := fault_of(Fact(*row) for row in facts)) is not None:
        raise ConfigurationError(fault)
    return spark.read.options(**_STRICT_JSON).json(pattern)


def _facts(batches: Iterator[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    """Give what there is to know of a part of a file's lines."""
    lines = (line for batch in batches for line in batch["value"])
    yield pd.DataFrame(list(facts_of(lines)), columns=["path", "what", "name"])


def first_line(error: PySparkException | Py4JJavaError) -> str:
    """Return the first line of what an error of Spark says, and that of what it was caused by, without traces."""
    java = _java_exception(error)
    said = _first_line(java.getMessage() if isinstance(error, Py4JJavaError) else str(error))
    while java is not None and java.getCause() is not None:
        java = java.getCause()
    caused_by = "" if java is None else _first_line(java.getMessage())
    return said if caused_by in said else f"{said}: {caused_by}"


def _java_exception(error: PySparkException | Py4JJavaError) -> Any:
    return error.java_exception if isinstance(error, Py4JJavaError) else getattr(error, "_origin", None)


def _first_line(text: object) -> str:
    line = next(iter(str(text or "").splitlines()), "")
    return _SQL_STATE.sub("", line)[:300]
