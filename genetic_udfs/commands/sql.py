"""`jobs/sql.py`: runs SQL on a store's tables, which stand in the session's catalog under their names."""

import base64
import csv
import json
import math
import re
import sys
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, Final, TextIO

from pyspark import StorageLevel
from pyspark.errors import AnalysisException, ParseException, PySparkException
from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import (
    AnsiIntervalType,
    ArrayType,
    CalendarIntervalType,
    DataType,
    DatetimeType,
    MapType,
    StringType,
    StructField,
    StructType,
)
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.choices import Format
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.data.text import printable
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.store.table_errors import table_error_in
from genetic_udfs.store.tables import SCHEMAS, Store
from genetic_udfs.store.views.definitions import TABLES_READ

_ASKS: Final = re.compile(r"\b(instruct|solve|judge)\s*\(", re.IGNORECASE)
_FUNCTIONS: Final = frozenset({"instruct", "solve", "judge"})
_TABLES: Final = frozenset({*SCHEMAS, *TABLES_READ})
# Rows that a table on the screen has at most; their widths are known only when all of them are there.
_MAX_SHOWN: Final = 1000
# Statements that speak of tables without their names: those that begin so, as scripts do, and those that put names
# together.
_FIRST_UNNAMED: Final = frozenset({"show", "describe", "desc", "analyze", "begin"})
_UNNAMED: Final = frozenset({"identifier", "execute"})
_COMMENT: Final = re.compile(r"--.*|/\*[\s\S]*?\*/")
# Python has no months, no year before 1 and none after 9999.
_WIDER_IN_SPARK: Final = (DatetimeType, AnsiIntervalType, CalendarIntervalType)


def sql(config: Path, query: str, format_: Format = Format.TABLE, overrides: list[str] | None = None) -> None:
    """Run a query on the tables of a store and print its rows."""
    settings = load_config(config, overrides or [])
    with job_session(settings, "sql") as spark:
        store, named = Store(spark, settings.store), names_in(query)
        has_tables = store.register(named & _TABLES or None)
        with job_progress(spark, in_log=format_ is Format.TABLE) as progress, progress.watching("query") as stage:
            if named & _FUNCTIONS:
                from genetic_udfs.roles.sql_functions import register_functions  # with the engine's client, a second

                register_functions(spark, settings, stage=stage, progress=progress.address)
            try:
                rows = spark.sql(query)
                check_printable(rows.schema, format_)
                if _ASKS.search(query):
                    # Rows are printed a partition at a time; engines are to work on all of them at once.
                    rows.persist(StorageLevel.DISK_ONLY).count()
                print_rows(rows, format_, sys.stdout)
            except Exception as error:
                is_empty = not (has_tables or any(store.exists(table) for table in SCHEMAS))
                raise translate_query_error(error, settings.store if is_empty else None) from None


def names_in(query: str) -> frozenset[str]:
    """Return the tables, views and functions of ours that a query may read: their names are among its words.

    A word may also stand in a text or name a column; then more is registered than is read.
    """
    words = frozenset(re.findall(r"\w+", query.casefold()))
    first = frozenset(re.findall(r"\w+", _COMMENT.sub(" ", query.casefold()))[:1])
    may_mean_more = words & _UNNAMED or first & _FIRST_UNNAMED
    return _TABLES | _FUNCTIONS if may_mean_more else words & (_TABLES | _FUNCTIONS)


def translate_query_error(error: Exception, empty_store: str | None) -> Exception:
    """Return what to raise for a query that failed: an error of the user's, or of an engine's, with its own words."""
    if (known := engine_error_in(error) or table_error_in(error)) is not None:
        return known
    if not isinstance(error, PySparkException):
        return error
    if empty_store is not None and error.getCondition() == "TABLE_OR_VIEW_NOT_FOUND":
        return StoreError(f"store: {empty_store} has no tables yet; run jobs/evolve.py with this configuration first")
    text = str(error).strip()
    if isinstance(error, AnalysisException) and not isinstance(error, ParseException):
        text = text.partition(";\n")[0]  # what follows is the query's plan
    return ConfigurationError(f"the query cannot be run: {text}")


def check_printable(schema: StructType, format_: Format) -> None:
    """Check, before a query is run, that what it returns can be printed, and under the names that it has.

    Raises:
        ConfigurationError: naming two fields of a struct, or for JSON two columns, that have the same name; or a column
            with maps whose keys hold arrays.
    """
    if format_ is Format.JSON and (name := _repeated(schema)) is not None:
        raise ConfigurationError(f"two columns are named {name}; name them apart with AS")
    for column in schema:
        if (name := _repeated_field(column.dataType)) is not None:
            raise ConfigurationError(f"two fields of a struct in {column.name} are named {name}; name them apart")
        if _has_arrays_in_keys(column.dataType):
            raise ConfigurationError(
                f"the column {column.name} has a map whose keys hold arrays, which cannot be printed; select"
                " map_entries(...) of it"
            )


