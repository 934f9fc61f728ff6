"""What a tournament is decided by: fitness, how far an individual is from its neighbours, or how rare its kind is.

A score is computed of contestants alone, so it costs what is asked for, not what the population holds.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import DoubleType, StringType, StructField, StructType

from genetic_udfs.embedding.landmarks import novelty, unpacked
from genetic_udfs.runtime.arrow import batches_of, rows

Scores = Callable[[DataFrame], DataFrame]
"""Returns `id` and `score`, the higher the better, of contestants given as `id` and `fitness`."""

# Individuals among which neighbours are looked for.
REFERENCE: Final = 2000
_SCORED: Final = StructType([StructField("id", StringType()), StructField("score", DoubleType())])


def by_novelty(embeddings: DataFrame, seed: int) -> Scores:
    """Score by the mean distance to the nearest neighbours among a drawn sample of the population.

    Args:
        embeddings: `id` and `vector` of the population, as `embedding.landmarks` packs them.
        seed: of the draw.
    """
    drawn = F.xxhash64(F.lit(seed).cast("long"), F.lit("reference"), "id")
    reference = embeddings.select("id", "vector").orderBy(drawn, "id").limit(REFERENCE).collect()
    others = [str(row["id"]) for row in reference]
    among = unpacked([bytes(row["vector"]) for row in reference])
    shared = embeddings.sparkSession.sparkContext.broadcast((others, among))

    def score(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_novelties(batches, *shared.value), _SCORED)

    def scores(contestants: DataFrame) -> DataFrame:
        found = embeddings.join(contestants.select("id"), "id", "left_semi").select("id", "vector")
        return found.mapInArrow(score, _SCORED)

    return scores


def by_rarity(embeddings: DataFrame) -> Scores:
    """Score by how few are in a contestant's cell, which is its cluster and its level of difficulty; then by fitness.

    So parents come from all over the map of cells, and from the rarest first (MAP-Elites: Mouret and Clune,
    arXiv 1504.04909).

    Args:
        embeddings: `id`, `cluster` and `level` of the population.
    """
    cell = F.concat_ws("/", "cluster", "level")
    sizes = embeddings.groupBy(cell.alias("cell")).agg(F.count(F.lit(1)).alias("size"))
    fitness = F.least(F.coalesce("fitness", F.lit(0.0)), F.lit(0.999))
    score = (fitness - F.col("size")).cast("double").alias("score")

    def scores(contestants: DataFrame) -> DataFrame:
        cells = embeddings.select("id", cell.alias("cell")).join(contestants, "id")
        return cells.join(F.broadcast(sizes), "cell").select("id", score)

    return scores


def _novelties(batches: Iterable[pa.RecordBatch], others: list[str], among: Any) -> Iterator[tuple[str, float]]:
    for batch in batches:
        found = [*rows([batch], "id", "vector")]
        if found:
            ids = [name for name, _ in found]
            scores = novelty(ids, unpacked([vector for _, vector in found]), others, among)
            yield from zip(ids, scores.tolist(), strict=True)
