"""What a function is given to store its intermediate results with."""

from collections.abc import Callable
from typing import Protocol

from pyspark.sql import DataFrame

Checkpoint = Callable[[DataFrame, str], DataFrame]
"""Computes rows and stores them under a name, at once; returns what to read from then on."""


class BoundedCheckpoint(Protocol):
    """A `Checkpoint` that may be told how many bytes the rows take at most: few may need no file."""

    def __call__(self, rows: DataFrame, name: str, *, max_bytes: int | None = None) -> DataFrame:
        """Compute and store rows."""
