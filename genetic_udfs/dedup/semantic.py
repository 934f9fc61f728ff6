"""Texts that say the same in other words: those whose embeddings are near to a kept one's. Every pair is compared.

Products of blocks of vectors take a fraction of what it takes to embed the texts, so nothing is hashed and nothing is
missed. The cost is one scan of the kept vectors, and a product of each with each new one.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, Observation, Window
from pyspark.sql import functions as F
from pyspark.sql.types import FloatType, IntegerType, StringType, StructField, StructType

from genetic_udfs.config import EmbeddingModel
from genetic_udfs.dedup import columns as c
from genetic_udfs.embedding.landmarks import packed, unpacked
from genetic_udfs.embedding.vectors import Embedded, embedded_rows
from genetic_udfs.runtime.arrow import batches_of, local_frame, rows
from genetic_udfs.runtime.checkpoint import Checkpoint

SEMANTIC: Final = "semantic"  # in the column `method`

# New texts that are taken at once, with 2 kB each in every process; more are taken in turns, in their order.
NEW_AT_ONCE: Final = 100_000
# Vectors that are multiplied at once: of kept texts and of new ones, whose similarities stay in the cache, and of new
# texts with all new ones that are kept so far.
_KEPT, _NEW, _ROWS = 512, 2048, 256
# Cosines of single precision that differ by less are equal, in whatever blocks they were computed.
_EQUAL: Final = 1e-6

_NEAREST: Final = StructType(
    [StructField("place", IntegerType()), StructField(c.ID, StringType()), StructField(c.SIMILARITY, FloatType())]
)


def embed(texts: DataFrame, model: EmbeddingModel) -> DataFrame:
    """Return the embeddings of texts that are neither null nor blank.

    Args:
        texts: `id`, `rank` and `text`.
        model: what embeds them.

    Returns:
        Columns as `columns.EMBEDDED`.
    """
    given = texts.filter(F.col(c.TEXT).rlike(r"\S"))
    return embedded_rows(given, [c.ID, c.RANK, c.TEXT], model, _embedded, c.EMBEDDED)


def semantic_duplicates(
    new: DataFrame, kept: DataFrame, threshold: float, checkpoint: Checkpoint, *, count: int
) -> DataFrame:
    """Find the new texts that are dropped because they say what a kept one says.

    A new text is dropped if the cosine of its embedding and that of a kept text reaches the threshold. Kept are all of
    `kept`, and those of `new` that are not dropped, in the order of their ranks.

    Args:
        new: columns as `columns.EMBEDDED`; read several times.
        kept: `id` and `vector`, by the same model.
        threshold: from which cosine on.
        checkpoint: stores intermediate results.
        count: number of new texts. The driver holds some of them at once, and no more however many there are.

    Returns:
        Columns as `columns.DROPPED`; `similarity` is the cosine, and the partner the most similar kept text before it.
    """
    spark = new.sparkSession
    new = new.select(*c.EMBEDDED.fieldNames())
    turns = -(-count // NEW_AT_ONCE)
    if turns > 1:  # one task counts, so it gets keys alone
        places = new.select(c.ID, F.row_number().over(Window.orderBy(c.RANK, c.ID)).alias("place"))
        turn = F.floor((F.col("place") - 1) / NEW_AT_ONCE).cast("int").alias("turn")
        new = checkpoint(new.join(places.select(c.ID, turn), c.ID), "turns")
    found = local_frame(spark, [], c.DROPPED)
    for number in range(turns):
        here, others = new, kept.select(c.ID, c.VECTOR)
        if turns > 1:
            here, before = new.filter(F.col("turn") == number), new.filter(F.col("turn") < number)
            rest = before.join(found.select(c.ID), c.ID, "left_anti")
            others = others.unionByName(rest.select(c.ID, c.VECTOR))
        dropped = local_frame(spark, [*_dropped_of_turn(here, others, threshold)], c.DROPPED)
        found = found.unionByName(dropped if turns == 1 else checkpoint(dropped, f"turn-{number}"))
    return found


def _dropped_of_turn(new: DataFrame, kept: DataFrame, threshold: float) -> Iterator[dict[str, Any]]:
    """Yield what is dropped of new texts that the driver holds at once, as rows of `columns.DROPPED`."""
    texts = new.select(c.RANK, c.ID, c.VECTOR).toArrow().sort_by([(c.RANK, "ascending"), (c.ID, "ascending")])
    names, stored = texts[c.ID].to_pylist(), texts[c.VECTOR].to_pylist()
    for at, partner, cosine in _greedy(_unit(stored), nearest_of(kept, stored, threshold), threshold):
        duplicate_of = names[partner] if isinstance(partner, int) else partner
        yield {c.ID: names[at], c.DUPLICATE_OF: duplicate_of, c.SIMILARITY: cosine, c.METHOD: SEMANTIC}


def nearest_of(kept: DataFrame, new: list[bytes], threshold: float) -> dict[int, tuple[str, float]]:
    """Return the nearest kept text of each new one that has any as near as the threshold, of equals the first by id.

    Args:
        kept: `id` and `vector`.
        new: vectors as they are stored; they are sent to every process.
        threshold: from which cosine on.

    Returns:
        By the place of the new text: the kept one's id, and the cosine.
    """
    shared = kept.sparkSession.sparkContext.broadcast(new)

    def compare(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_nearest(batches, _unit(shared.value), threshold), _NEAREST)

    first = F.min_by(c.ID, F.struct(-F.col(c.SIMILARITY), c.ID))
    found = kept.mapInArrow(compare, _NEAREST).groupBy("place").agg(first, F.max(c.SIMILARITY))
    return {place: (name, cosine) for place, name, cosine in found.collect()}


def dropped_by_meaning(
    new: DataFrame,
    kept: DataFrame,
    dropped: DataFrame,
    threshold: float,
    model: EmbeddingModel,
    checkpoint: Checkpoint,
) -> DataFrame:
    """Return what is dropped of the new texts that are kept by their words, columns as `columns.DROPPED`.

    Args:
        new: `id`, `rank` and `text`.
        kept: `id` and `text`; all of them are embedded.
        dropped: `id` of the new texts that words have dropped.
        threshold: from which cosine on.
        model: what embeds them.
        checkpoint: stores intermediate results.
    """
    embedding = Observation()
    rest = embed(new.join(dropped.select(c.ID), c.ID, "left_anti"), model)
    known = embed(kept.withColumn(c.RANK, F.lit(0).cast("long")), model)
    rest = checkpoint(rest.observe(embedding, F.count(F.lit(1)).alias("count")), "vectors")
    known = checkpoint(known, "known-vectors")
    return semantic_duplicates(rest, known, threshold, checkpoint, count=embedding.get["count"])


def _nearest(
    batches: Iterable[pa.RecordBatch], new: NDArray[np.float32], threshold: float
) -> Iterator[tuple[int, str, float]]:
    """Yield place, id and cosine of the nearest of a partition's texts, for the new texts that have one."""
    cosines, ids = np.full(len(new), -np.inf, np.float32), np.full(len(new), "", object)
    for batch in batches if len(new) else ():
        found = sorted(rows([batch], c.ID, c.VECTOR))
        for begin in range(0, len(found), _KEPT):
            some = found[begin : begin + _KEPT]
            vectors = _unit([vector for _, vector in some])
            for first in range(0, len(new), _NEW):
                products = vectors @ new[first : first + _NEW].T
                least = np.maximum(cosines[first : first + _NEW], threshold) - _EQUAL
                for place in np.flatnonzero(products.max(axis=0) >= least).tolist():
                    at, cosine = _first_highest(products[:, place])
                    key, known = (
                        (_rounded(-cosine), some[at][0]),
                        (_rounded(-cosines[first + place]), ids[first + place]),
                    )
                    if key < known:
                        ids[first + place], cosines[first + place] = some[at][0], cosine
    for place in np.flatnonzero(np.isfinite(cosines)).tolist():
        yield place, ids[place], _rounded(float(cosines[place]))


