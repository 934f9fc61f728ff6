"""`jobs/sql.py`: runs SQL on a store's tables, which stand in the session's catalog under their names."""

import csv
import json
import sys
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated, Any, TextIO

import typer
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, Row
from rich.console import Console
from rich.table import Table
from rich.text import Text

from genetic_udfs.commands.ending import hear_signals
from genetic_udfs.commands.evolve import ConfigArgument, SetOption
from genetic_udfs.config_file import load_config
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.session import open_session
from genetic_udfs.store.tables import Store


class Format(StrEnum):
    """How rows are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


def sql(
    config: ConfigArgument,
    query: Annotated[str, typer.Argument(help='such as "SELECT * FROM population VERSION AS OF 1"')],
    format_: Annotated[Format, typer.Option("--format", help="json is one object a line")] = Format.TABLE,
    overrides: SetOption = None,
) -> None:
    """Run a query on the tables of a store: population, candidates, replies, generations, runs."""
    settings = load_config(config, overrides or [])
    spark = open_session(settings, "genetic-udfs sql")
    hear_signals()
    try:
        store = Store(spark, settings.store)
        if not store.register():
            raise StoreError(
                f"store: {settings.store} has no tables yet; run jobs/evolve.py with this configuration first"
            )
        try:
            print_rows(spark.sql(query), format_, sys.stdout)
        except PySparkException as error:
            raise ConfigurationError(f"the query cannot be run: {error}") from None
    finally:
        spark.stop()


def print_rows(rows: DataFrame, format_: Format, out: TextIO) -> None:
    """Print every row of a result; as CSV or JSON part by part, so that it need not fit into memory.

    Raises:
        ConfigurationError: if JSON is asked for and two columns have the same name.
    """
    names = rows.columns
    values = ([_plain(value) for value in row] for row in rows.toLocalIterator())
    if format_ is Format.JSON:
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise ConfigurationError(f"two columns are named {', '.join(repeated)}; name them apart with AS")
        for row in values:
            print(json.dumps(dict(zip(names, row, strict=True)), ensure_ascii=False, default=str), file=out)
    elif format_ is Format.CSV:
        writer = csv.writer(out)
        writer.writerow(names)
        writer.writerows([_text(value) for value in row] for row in values)
    else:
        _print_table(names, [[_text(value) for value in row] for row in values], out)


def _print_table(names: Sequence[str], rows: Sequence[Sequence[str]], out: TextIO) -> None:
    table = Table()
    for name in names:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(value) for value in row))
    Console(file=out, width=140, highlight=False).print(table)


def _plain(value: Any) -> Any:
    """Turn Spark's rows within a value into mappings."""
    if isinstance(value, Row):
        return {name: _plain(part) for name, part in value.asDict().items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return value


def _text(value: Any) -> str:
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list) else str(value)
