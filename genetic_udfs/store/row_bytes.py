"""How many bytes rows have before they are compressed."""

from typing import Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    IntegerType,
    LongType,
    StringType,
    StructType,
    TimestampType,
)

_WIDTHS: Final[dict[type[DataType], int]] = {
    BooleanType: 1,
    IntegerType: 4,
    LongType: 8,
    DoubleType: 8,
    TimestampType: 8,
}


def row_bytes(schema: StructType) -> Column:
    """Return a row's bytes: those of texts and binary values as they are, of numbers their width, of nulls none.

    Args:
        schema: of the row, without maps and structs.
    """
    return sum((_bytes(F.col(field.name), field.dataType) for field in schema.fields), F.lit(0))


def _bytes(value: Column, data_type: DataType) -> Column:
    if isinstance(data_type, ArrayType):
        each = data_type.elementType
        found = F.aggregate(value, F.lit(0), lambda total, element: total + _bytes(element, each))
    elif isinstance(data_type, (StringType, BinaryType)):
        found = F.octet_length(value)
    else:
        found = F.when(value.isNotNull(), F.lit(_WIDTHS[type(data_type)]))
    return F.coalesce(found, F.lit(0))