def _has_arrays_in_keys(kind: DataType, *, in_key: bool = False) -> bool:
    """Whether a type has, however deep, a map whose keys are arrays or hold some."""
    if isinstance(kind, ArrayType):
        return in_key or _has_arrays_in_keys(kind.elementType)
    if isinstance(kind, MapType):
        return _has_arrays_in_keys(kind.keyType, in_key=True) or _has_arrays_in_keys(kind.valueType)
    return isinstance(kind, StructType) and any(_has_arrays_in_keys(field.dataType, in_key=in_key) for field in kind)


def _repeated_field(kind: DataType) -> str | None:
    """Return a name that two fields of a struct have, however deep in a column's type."""
    if isinstance(kind, ArrayType):
        return _repeated_field(kind.elementType)
    if isinstance(kind, MapType):
        return _repeated_field(kind.keyType) or _repeated_field(kind.valueType)
    if isinstance(kind, StructType):
        return _repeated(kind) or next(filter(None, (_repeated_field(field.dataType) for field in kind)), None)
    return None


def _repeated(kind: StructType) -> str | None:
    return next((name for name in kind.names if kind.names.count(name) > 1), None)


def print_rows(rows: DataFrame, format_: Format, out: TextIO) -> None:
    """Print the rows of a result part by part, so that it need not fit into memory.

    CSV and JSON have all of them, a table the first `_MAX_SHOWN`, and says how many more there are.
    """
    names, rows = rows.columns, with_texts(rows)
    if format_ is Format.TABLE:
        found = rows.take(_MAX_SHOWN + 1)
        _print_table(names, [[_text(_plain(value)) for value in row] for row in found[:_MAX_SHOWN]], out)
        if len(found) > _MAX_SHOWN:
            left_out = rows.count() - _MAX_SHOWN
            print(f"{left_out:,} more rows; --format csv and --format json print all of them", file=out)
        return
    values = ([_plain(value) for value in row] for row in rows.toLocalIterator())
    if format_ is Format.JSON:
        for row in values:
            print(_json(dict(zip(names, row, strict=True))), file=out)
    else:
        writer = csv.writer(out)
        writer.writerow(names)
        writer.writerows([_text(value) for value in row] for row in values)


def with_texts(rows: DataFrame) -> DataFrame:
    """Return rows with texts, as Spark writes them, in place of dates, times and intervals, however deep."""
    texts = [_with_texts(column.dataType) for column in rows.schema]
    if texts == [column.dataType for column in rows.schema]:
        return rows
    own = [f"column_{place}" for place in range(len(texts))]  # two columns of a query may have one name
    return rows.toDF(*own).select(*(F.col(name).cast(kind) for name, kind in zip(own, texts, strict=True)))


def _with_texts(kind: DataType) -> DataType:
    if isinstance(kind, ArrayType):
        return ArrayType(_with_texts(kind.elementType), kind.containsNull)
    if isinstance(kind, MapType):
        return MapType(_with_texts(kind.keyType), _with_texts(kind.valueType), kind.valueContainsNull)
    if isinstance(kind, StructType):
        fields = (
            StructField(field.name, _with_texts(field.dataType), field.nullable, field.metadata) for field in kind
        )
        return StructType(list(fields))
    return StringType() if isinstance(kind, _WIDER_IN_SPARK) else kind


def _print_table(names: Sequence[str], rows: Sequence[Sequence[str]], out: TextIO) -> None:
    table = Table()
    for name in names:
        table.add_column(Text(printable(name)), overflow="fold")
    for row in rows:
        table.add_row(*(Text(printable(value)) for value in row))
    Console(file=out, width=140, highlight=False).print(table)


def _plain(value: Any) -> Any:
    """Turn a value into what JSON has: Spark's rows into objects, and what it has not into texts, as `to_json` does."""
    if isinstance(value, Row):
        return {name: _plain(part) for name, part in value.asDict().items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    if isinstance(value, dict):
        return {_key(key): _plain(part) for key, part in value.items()}
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    return value


def _key(key: Any) -> str:
    """Return a map's key as the text that JSON wants: that of a struct is the object, as a text."""
    return key if isinstance(key, str) else _json(_plain(key)).strip('"')


def _json(value: Any) -> str:
    """Return a plain value as JSON; Python's own has no numbers that are as exact as decimals."""
    if isinstance(value, dict):
        return f"{{{', '.join(f'{_json(key)}: {_json(part)}' for key, part in value.items())}}}"
    if isinstance(value, list):
        return f"[{', '.join(map(_json, value))}]"
    if isinstance(value, Decimal):
        return f"{value:f}"
    return json.dumps(value, ensure_ascii=False, allow_nan=False, default=str)


def _text(value: Any) -> str:
    if value is None:
        return ""
    return _json(value) if isinstance(value, dict | list) else str(value)
