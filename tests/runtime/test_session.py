"""Spark's settings: which stages hand their rows to Python a few at a time."""

from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import SparkSession

from genetic_udfs.runtime.session import small_batches


def sizes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"size": pa.array([batch.num_rows], pa.int64())})


def test_rows_come_in_small_batches_where_they_take_long_and_else_in_sparks_own(spark: SparkSession) -> None:
    numbers = spark.range(0, 100, 1, 1)
    with small_batches(spark):
        few = [row["size"] for row in numbers.mapInArrow(sizes, "size long").collect()]
    assert few == [32, 32, 32, 4]
    assert [row["size"] for row in numbers.mapInArrow(sizes, "size long").collect()] == [100]
