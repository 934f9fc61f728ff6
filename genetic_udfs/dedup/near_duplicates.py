"""New texts that duplicate a kept one or each other: the whole way, from texts to what is dropped."""

from collections.abc import Callable, Iterable, Iterator
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType

from genetic_udfs.config import Dedup
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.arrow import batches_of, rows
from genetic_udfs.dedup.bands import band_keys, candidate_pairs
from genetic_udfs.dedup.indexed import Indexed, sharing_a_bucket
from genetic_udfs.dedup.signatures import HashFamily, hash_family, indices
from genetic_udfs.dedup.survivors import dropped
from genetic_udfs.dedup.verify import verified
from genetic_udfs.text import batch_shingles, hash_of_normal, normalise

# Characters signed at a time, some 1,000 usual texts: enough for numpy to be fast with Arrow batches of few rows, and
# few enough for a batch of long texts.
_CHARACTERS: Final = 1 << 20


def near_duplicates(
    new: DataFrame,
    kept: DataFrame,
    settings: Dedup,
    seed: int,
    *,
    indexed: Indexed | None = None,
    keep: Callable[[DataFrame, str], DataFrame] = lambda rows, name: rows,
) -> DataFrame:
    """Return the new texts that are dropped as duplicates, each with the kept text that it duplicates.

    A new text is dropped if its content equals that of a text that is kept, or if the Jaccard similarity of their
    word shingles reaches `settings.threshold`. Kept are all of `kept` and of `indexed`, and those of `new` that are not
    dropped, in the order of their ranks. Null and blank texts are duplicates of nothing: they are for the filters to
    refuse.

    The result depends on neither the partitioning nor the order of the rows. It is lazy and reads its inputs several
    times (for the signatures, for those of the index that share a bucket, then for the texts on either side of the
    candidate pairs): the caller persists what is expensive. Only the hash family is fitted at once, by two small jobs,
    if this process has not seen the seed yet.

    Args:
        new: `id` (string, unique in `new`), `rank` (long, unique; the smaller is kept), `text` (string).
        kept: `id` (string, unique among all that is kept), `text` (string).
        settings: Threshold, length of a shingle, bands and rows.
        seed: Seed of the hash family.
        indexed: Kept texts whose signatures are known; by the same settings and seed.
        keep: Given an intermediate result and a name for it, may store it, and returns what is gone on with.

    Returns:
        `id`; `duplicate_of`, the id of a text that is kept; `similarity`, 1.0 for equal content; `method`, `exact` or
        `minhash`. The partner is the most similar kept text before it; of equally similar ones the first, where kept
        texts come before new ones, in the order of their ids.
    """
    texts = _texts(new, F.col(c.RANK), is_new=True).unionByName(_texts(kept, F.lit(0), is_new=False))
    family = hash_family(new.sparkSession, seed, settings.bands * settings.rows)
    signatures = signed(texts, family, settings)
    if indexed is None:
        pairs = candidate_pairs(signatures)
    else:
        signatures = keep(signatures, "signatures")
        pairs = keep(candidate_pairs(signatures.unionByName(sharing_a_bucket(indexed.signed, signatures))), "pairs")
        texts = texts.unionByName(_texts(_named_in(pairs, indexed.texts), F.lit(0), is_new=False))
    return dropped(verified(pairs, texts, settings.threshold, settings.shingle_words))


def _named_in(pairs: DataFrame, texts: DataFrame) -> DataFrame:
    """Return the texts that a pair needs for its similarity: few of many."""
    earlier = pairs.where(~F.col(c.EARLIER_IS_NEW) & ~F.col(c.IS_EXACT)).select(F.col(c.EARLIER_ID).alias(c.ID))
    return texts.join(F.broadcast(earlier.distinct()), c.ID, "left_semi")


def signed(texts: DataFrame, family: HashFamily, settings: Dedup) -> DataFrame:
    """Return the content hash and band keys of texts that are neither null nor blank.

    Args:
        texts: `id`, `rank`, `is_new` and `text`.
        family: As many hash functions as `settings` has bands times rows.
        settings: Length of a shingle, bands and rows.

    Returns:
        Columns as `columns.SIGNED`.
    """

    def sign(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_signed(batches, family, settings), c.SIGNED)

    return texts.mapInArrow(sign, c.SIGNED)


def _signed(
    batches: Iterable[pa.RecordBatch], family: HashFamily, settings: Dedup
) -> Iterator[tuple[str, int, bool, str, NDArray[np.int64]]]:
    for chunk in _chunks(rows(batches, c.ID, c.RANK, c.IS_NEW, c.TEXT)):
        flat, starts = batch_shingles([normal for *_, normal in chunk], settings.shingle_words)
        keys = band_keys(family.signatures(indices(flat), starts), settings.bands, settings.rows)
        for (name, rank, is_new, normal), keys_of_text in zip(chunk, keys, strict=True):
            yield name, rank, is_new, hash_of_normal(normal), keys_of_text


def _chunks(
    texts: Iterable[tuple[str, int, bool, str | None]],
) -> Iterator[list[tuple[str, int, bool, str]]]:
    """Yield rows of `id`, `rank`, `is_new` and normal text, not blank, some `_CHARACTERS` at a time."""
    chunk: list[tuple[str, int, bool, str]] = []
    characters = 0
    for name, rank, is_new, text in texts:
        if normal := normalise(text):
            chunk.append((name, rank, is_new, normal))
            characters += len(normal)
            if characters >= _CHARACTERS:
                yield chunk
                chunk, characters = [], 0
    if chunk:
        yield chunk


def _texts(texts: DataFrame, rank: Column, *, is_new: bool) -> DataFrame:
    return texts.select(c.ID, rank.cast(LongType()).alias(c.RANK), F.lit(is_new).alias(c.IS_NEW), c.TEXT)
