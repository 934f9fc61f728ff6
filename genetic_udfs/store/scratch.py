"""Scratch space of a run: results of a stage as Parquet, so that no later stage computes them again.

It cuts the plan of a round off from the plans before it and, unlike cached data, survives the loss of an executor.
Nothing here is needed to resume: the ledger is.
"""

import uuid
from dataclasses import dataclass, field
from typing import Self
from weakref import WeakKeyDictionary

from pyspark.sql import DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.runtime.session import file_system
from genetic_udfs.store.location import located


@dataclass(frozen=True)
class Scratch:
    """A folder of the store that lives as long as a generation is being made.

    `root` is beneath the store's, be that a folder or a schema.
    """

    spark: SparkSession
    root: str
    _counts: WeakKeyDictionary[DataFrame, int] = field(default_factory=WeakKeyDictionary, repr=False, compare=False)

    @classmethod
    def beside(cls, spark: SparkSession, path: str) -> Self:
        """Return a new folder beside the one that a job writes to."""
        return cls(spark, f"{path.rstrip('/')}.scratch-{uuid.uuid4().hex[:8]}")

    def checkpoint(self, rows: DataFrame, name: str) -> DataFrame:
        """Write rows under a name and return them as read from there, in the same schema."""
        path = f"{located(self.spark, self.root)}/{name}"
        written = Observation()
        rows.observe(written, F.count(F.lit(1)).alias("rows")).write.mode("overwrite").parquet(path)
        kept = self.spark.read.schema(rows.schema).parquet(path)
        self._counts[kept] = written.get["rows"]
        return kept

    def has(self, rows: DataFrame) -> bool:
        """Tell whether rows are what `checkpoint` has returned."""
        return rows in self._counts

    def count(self, kept: DataFrame) -> int:
        """Return the number of rows of what `checkpoint` has returned, which was counted as it was written."""
        return self._counts[kept]

    def clear(self) -> None:
        """Remove everything kept."""
        self._remove(self.root)

    def sweep(self) -> None:
        """Remove the folder that holds this one, with what killed runs have left in it."""
        self._remove(self.root.rpartition("/")[0])

    def _remove(self, folder: str) -> None:
        system, path = file_system(self.spark, located(self.spark, folder))
        system.delete(path, True)
