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
    """Return the entries of `dataset_info.features` for a table's columns, in their order.

    Raises:
        ConfigurationError: naming a column or field, if `datasets` has no type for it.
    """
    return _features(schema, ())


def _features(schema: StructType, above: tuple[str, ...]) -> list[dict[str, Any]]:
    return [{"name": field.name, **_feature(field.dataType, (*above, field.name))} for field in schema.fields]


def _feature(kind: DataType, path: tuple[str, ...]) -> dict[str, Any]:
    if isinstance(kind, ArrayType):
        return {"list": _element(kind.elementType, (*path, "[]"))}
    if isinstance(kind, StructType):
        return {"struct": _features(kind, path)}
    if type(kind) not in _DTYPES:
        name = ".".join(path)
        raise ConfigurationError(
            f"the population's {name!r} has the type {kind.simpleString()}, which a data set's card has no word for;"
            f" drop the column {path[0]!r}, or choose another --format than parquet"
        )
    return {"dtype": _DTYPES[type(kind)]}


def _element(kind: DataType, path: tuple[str, ...]) -> Any:
    if isinstance(kind, StructType):
        return _features(kind, path)
    feature = _feature(kind, path)
    return feature.get("dtype", feature)
