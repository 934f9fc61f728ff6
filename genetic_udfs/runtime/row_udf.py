"""Makes column functions of pure functions on a row's values, through pandas UDFs."""

import gc
from collections.abc import Callable
from functools import cache
from typing import Any

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import DataType, StructType


@cache
def freeze_imports() -> None:
    """Take what a worker has imported out of the collection of garbage that PySpark does after each task: 50 ms."""
    gc.freeze()


def row_udf(function: Callable[..., Any], returns: DataType) -> Callable[..., Column]:
    """Return a function of columns that applies `function` to the values of each row.

    Args:
        function: Takes a value for each column, None for null. For a struct it returns a tuple of the fields, and
            None for a struct of nulls.
        returns: Spark's type of the result.
    """
    fields = returns.fieldNames() if isinstance(returns, StructType) else None
    nothing = None if fields is None else (None,) * len(fields)

    def results(columns: tuple[Any, ...]) -> list[Any]:
        freeze_imports()
        rows = (function(*values) for values in zip(*columns, strict=True))
        return [nothing if row is None else row for row in rows]

    def structs(*columns: pd.Series) -> pd.DataFrame:
        return pd.DataFrame(results(columns), columns=fields, dtype=object)

    def values(*columns: pd.Series) -> pd.Series:
        return pd.Series(results(columns), dtype=object)

    udf: Callable[..., Column] = pandas_udf(values if fields is None else structs, returns)  # type: ignore[call-overload]
    return udf
