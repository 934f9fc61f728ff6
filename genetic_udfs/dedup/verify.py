"""The exact Jaccard similarity of candidate pairs: a duplicate is never a guess."""

import functools
from collections.abc import Iterator
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.arrow import batches_of, rows
from genetic_udfs.text import jaccard, shingles

# A text comes in several pairs, mostly close to each other. With texts of 1 MB, 64 of them take 150 MB.
_SHINGLES_REMEMBERED: Final = 64


def verified(pairs: DataFrame, texts: DataFrame, threshold: float, words: int) -> DataFrame:
    """Return the pairs that are duplicates, with their similarity.

    Args:
        pairs: Columns as `columns.PAIRS`. Exact ones pass with similarity 1.0; their texts are not looked at, so
            that thousands of copies do not fetch their text each.
        texts: `id`, `is_new` and `text`. Shingles are computed anew from the text: of all texts, few are in a pair,
            and a text is smaller than its shingles.
        threshold: The least similarity.
        words: Length of a shingle.

    Returns:
        Columns as `columns.LINKS`.
    """
    # Exact pairs find no text by the last column of either side.
    later = texts.where(c.IS_NEW).select(
        F.col(c.ID).alias(c.LATER_ID), F.col(c.TEXT).alias(c.LATER_TEXT), F.lit(False).alias(c.IS_EXACT)
    )
    earlier = texts.select(
        F.col(c.ID).alias(c.EARLIER_ID),
        F.col(c.IS_NEW).alias(c.EARLIER_IS_NEW),
        F.col(c.TEXT).alias(c.EARLIER_TEXT),
        F.lit(False).alias(c.IS_EXACT),
    )
    with_texts = pairs.join(later, [c.LATER_ID, c.IS_EXACT], "left").join(
        earlier, [c.EARLIER_ID, c.EARLIER_IS_NEW, c.IS_EXACT], "left"
    )

    def near(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_near(batches, threshold, words), c.LINKS)

    return with_texts.mapInArrow(near, c.LINKS)


def _near(batches: Iterator[pa.RecordBatch], threshold: float, words: int) -> Iterator[tuple[Any, ...]]:
    remembered = functools.lru_cache(_SHINGLES_REMEMBERED)(functools.partial(shingles, words=words))
    names = c.PAIRS.fieldNames()
    is_exact = names.index(c.IS_EXACT)
    for *pair, later, earlier in rows(batches, *names, c.LATER_TEXT, c.EARLIER_TEXT):
        similarity = 1.0 if pair[is_exact] else jaccard(remembered(later), remembered(earlier))
        if similarity >= threshold:
            yield *pair, similarity
