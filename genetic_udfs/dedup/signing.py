"""Texts into what is compared first: content hash, band keys, sample key."""

from collections.abc import Iterable, Iterator
from typing import Any

import pyarrow as pa
from pyspark.sql import DataFrame

from genetic_udfs.config import Dedup
from genetic_udfs.data.text import batch_shingles, hash_of_normal, normalise
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.bands import band_keys
from genetic_udfs.dedup.signatures import HashFamily, indices, sample_keys
from genetic_udfs.runtime.arrow import batches_of, chunks, rows


def signed(texts: DataFrame, family: HashFamily, settings: Dedup) -> DataFrame:
    """Return content hash, band keys and sample key of texts that are neither null nor blank.

    Args:
        texts: `id`, `rank`, `is_new` and `text`.
        family: As many hash functions as `settings` has bands times rows.
        settings: Length of a shingle, bands and rows.

    Returns:
        Columns as `columns.SIGNED`.
    """

    def sign(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of((row for row, _ in signed_rows(batches, family, settings)), c.SIGNED)

    return texts.mapInArrow(sign, c.SIGNED)


def signed_rows(
    batches: Iterable[pa.RecordBatch], family: HashFamily, settings: Dedup
) -> Iterator[tuple[tuple[Any, ...], str]]:
    """Yield rows of `columns.SIGNED`, each with its normal text."""
    for chunk in chunks(_normal(rows(batches, c.ID, c.RANK, c.IS_NEW, c.TEXT))):
        flat, starts = batch_shingles([normal for *_, normal in chunk], settings.shingle_words)
        keys = band_keys(family.signatures(indices(flat), starts), settings.bands, settings.rows)
        sample = sample_keys(flat, starts)
        for (name, rank, is_new, normal), keys_of_text, key in zip(chunk, keys, sample, strict=True):
            yield (name, rank, is_new, hash_of_normal(normal), keys_of_text, key), normal


def _normal(texts: Iterable[tuple[str, int, bool, str | None]]) -> Iterator[tuple[str, int, bool, str]]:
    """Yield rows of `id`, `rank`, `is_new` and normal text, those that are not blank."""
    for name, rank, is_new, text in texts:
        if normal := normalise(text):
            yield name, rank, is_new, normal
