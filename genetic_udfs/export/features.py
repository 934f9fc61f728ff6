"""A table's columns as a dataset card lists them: the types of Hugging Face's `datasets`, and what values take."""

from typing import Any, Final

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


def features_of(schema: StructType) -> list[dict[str, Any]]:
    """Return the entries of `dataset_info.features` for a table's columns, in their order."""
    return [{"name": field.name, **_feature(field.dataType)} for field in schema.fields]


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
