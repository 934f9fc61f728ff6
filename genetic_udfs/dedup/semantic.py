"""Texts that say the same in other words: those whose embeddings are near to a kept one's. Every pair is compared.

Products of blocks of vectors take a fraction of what it takes to embed the texts, so nothing is hashed and nothing is
missed. The cost is one scan of the kept vectors, and a product of each with each new one.
"""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Semantic
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.near_duplicates import Checkpoint
from genetic_udfs.dedup.survivors import dropped
from genetic_udfs.embedding.landmarks import packed, unpacked
from genetic_udfs.embedding.vectors import embedded_rows
from genetic_udfs.runtime.arrow import batches_of, rows
from genetic_udfs.runtime.session import task_slots

MODEL_KEY: Final = "dedup.semantic.model"
SEMANTIC: Final = "semantic"  # in the column `method`

# New texts held in each process at once, with 2 kB each; more are taken in turns, each a scan of the kept vectors.
NEW_AT_ONCE: Final = 100_000
# Vectors that are multiplied at once, of the other side and of new texts: 4 MB of similarities stay in the cache.
_OTHERS, _NEW = 512, 2048
# Of the new texts before it that a new text is near to, a task names so many. Of a thousand texts that say the same one
# is kept, and it is among the first of them.
_MAX_LINKS: Final = 100


def embed(texts: DataFrame, model: str) -> DataFrame:
    """Return the embeddings of texts that are neither null nor blank.

    Args:
        texts: `id`, `rank` and `text`.
        model: as `embedding.model.model_folder` takes it.

    Returns:
        Columns as `columns.EMBEDDED`.
    """

    def embed_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_embedded(batches, model), c.EMBEDDED)

    given = texts.filter(F.col(c.TEXT).rlike(r"\S")).select(c.ID, c.RANK, c.TEXT)
    return given.repartition(task_slots(texts.sparkSession)).mapInArrow(embed_batches, c.EMBEDDED)


