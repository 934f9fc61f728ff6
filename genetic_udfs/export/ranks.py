"""Numbers the rows of a table in an order, 0..N-1, without sorting them in one task."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from genetic_udfs.runtime.checkpoint import Checkpoint

# `monotonically_increasing_id` has the partition above these bits, and the row within it below.
_ROW_BITS: Final = 33


def numbered(rows: DataFrame, order: Sequence[Column | str], name: str, checkpoint: Checkpoint) -> DataFrame:
    """Return rows with `rank`, their place in an order that must be total.

    Args:
        rows: the rows, without a column `at` or `rank`.
        order: the columns to sort by.
        name: of the sorted rows, for `checkpoint`.
        checkpoint: stores them with the place that they were sorted to.
    """
    at = checkpoint(rows.orderBy(*order).withColumn("at", F.monotonically_increasing_id()), name)
    partition = F.shiftright("at", _ROW_BITS)
    counts = {row[0]: row[1] for row in at.groupBy(partition).count().collect()}
    first, start = {}, 0
    for number in sorted(counts):
        first[number], start = start, start + counts[number]
    offsets = rows.sparkSession.createDataFrame(list(first.items()) or [(0, 0)], "partition long, offset long")
    row = F.col("at").bitwiseAND((1 << _ROW_BITS) - 1)
    return (
        at.withColumn("partition", partition)
        .join(F.broadcast(offsets), "partition")
        .withColumn("rank", F.col("offset") + row)
        .drop("at", "partition", "offset")
    )
