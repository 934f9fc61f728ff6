"""Rows out of Arrow batches and into them, whatever bytes and however many rows a batch holds."""

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeVar

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

_ROWS_A_BATCH: Final = 8192

# Some 1,000 usual texts: enough for numpy to be fast where Arrow batches have few rows, and few enough for long texts.
_CHARACTERS: Final = 1 << 20

_Row = TypeVar("_Row", bound=tuple[Any, ...])


def local_frame(spark: SparkSession, rows: Sequence[Mapping[str, Any]], schema: StructType) -> DataFrame:
    """Return a few rows of the driver's as a local relation, which Spark's optimiser computes without a job.

    Args:
        spark: The session.
        rows: Values by column; a column that is not there is null. Moments have a time zone.
        schema: Of the result.
    """
    table = pa.Table.from_pylist([*rows], schema=to_arrow_schema(schema, timezone="UTC"))
    return spark.createDataFrame(table, schema)


def rows(batches: Iterable[pa.RecordBatch], *columns: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of some columns.

    Bytes of a string that are no UTF-8 are replaced. Spark checks no encoding: a binary column cast to string, or a
    file in another encoding, can hold anything, and Arrow's own decoding would end the job.
    """
    for batch in batches:
        yield from zip(*(_values(batch.column(name)) for name in columns), strict=True)


def batches_of(
    rows: Iterable[tuple[Any, ...]], schema: StructType, rows_a_batch: int = _ROWS_A_BATCH
) -> Iterator[pa.RecordBatch]:
    """Yield rows as batches of a schema."""
    arrow_schema = to_arrow_schema(schema)
    rest = iter(rows)
    while some := list(itertools.islice(rest, rows_a_batch)):
        columns = zip(*some, strict=True)
        arrays = [pa.array(values, field.type) for values, field in zip(columns, arrow_schema, strict=True)]
        yield pa.RecordBatch.from_arrays(arrays, schema=arrow_schema)


def chunks(rows: Iterable[_Row]) -> Iterator[list[_Row]]:
    """Yield rows whose last value is a text, some `_CHARACTERS` of text at a time."""
    chunk: list[_Row] = []
    characters = 0
    for row in rows:
        chunk.append(row)
        characters += len(row[-1])
        if characters >= _CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _values(column: pa.Array) -> Iterable[Any]:
    if not (pa.types.is_string(column.type) or pa.types.is_large_string(column.type)):
        values: list[Any] = column.to_pylist()
        return values
    in_bytes = column.cast(pa.large_binary()).to_pylist()
    return (None if value is None else value.decode("utf-8", "replace") for value in in_bytes)
