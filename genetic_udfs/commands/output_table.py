"""A user's tables, as jobs write them with what was found of the rows; nothing is overwritten."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Final

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException, UnsupportedOperationException
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DateType,
    FractionalType,
    IntegralType,
    MapType,
    StringType,
    StructType,
    TimestampNTZType,
    TimestampType,
)

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import column, field_paths, first_line, read_table, translate_input_errors
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.session import file_system
from genetic_udfs.sandbox.stages import sandbox_error_in
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.write_errors import remedy_in

_IN_EVERY_FORMAT: Final = (
    *(StringType, BinaryType, BooleanType, IntegralType, FractionalType),
    *(DateType, TimestampType, TimestampNTZType),
)
# A name with one of these Delta keeps only where it maps names to others, which fewer readers can follow.
_MAPPED_BY_DELTA: Final = frozenset(" ,;{}()\n\t=")


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
    """Check that nothing is where a table is to be written, and that a folder can be made there; leave none.

    Raises:
        ConfigurationError: if not.
    """
    with translate_input_errors(f"{path}: cannot be reached"):
        system, there = file_system(spark, path)
        if system.exists(there):
            raise ConfigurationError(f"{path}: is there already, and nothing is overwritten; name another output")
        missing = _missing_folders(system, there)
        try:
            if not system.mkdirs(there):
                raise ConfigurationError(f"{path}: cannot be created")
        finally:
            _remove_empty(system, missing)


def check_format(rows: DataFrame, path: str, format_: TableFormat) -> None:
    """Check, without reading a row, that a format can hold a table's columns: where they are unusual, write none.

    Raises:
        ConfigurationError: naming the column.
    """
    if _is_in_every_format(rows.schema):
        return
    spark = rows.sparkSession
    with scratch_beside(spark, path) as scratch:  # an empty table that a killed job left at the path would look whole
        try:
            write_table(rows.limit(0), scratch.root, format_)
            held = read_table(spark, scratch.root).columns
        except ConfigurationError as error:
            raise ConfigurationError(str(error).replace(scratch.root, path)) from None
    for name in rows.columns:
        if name not in held:
            kind = rows.schema[name].dataType.simpleString()
            raise ConfigurationError(f"{path}: the column {name!r} is {kind}, which {format_} cannot hold; drop it")


@contextlib.contextmanager
def scratch_beside(spark: SparkSession, path: str) -> Iterator[Scratch]:
    """Give scratch space beside an output while the body runs; neither it nor an empty folder above it is left.

    Raises:
        ConfigurationError: if the body fails because nothing can be written there.
    """
    scratch = Scratch.beside(spark, path)
    with removed(scratch), translate_output_errors(path):
        yield scratch


@contextlib.contextmanager
def removed(scratch: Scratch) -> Iterator[None]:
    """Remove a folder after the body, and those above it that were not there before and are empty then."""
    system, there = file_system(scratch.spark, scratch.root)
    missing = _missing_folders(system, there)
    try:
        yield
    finally:
        scratch.clear()
        _remove_empty(system, missing)


@contextlib.contextmanager
def translate_output_errors(path: str) -> Iterator[None]:
    """Raise a `ConfigurationError` for what goes wrong in the body because an output cannot be written."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        if engine_error_in(error) or sandbox_error_in(error) or (remedy := remedy_in(error)) is None:
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
    names = (name for path in field_paths(rows.schema) for name in path)
    if format_ is TableFormat.DELTA and any(_MAPPED_BY_DELTA.intersection(name) for name in names):
        writer = writer.option("delta.columnMapping.mode", "name")
    try:
        with translate_output_errors(path):
            writer.save(path)
    except BaseException as error:
        system, there = file_system(rows.sparkSession, path)
        system.delete(there, True)  # it was not there before
        if isinstance(error, AnalysisException | UnsupportedOperationException):
            raise ConfigurationError(f"{path}: cannot be written as {format_}: {first_line(error)}") from None
        raise


def _missing_folders(system: Any, there: Any) -> list[Any]:
    """Return the folders, from a path upwards, that are not there."""
    missing = []
    while there is not None and not system.exists(there):
        missing.append(there)
        there = there.getParent()
    return missing


def _remove_empty(system: Any, folders: Sequence[Any]) -> None:
    """Remove folders, each of which holds the one before it, as far as they are there and nothing is in them."""
    with contextlib.suppress(Py4JError):  # not in place of the error that the body ends with
        for folder in filter(system.exists, folders):
            if len(system.listStatus(folder)):
                return
            system.delete(folder, False)


def _is_in_every_format(kind: DataType) -> bool:
    if isinstance(kind, StructType):
        return bool(kind.fields) and all(_is_in_every_format(field.dataType) for field in kind)
    if isinstance(kind, MapType):
        return _is_in_every_format(kind.keyType) and _is_in_every_format(kind.valueType)
    return isinstance(kind, _IN_EVERY_FORMAT) or (isinstance(kind, ArrayType) and _is_in_every_format(kind.elementType))
