"""A table's columns as a dataset card lists them: the types of Hugging Face's `datasets`, and what values take."""

from functools import reduce
from operator import add
from typing import Any, Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import (
    ArrayType,
    BooleanType,
    DataType,
    DoubleType,
    FloatType,
    IntegerType,
    LongType,
    StringType,
    StructType,
)

from genetic_udfs.errors import ConfigurationError

_DTYPES: Final[dict[type[DataType], str]] = {
    StringType: "string",
    IntegerType: "int32",
    LongType: "int64",
    FloatType: "float32",
    DoubleType: "float64",
    BooleanType: "bool",
}
_BYTES: Final[dict[type[DataType], int]] = {IntegerType: 4, LongType: 8, FloatType: 4, DoubleType: 8, BooleanType: 1}


def features_of(schema: StructType) -> list[dict[str, Any]]:
    """Return the entries of `dataset_info.features` for a table's columns, in their order."""
    return [{"name": field.name, **_feature(field.dataType)} for field in schema.fields]


def bytes_of(schema: StructType) -> Column:
    """Return the bytes of the values of a row: texts in UTF-8, numbers as wide as they are; a null has none."""
    return reduce(add, (_size(F.col(f"`{field.name}`"), field.dataType) for field in schema.fields), F.lit(0))


def _size(value: Column, kind: DataType) -> Column:
    if isinstance(kind, StringType):
        size = F.octet_length(value).cast("long")
    elif isinstance(kind, ArrayType):
        element = kind.elementType
        size = F.aggregate(value, F.lit(0).cast("long"), lambda total, item: total + _size(item, element))
    elif isinstance(kind, StructType):
        size = reduce(add, (_size(value.getField(field.name), field.dataType) for field in kind.fields))
    else:
        size = F.when(value.isNotNull(), F.lit(_BYTES[type(kind)]).cast("long"))
    return F.coalesce(size, F.lit(0).cast("long"))


def _feature(kind: DataType) -> dict[str, Any]:
    if isinstance(kind, ArrayType):
        return {"list": _element(kind.elementType)}
    if isinstance(kind, StructType):
        return {"struct": features_of(kind)}
    if type(kind) not in _DTYPES:
        raise ConfigurationError(
            f"a column of the population has the type {kind.simpleString()}, which a data set's card has no word for;"
            f" take it out of the table, or choose another --format"
        )
    return {"dtype": _DTYPES[type(kind)]}


def _element(kind: DataType) -> Any:
    if isinstance(kind, StructType):
        return features_of(kind)
    feature = _feature(kind)
    return feature.get("dtype", feature)
