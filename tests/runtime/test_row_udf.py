"""Functions of a row's values as they run in a worker."""

import gc
from collections.abc import Iterator

import pandas as pd
import pytest
from pyspark.sql.types import StringType

from genetic_udfs.runtime.row_udf import freeze_imports, row_udf


@pytest.fixture
def nothing_frozen() -> Iterator[None]:
    """As in a process that has not run any such function."""
    gc.unfreeze()
    freeze_imports.cache_clear()
    yield
    gc.unfreeze()


@pytest.mark.usefixtures("nothing_frozen")
def test_what_is_imported_is_not_looked_at_after_each_task() -> None:
    upper = row_udf(str.upper, StringType())
    assert gc.get_freeze_count() == 0
    assert [*upper.func(pd.Series(["a"]))] == ["A"]  # type: ignore[attr-defined]
    frozen = gc.get_freeze_count()
    assert frozen > 10_000
    made: list[list[int]] = [[] for _ in range(1000)]
    upper.func(pd.Series(["b"]))  # type: ignore[attr-defined]
    assert made and gc.get_freeze_count() <= frozen  # once: what later tasks make is collected