def _greedy(
    new: NDArray[np.float32], nearest: Mapping[int, tuple[str, float]], threshold: float
) -> Iterator[tuple[int, int | str, float]]:
    """Yield which new texts are dropped: place, the partner (a kept text's id, or a new one's place), and the cosine.

    Args:
        new: vectors of length one, in the order of texts.
        nearest: as of `nearest_of`.
        threshold: from which cosine on.
    """
    kept = np.empty_like(new)
    places: list[int] = []  # of those that are kept
    for begin in range(0, len(new), _ROWS):
        some = new[begin : begin + _ROWS]
        earlier = len(places)
        to_earlier, among = some @ kept[:earlier].T, some @ some.T
        here: list[int] = []  # rows of this block that are kept
        for row in range(len(some)):
            partner: int | str
            partner, cosine = nearest.get(begin + row, ("", -np.inf))
            for products, of in ((to_earlier[row], places), (among[row, here], [begin + at for at in here])):
                if len(products) and _rounded(float(products.max())) > _rounded(cosine):
                    at, cosine = _first_highest(products)
                    partner = of[at]
            if cosine >= threshold - _EQUAL:
                yield begin + row, partner, min(_rounded(cosine), 1.0)
            else:
                here.append(row)
                kept[len(places) + len(here) - 1] = some[row]
        places += (begin + row for row in here)


def _first_highest(products: NDArray[np.float32]) -> tuple[int, float]:
    """Return the place of the highest cosine, of equal ones the first, and the cosine."""
    highest = float(products.max())
    return int((products >= highest - _EQUAL).argmax()), highest


def _rounded(cosine: float) -> float:
    return round(cosine / _EQUAL) * _EQUAL if np.isfinite(cosine) else cosine


def _unit(stored: list[bytes]) -> NDArray[np.float32]:
    """Return stored vectors with a length of one again, which half precision has changed a little."""
    vectors = unpacked(stored)
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    return vectors


def _embedded(found: Embedded) -> Iterator[tuple[Any, ...]]:
    some, vectors = found
    for (name, rank, _), vector in zip(some, packed(vectors), strict=True):
        yield name, rank, vector
