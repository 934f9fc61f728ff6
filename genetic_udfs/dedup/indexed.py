"""Kept texts whose signatures are known: of all of them, only those that share a bucket with a new text are looked at.

One scan finds them, with their texts. These stand packed beside the bands: to pass 800,000 of them by takes 0.5 s on
two cores, and a second scan, for few of the texts themselves, 1.4 s.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Dedup
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.bands import content_key, content_key_of
from genetic_udfs.dedup.signatures import HashFamily
from genetic_udfs.dedup.signing import signed_rows
from genetic_udfs.runtime.arrow import batches_of, rows

# Keys of new texts up to which they go to every executor, in some 50 bytes each; beyond, both sides are shuffled.
_MAX_BROADCAST_KEYS: Final = 3_000_000

# Up to so many keys of new texts, the filter of an index has them as literals: those of a round of some hundred slots.
# To make a row of every key of an index takes Spark's interpreter ten times as long.
_MAX_LITERAL_KEYS: Final = 5_000

# Texts unpacked into an Arrow batch, whose columns hold 2 GB at most.
_TEXTS_A_BATCH: Final = 64


def index_rows(texts: DataFrame, family: HashFamily, settings: Dedup) -> DataFrame:
    """Return what an index keeps of texts that are neither null nor blank.

    Args:
        texts: `id` and `text`.
        family: As many hash functions as `settings` has bands times rows.
        settings: Length of a shingle, bands and rows.

    Returns:
        Columns as `columns.INDEXED`.
    """

    def index(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_indexed(batches, family, settings), c.INDEXED)

    unranked = texts.select(c.ID, F.lit(0).cast("long").alias(c.RANK), F.lit(False).alias(c.IS_NEW), c.TEXT)
    return unranked.mapInArrow(index, c.INDEXED)


def sharing_a_bucket(index: DataFrame, signatures: DataFrame, new_keys: int) -> DataFrame:
    """Return the rows of an index that have a band key or the content of a new text, with what it shares.

    So the cost is one scan of the index, and grows with what is new and what shares a key with it in everything else.
    Few keys are collected first.

    Args:
        index: Columns as `columns.INDEXED`.
        signatures: Columns as `columns.SIGNED`.
        new_keys: How many keys the new texts of `signatures` have.

    Returns:
        Columns as `columns.INDEXED`, without the sample key.
    """
    new = signatures.where(c.IS_NEW)
    keys = F.concat(c.BANDS, F.array(content_key()))
    wanted = new.select(F.explode(keys).alias(c.KEY)).distinct()
    if new_keys <= _MAX_LITERAL_KEYS:
        return _sharing_one_of(index, [row[c.KEY] for row in wanted.collect()])
    if new_keys <= _MAX_BROADCAST_KEYS:
        return _sharing(index, F.broadcast(wanted), c.CONTENT_HASH, c.PACKED)
    return _sharing(index, wanted).join(index.select(c.ID, c.CONTENT_HASH, c.PACKED), c.ID)


def _sharing_one_of(index: DataFrame, wanted: Sequence[int]) -> DataFrame:
    """Return what `sharing_a_bucket` does, with the keys that are wanted in the plan."""
    literals = ", ".join(f"{key}L" for key in wanted) or "NULL"
    shared = F.expr(f"filter({c.KEYS}, key -> key IN ({literals}))")
    return index.select(c.ID, c.CONTENT_HASH, c.PACKED, shared.alias(c.KEYS)).where(F.size(c.KEYS) > 0)


def _sharing(index: DataFrame, wanted: DataFrame, *beside: str) -> DataFrame:
    """Return `id`, columns `beside` it, and the `keys` that are wanted, of rows that have one.

    What is beside it goes through a shuffle once for each of its keys, unless what is wanted is broadcast.
    """
    return (
        index.select(c.ID, *beside, F.explode(c.KEYS).alias(c.KEY))
        .join(wanted, c.KEY, "left_semi")
        .groupBy(c.ID, *beside)
        .agg(F.collect_list(c.KEY).alias(c.KEYS))
    )


def as_signed(indexed: DataFrame) -> DataFrame:
    """Return rows of an index with the columns of `columns.SIGNED`; the sample key, which few need, is null."""
    return indexed.select(
        c.ID,
        F.lit(0).cast("long").alias(c.RANK),
        F.lit(False).alias(c.IS_NEW),
        c.CONTENT_HASH,
        F.array_except(c.KEYS, F.array(content_key())).alias(c.BANDS),
        F.lit(None).cast("long").alias(c.SAMPLE_KEY),
    )


def unpacked(texts: DataFrame) -> DataFrame:
    """Return texts as `id`, `is_new` (false) and `text`, the normal form; from `id` and `packed`."""

    def unpack(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        texts = ((name, False, _unpack(packed)) for name, packed in rows(batches, c.ID, c.PACKED))
        return batches_of(texts, c.TEXTS, _TEXTS_A_BATCH)

    return texts.select(c.ID, c.PACKED).mapInArrow(unpack, c.TEXTS)


def _indexed(batches: Iterable[pa.RecordBatch], family: HashFamily, settings: Dedup) -> Iterator[tuple[Any, ...]]:
    for (name, _, _, content_hash, bands, sample_key), normal in signed_rows(batches, family, settings):
        yield name, content_hash, [*bands.tolist(), content_key_of(content_hash)], sample_key, _pack(normal)


def _pack(normal: str) -> bytes:
    return zlib.compress(normal.encode("utf-8", "surrogatepass"), level=1)


def _unpack(packed: bytes) -> str:
    return zlib.decompress(packed).decode("utf-8", "surrogatepass")
