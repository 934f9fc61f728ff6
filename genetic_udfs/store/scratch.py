"""Scratch space of a run: results of a stage, so that no later stage computes them again.

It cuts the plan of a round off from the plans before it and, unlike cached data, survives the loss of an executor: a
result is Parquet, or stays in the driver where it is small, because writing and reading a file takes longer. Nothing
here is needed to resume: the ledger is. In the process that wrote them, a generation's plans decide what is asked.
"""

import logging
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import reduce
from pathlib import PurePosixPath
from typing import Any, Final, Self
from weakref import WeakKeyDictionary

import pyarrow as pa
from py4j.protocol import Py4JError
from pyspark.errors import PySparkException
from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.pandas.types import to_arrow_schema
from pyspark.sql.types import StructType

from genetic_udfs.runtime.error_text import text_of
from genetic_udfs.runtime.session import file_system, literal_path
from genetic_udfs.store.location import resolve_path

# What the driver keeps of a generation, as Arrow; what is more than is left of that becomes a file. Tasks bring it to
# executors, in messages of 128 MB at most by default (`spark.rpc.message.maxSize`).
_MAX_BYTES: Final = 64 << 20
# To start a task takes as long as what a stage does with some hundred rows.
_ROWS_A_TASK: Final = 500
_BYTES_A_TASK: Final = 16 << 20


@dataclass(frozen=True)
class Scratch:
    """Results that live as long as a generation is being made: in a folder of the store, or in the driver.

    `root`, the folder, is beneath the store's, be that a folder or a schema.
    """

    spark: SparkSession
    root: str
    # What the driver keeps by name, and None for what lies in a file.
    _kept: dict[str, pa.Table | None] = field(default_factory=dict, repr=False, compare=False)
    _observed: WeakKeyDictionary[DataFrame, dict[str, Any]] = field(
        default_factory=WeakKeyDictionary, repr=False, compare=False
    )

    @classmethod
    def beside(cls, spark: SparkSession, path: str) -> Self:
        """Return a new folder beside the one that a job writes to."""
        return cls(spark, f"{path.rstrip('/')}.scratch-{uuid.uuid4().hex[:8]}")

    def checkpoint(
        self,
        rows: DataFrame,
        name: str,
        observed: Mapping[str, Column] | None = None,
        *,
        by: str | None = None,
        max_bytes: int | None = None,
    ) -> DataFrame:
        """Keep rows under a name and return them as read from there, in the same schema.

        Args:
            rows: any columns.
            name: a path beneath the folder.
            observed: aggregates over the rows, computed as they are written, for `observed`.
            by: an integer column, each of whose values gets a folder, so that a filter on it reads that alone.
            max_bytes: an upper estimate of the rows' size; without one, and with `by`, a file is written.
        """
        seen, table = Observation(), None
        aggregates = {"rows": F.count(F.lit(1)), **(observed or {})}
        counted = rows.observe(seen, *(value.alias(key) for key, value in aggregates.items()))
        if by is None and self.has_room(max_bytes):
            table = counted.toArrow()
            counted = kept = self._local(table, rows.schema)
        if table is None or not self.has_room(table.nbytes):
            table, path = None, self._path(name)
            # Nothing looks for the file that says that all are there, and each file is a process: Hadoop calls chmod.
            writer = counted.write.mode("overwrite").option("mapreduce.fileoutputcommitter.marksuccessfuljobs", "false")
            (writer if by is None else writer.partitionBy(by)).parquet(path)
            kept = self.spark.read.schema(rows.schema).parquet(literal_path(path))
        self._kept[name] = table
        self._observed[kept] = seen.get
        return kept

    def has_room(self, max_bytes: int | None) -> bool:
        """Tell whether rows of at most this size stay in the driver; those of unknown size (None) do not."""
        left = _MAX_BYTES - sum(table.nbytes for table in self._kept.values() if table is not None)
        return max_bytes is not None and max_bytes <= left

    def read(self, name: str, schema: StructType) -> DataFrame | None:
        """Return what `checkpoint` has kept under names that a pattern matches; None where that is nothing."""
        found = {each: table for each, table in self._kept.items() if PurePosixPath("/", each).match(f"/{name}")}
        arrow = to_arrow_schema(schema, timezone="UTC")
        tables = [table.select(arrow.names).cast(arrow) for table in found.values() if table is not None]
        paths = [literal_path(self._path(each)) for each, table in found.items() if table is None]
        frames = [self._local(pa.concat_tables(tables), schema)] if tables else []
        if paths:
            frames.append(self.spark.read.schema(schema).parquet(*paths))
        return reduce(DataFrame.unionByName, frames) if frames else None

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
        self._kept.clear()
        try:
            self._remove(self.root)
        except (PySparkException, Py4JError) as error:  # not in place of the error with which a run ends
            logging.getLogger(__name__).warning("%s is left: %s", self.root, text_of(error).splitlines()[0])

    def sweep(self) -> None:
        """Remove the folder that holds this one, with what killed runs have left in it."""
        self._remove(self.root.rpartition("/")[0])

    def _local(self, table: pa.Table, schema: StructType) -> DataFrame:
        """Return the driver's rows; few are in one partition, so nothing that is made of them alone needs a shuffle."""
        tasks = 1 + max(table.num_rows // _ROWS_A_TASK, table.nbytes // _BYTES_A_TASK)
        return self.spark.createDataFrame(table, schema).coalesce(tasks)

    def _path(self, name: str) -> str:
        return f"{resolve_path(self.spark, self.root)}/{name}"

    def _remove(self, folder: str) -> None:
        system, path = file_system(self.spark, resolve_path(self.spark, folder))
        system.delete(path, True)
