"""Scratch space of a run: results of a stage as Parquet, so that no later stage computes them again.

It cuts the plan of a round off from the plans before it and, unlike cached data, survives the loss of an executor.
Nothing here is needed to resume: the ledger is. In the process that wrote them, a generation's plans decide what is
asked.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from weakref import WeakKeyDictionary

from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from genetic_udfs.runtime.error_text import text_of
from genetic_udfs.runtime.session import file_system, literal_path
from genetic_udfs.store.location import resolve_path


@dataclass(frozen=True)
class Scratch:
    """A folder of the store that lives as long as a generation is being made.

    `root` is beneath the store's, be that a folder or a schema.
    """

    spark: SparkSession
    root: str
    _observed: WeakKeyDictionary[DataFrame, dict[str, Any]] = field(
        default_factory=WeakKeyDictionary, repr=False, compare=False
    )

    @classmethod
    def beside(cls, spark: SparkSession, path: str) -> Self:
        """Return a new folder beside the one that a job writes to."""
        return cls(spark, f"{path.rstrip('/')}.scratch-{uuid.uuid4().hex[:8]}")

    def checkpoint(
        self, rows: DataFrame, name: str, observed: Mapping[str, Column] | None = None, *, by: str | None = None
    ) -> DataFrame:
        """Write rows under a name and return them as read from there, in the same schema.

        Args:
            rows: any columns.
            name: a path beneath the folder.
            observed: aggregates over the rows, computed as they are written, for `observed`.
            by: an integer column, each of whose values gets a folder, so that a filter on it reads that alone.
        """
        path = f"{resolve_path(self.spark, self.root)}/{name}"
        seen = Observation()
        aggregates = {"rows": F.count(F.lit(1)), **(observed or {})}
        writer = rows.observe(seen, *(value.alias(key) for key, value in aggregates.items())).write.mode("overwrite")
        # Nothing looks for the file that says that all are there, and each file is a process: Hadoop calls chmod.
        writer = writer.option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
        (writer if by is None else writer.partitionBy(by)).parquet(path)
        kept = self.spark.read.schema(rows.schema).parquet(literal_path(path))
        self._observed[kept] = seen.get
        return kept

    def read(self, name: str, schema: StructType) -> DataFrame | None:
        """Return what `checkpoint` has written under names that a pattern matches; None where that is nothing."""
        pattern = f"{literal_path(resolve_path(self.spark, self.root))}/{name}"
        system, path = file_system(self.spark, pattern)
        found = [literal_path(status.getPath().toString()) for status in system.globStatus(path) or ()]
        return self.spark.read.schema(schema).parquet(*found) if found else None

    def has(self, rows: DataFrame) -> bool:
        """Tell whether rows are what `checkpoint` has returned."""
        return rows in self._observed

    def count(self, kept: DataFrame) -> int:
        """Return the number of rows of what `checkpoint` has returned, which was counted as it was written."""
        return int(self.observed(kept)["rows"])

    def observed(self, kept: DataFrame) -> dict[str, Any]:
        """Return the aggregates of what `checkpoint` has returned, by their names."""
        return self._observed[kept]

    def clear(self) -> None:
        """Remove everything kept; what cannot be removed is left, as nothing depends on it."""
        try:
            self._remove(self.root)
        except (PySparkException, Py4JError) as error:  # not in place of the error with which a run ends
            logging.getLogger(__name__).warning("%s is left: %s", self.root, text_of(error).splitlines()[0])

    def sweep(self) -> None:
        """Remove the folder that holds this one, with what killed runs have left in it."""
        self._remove(self.root.rpartition("/")[0])

    def _remove(self, folder: str) -> None:
        system, path = file_system(self.spark, resolve_path(self.spark, folder))
        system.delete(path, True)
