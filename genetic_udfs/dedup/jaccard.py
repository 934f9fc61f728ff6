"""The exact Jaccard similarity of candidate pairs: a duplicate is never a guess."""

import functools
from collections.abc import Iterable, Iterator
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.data.text import each_shingles, jaccard, normalise, shingles
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.indexed import unpacked
from genetic_udfs.runtime.arrow import batches_of, chunks, rows

# Shingles of longer texts are remembered from chunk to chunk: with texts of 1 MB, 64 of them take 150 MB. Those of
# shorter ones are computed together, which is four times as fast.
_LONG: Final = 1 << 14
_LONG_REMEMBERED: Final = 64

# Pairs up to which the ids of their texts go to every executor; beyond, all texts are shuffled.
_MAX_BROADCAST_PAIRS: Final = 250_000


def texts_of_pairs(pairs: DataFrame, near: int, texts: DataFrame, indexed: DataFrame | None) -> DataFrame:
    """Return the texts that pairs need for their similarity: few of many.

    Args:
        pairs: Columns as `columns.PAIRS`, read several times.
        near: How many of them are not exact.
        texts: `id`, `is_new` and `text`.
        indexed: Further texts that are not new: `id` and `packed`.

    Returns:
        `id`, `is_new` and `text`.
    """
    of_pairs = pairs.where(~F.col(c.IS_EXACT))
    named = (
        of_pairs.select(F.col(c.LATER_ID).alias(c.ID), F.lit(True).alias(c.IS_NEW))
        .unionByName(of_pairs.select(F.col(c.EARLIER_ID).alias(c.ID), F.col(c.EARLIER_IS_NEW).alias(c.IS_NEW)))
        .distinct()
    )
    if near <= _MAX_BROADCAST_PAIRS:
        named = F.broadcast(named)
    few = texts.select(c.ID, c.IS_NEW, c.TEXT).join(named, [c.ID, c.IS_NEW], "left_semi")
    if indexed is None:
        return few
    kept = named.where(~F.col(c.IS_NEW)).select(c.ID)
    return few.unionByName(unpacked(indexed.select(c.ID, c.PACKED).join(kept, c.ID, "left_semi")))


def verified(pairs: DataFrame, texts: DataFrame, threshold: float, words: int) -> DataFrame:
    """Return the pairs that are duplicates, with their similarity.

    Args:
        pairs: Columns as `columns.PAIRS`. Exact ones pass with similarity 1.0; their texts are not looked at, so
            that thousands of copies do not fetch their text each.
        texts: `id`, `is_new` and `text`. Shingles are computed again from the text, which is smaller than they are.
        threshold: The least similarity.
        words: Length of a shingle.

    Returns:
        Columns as `columns.LINKS`.
    """
    later = texts.where(c.IS_NEW).select(F.col(c.ID).alias(c.LATER_ID), F.col(c.TEXT).alias(c.LATER_TEXT))
    earlier = texts.select(
        F.col(c.ID).alias(c.EARLIER_ID), F.col(c.IS_NEW).alias(c.EARLIER_IS_NEW), F.col(c.TEXT).alias(c.EARLIER_TEXT)
    )
    with_texts = (
        pairs.where(~F.col(c.IS_EXACT))
        .join(later, c.LATER_ID)
        .join(earlier, [c.EARLIER_ID, c.EARLIER_IS_NEW])
        .dropna(subset=[c.LATER_TEXT, c.EARLIER_TEXT])
    )

    def near(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_near(batches, threshold, words), c.LINKS)

    return with_texts.mapInArrow(near, c.LINKS).unionByName(exact_links(pairs))


def exact_links(pairs: DataFrame) -> DataFrame:
    """Return the pairs of equal content as duplicates: columns as `columns.LINKS`."""
    return pairs.where(c.IS_EXACT).withColumn(c.SIMILARITY, F.lit(1.0))


def _near(batches: Iterator[pa.RecordBatch], threshold: float, words: int) -> Iterator[tuple[Any, ...]]:
    of_long = functools.lru_cache(_LONG_REMEMBERED)(functools.partial(shingles, words=words))
    for chunk in chunks(rows(batches, *c.PAIRS.fieldNames(), c.LATER_TEXT, c.EARLIER_TEXT)):
        of_short = _of_short((text for *_, later, earlier in chunk for text in (later, earlier)), words)
        for *pair, later, earlier in chunk:
            one, other = (of_short[text] if text in of_short else of_long(text) for text in (later, earlier))
            similarity = jaccard(one, other)
            if similarity >= threshold:
                yield *pair, similarity


def _of_short(texts: Iterable[str], words: int) -> dict[str, NDArray[np.int64]]:
    """Return the shingles of those texts that are neither long nor blank."""
    short = {text: normal for text in set(texts) if len(text) <= _LONG and (normal := normalise(text))}
    return dict(zip(short, each_shingles(list(short.values()), words), strict=True)) if short else {}
