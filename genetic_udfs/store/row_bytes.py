"""How many bytes rows have before they are compressed."""

from collections.abc import Iterable
from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructType,
    TimestampType,
)

from genetic_udfs.runtime.identifier import quoted

_WIDTHS: Final[dict[type[DataType], int]] = {
    BooleanType: 1,
    IntegerType: 4,
    LongType: 8,
    FloatType: 4,
    DoubleType: 8,
    TimestampType: 8,
}


def row_bytes(schema: StructType) -> Column:
    """Return a row's bytes: those of texts and binary values as they are, of numbers their width, of nulls none.

    Args:
        schema: of the row, without maps.
    """
    columns = ((F.col(quoted(field.name)), field.dataType) for field in schema.fields)
    return _total(_bytes(value, data_type) for value, data_type in columns)


def _bytes(value: Column, data_type: DataType) -> Column:
    if isinstance(data_type, ArrayType):
        each = data_type.elementType
        found = F.aggregate(value, F.lit(0).cast("long"), lambda total, element: total + _bytes(element, each))
    elif isinstance(data_type, StructType):
        found = _total(_bytes(value.getField(field.name), field.dataType) for field in data_type.fields)
    elif isinstance(data_type, (StringType, BinaryType)):
        found = F.octet_length(value).cast("long")
    else:
        found = F.when(value.isNotNull(), F.lit(_WIDTHS[type(data_type)]).cast("long"))
    return F.coalesce(found, F.lit(0).cast("long"))


def _total(parts: Iterable[Column]) -> Column:
    return sum(parts, F.lit(0).cast("long"))