def semantic_duplicates(new: DataFrame, kept: DataFrame, threshold: float, checkpoint: Checkpoint) -> DataFrame:
    """Find the new texts that are dropped because they say what a kept one says.

    A new text is dropped if the cosine of its embedding and that of a kept text reaches the threshold. Kept are all of
    `kept`, and those of `new` that are not dropped, in the order of their ranks.

    Args:
        new: columns as `columns.EMBEDDED`; read several times.
        kept: `id` and `vector`, by the same model.
        threshold: from which cosine on.
        checkpoint: stores intermediate results.

    Returns:
        `id`, `duplicate_of` and `similarity`, the cosine: the partner is the most similar kept text before it.
    """
    new = new.select(*c.EMBEDDED.fieldNames())
    count = new.count()
    turns = -(-count // NEW_AT_ONCE)
    found = new.sparkSession.createDataFrame([], c.LINKS)
    of_kept = kept.select(c.ID, F.lit(0).cast("long").alias(c.RANK), F.lit(False).alias(c.IS_NEW), c.VECTOR)
    # In their order, so that the links that a task names of a text are those to the first ones that it has.
    of_new = new.withColumn(c.IS_NEW, F.lit(True)).sortWithinPartitions(c.RANK, c.ID)
    others = of_kept.unionByName(of_new)
    for turn in range(turns):
        some = new if turns == 1 else new.filter(F.pmod(F.xxhash64(c.ID), F.lit(turns)) == turn)
        found = found.unionByName(checkpoint(links(some, others, threshold), f"links-{turn}"))
    return dropped(found).select(c.ID, c.DUPLICATE_OF, c.SIMILARITY)


def dropped_by_meaning(
    new: DataFrame, kept: DataFrame, dropped: DataFrame, settings: Semantic, checkpoint: Checkpoint
) -> DataFrame:
    """Return what is dropped of the new texts that are kept by their words, columns as `columns.DROPPED`.

    Args:
        new: `id`, `rank` and `text`.
        kept: `id` and `text`; all of them are embedded.
        dropped: `id` of the new texts that words have dropped.
        settings: the threshold and the model.
        checkpoint: stores intermediate results.
    """
    rest = embed(new.join(dropped.select(c.ID), c.ID, "left_anti"), settings.model)
    known = embed(kept.withColumn(c.RANK, F.lit(0).cast("long")), settings.model)
    vectors = checkpoint(rest, "vectors"), checkpoint(known, "known-vectors")
    return semantic_duplicates(*vectors, settings.threshold, checkpoint).withColumn(c.METHOD, F.lit(SEMANTIC))


def links(new: DataFrame, others: DataFrame, threshold: float) -> DataFrame:
    """Return the pairs of a new text and one before it that are as near as the threshold.

    Of kept texts each task names the nearest alone, of new ones the first `_MAX_LINKS`.

    Args:
        new: columns as `columns.EMBEDDED`; they are collected, and sent to every process.
        others: the same and `is_new`: what the new texts are compared with, themselves among them.
        threshold: from which cosine on.

    Returns:
        Columns as `columns.LINKS`.
    """
    spark = new.sparkSession
    collected = new.select(*c.EMBEDDED.fieldNames()).toArrow().sort_by([(c.RANK, "ascending"), (c.ID, "ascending")])
    texts = [*zip(collected[c.RANK].to_pylist(), collected[c.ID].to_pylist(), strict=True)]
    shared = spark.sparkContext.broadcast((texts, collected[c.VECTOR].to_pylist()))

    def compare(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_links(batches, Later(*shared.value), threshold), c.LINKS)

    return others.mapInArrow(compare, c.LINKS)


class Later(NamedTuple):
    """New texts in their order: rank and id of each, and their vectors as they are stored."""

    texts: list[tuple[int, str]]
    vectors: list[bytes]


class Near(NamedTuple):
    """Pairs: places of later texts, places of the others in their block, and cosines."""

    places: NDArray[np.int64]
    others: NDArray[np.int64]
    similarities: NDArray[np.float32]

    def taken(self, mask: NDArray[np.bool_]) -> "Near":
        """Return some of the pairs."""
        return Near(self.places[mask], self.others[mask], self.similarities[mask])

    def leading(self, order: NDArray[Any], most: NDArray[np.int64]) -> Iterator[tuple[int, int, float]]:
        """Yield the first pairs of each later text by an order, as many as `most` says for its place."""
        ordered = np.lexsort((self.others, order, self.places))
        places = self.places[ordered]
        starts = np.flatnonzero(np.diff(places, prepend=-1))
        number = np.arange(len(places)) - np.repeat(starts, np.diff(starts, append=len(places)))
        for at in ordered[number < most[places]].tolist():
            yield int(self.places[at]), int(self.others[at]), float(self.similarities[at])


def _links(batches: Iterable[pa.RecordBatch], later: Later, threshold: float) -> Iterator[tuple[Any, ...]]:
    if not later.texts:
        return
    vectors = unpacked(later.vectors)
    nearest: dict[int, tuple[float, str]] = {}  # of kept texts, by the place of the later one
    one, counts = np.ones(len(vectors), np.int64), np.zeros(len(vectors), np.int64)  # of links to new texts
    for some, of_some in _blocks(batches, later):
        is_new = np.array([row[3] for row in some])
        for near in _near(vectors, of_some, np.array([row[0] for row in some]), threshold):
            of_new = is_new[near.others]
            to_kept, to_new = near.taken(~of_new), near.taken(of_new)
            for place, at, similarity in to_kept.leading(-to_kept.similarities, one):
                known, name = nearest.get(place, (-1.0, "")), some[at][1]
                if (similarity, known[1]) > (known[0], name):  # of equally near ones the first
                    nearest[place] = similarity, name
            for place, at, similarity in to_new.leading(to_new.others, _MAX_LINKS - counts):
                counts[place] += 1
                yield _link(later, place, *some[at][1:], similarity)
    for place, (similarity, name) in nearest.items():
        yield _link(later, place, name, 0, False, similarity)


def _link(later: Later, place: int, name: str, rank: int, is_new: bool, similarity: float) -> tuple[Any, ...]:
    later_rank, later_id = later.texts[place]
    return later_id, later_rank, name, rank, is_new, False, min(similarity, 1.0)


def _blocks(
    batches: Iterable[pa.RecordBatch], later: Later
) -> Iterator[tuple[list[tuple[int, str, int, bool]], NDArray[np.float32]]]:
    """Yield texts, in blocks, with their vectors: place of the first later text, id, rank, whether it is new.

    In a batch they come in the order of these places, so that a block is compared with as few as there are.
    """
    for batch in batches:
        found = []
        for name, rank, is_new, vector in rows([batch], c.ID, c.RANK, c.IS_NEW, c.VECTOR):
            first = bisect_right(later.texts, (rank, name)) if is_new else 0
            found.append((first, name, rank, is_new, vector))
        found.sort(key=lambda row: row[:2])
        for begin in range(0, len(found), _OTHERS):
            some = found[begin : begin + _OTHERS]
            yield [row[:4] for row in some], unpacked([row[4] for row in some])


def _near(
    vectors: NDArray[np.float32], others: NDArray[np.float32], firsts: NDArray[np.int64], threshold: float
) -> Iterator[Near]:
    """Yield the pairs of a later text and another whose cosine reaches the threshold, some at a time.

    Args:
        vectors: of the later texts.
        others: those that they are compared with.
        firsts: for each of the others the place of the first text that is later, in ascending order.
        threshold: from which cosine on.
    """
    for begin in range(int(firsts[0]), len(vectors), _NEW):
        similarities = others @ vectors[begin : begin + _NEW].T
        at, places = np.nonzero(similarities >= threshold)
        near = Near(places + begin, at, similarities[at, places])
        yield near.taken(near.places >= firsts[at])


def _embedded(batches: Iterable[pa.RecordBatch], model: str) -> Iterator[tuple[Any, ...]]:
    for some, vectors in embedded_rows(batches, (c.ID, c.RANK, c.TEXT), model, MODEL_KEY):
        for (name, rank, _), vector in zip(some, packed(vectors), strict=True):
            yield name, rank, vector
