"""Texts whose signatures are known: of all of them, only those that share a bucket with a new text are looked at."""

from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.bands import content_key

# New texts up to which their keys, some 26 each, go to every executor; beyond, both sides are shuffled.
_BROADCAST_TEXTS: Final = 200_000


@dataclass(frozen=True)
class Indexed:
    """Kept texts and their signatures.

    Args:
        texts: `id` (string, unique), `text` (string).
        signed: `id`, `content_hash` and `bands` as `signed` gives them, a row for each text that is not blank.
    """

    texts: DataFrame
    signed: DataFrame


def sharing_a_bucket(index: DataFrame, signatures: DataFrame) -> DataFrame:
    """Return the rows of an index that have a band key or the content of a new text, with those keys alone.

    So the cost is one scan of the index, and grows with what is new in everything else.

    Args:
        index: `id`, `content_hash`, `bands`.
        signatures: Columns as `columns.SIGNED`, read twice.

    Returns:
        Columns as `columns.SIGNED`.
    """
    new = signatures.where(c.IS_NEW)
    wanted = new.select(F.explode(_keys()).alias(c.KEY)).distinct()
    if new.limit(_BROADCAST_TEXTS + 1).count() <= _BROADCAST_TEXTS:
        wanted = F.broadcast(wanted)
    return (
        index.select(c.ID, c.CONTENT_HASH, F.explode(_keys()).alias(c.KEY))
        .join(wanted, c.KEY, "left_semi")
        .groupBy(c.ID, c.CONTENT_HASH)
        .agg(F.collect_list(c.KEY).alias(c.BANDS))
        .select(
            c.ID,
            F.lit(0).cast("long").alias(c.RANK),
            F.lit(False).alias(c.IS_NEW),
            c.CONTENT_HASH,
            F.array_except(c.BANDS, F.array(content_key())).alias(c.BANDS),
            F.lit(None).cast("long").alias(c.SAMPLE_KEY),
        )
    )


def _keys() -> Column:
    """Return the keys of all buckets that a text lies in."""
    return F.concat(c.BANDS, F.array(content_key()))
