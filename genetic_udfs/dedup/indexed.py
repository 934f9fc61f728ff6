"""Texts whose signatures are known: of all of them, only those that share a bucket with a new text are looked at."""

from dataclasses import dataclass
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.dedup import columns as c

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

    So the cost is a scan of the index, and grows with what is new in everything else.

    Args:
        index: `id`, `content_hash`, `bands`.
        signatures: Columns as `columns.SIGNED`, read twice.

    Returns:
        Columns as `columns.SIGNED`.
    """
    new = signatures.where(c.IS_NEW)
    is_small = new.limit(_BROADCAST_TEXTS + 1).count() <= _BROADCAST_TEXTS

    def wanted(values: DataFrame) -> DataFrame:
        return F.broadcast(values.distinct()) if is_small else values.distinct()

    in_bands = index.select(c.ID, c.CONTENT_HASH, F.explode(c.BANDS).alias(c.KEY)).join(
        wanted(new.select(F.explode(c.BANDS).alias(c.KEY))), c.KEY, "left_semi"
    )
    of_content = index.select(c.ID, c.CONTENT_HASH, F.lit(None).cast("long").alias(c.KEY)).join(
        wanted(new.select(c.CONTENT_HASH)), c.CONTENT_HASH, "left_semi"
    )
    return (
        in_bands.select(c.ID, c.CONTENT_HASH, c.KEY)
        .unionByName(of_content)
        .groupBy(c.ID, c.CONTENT_HASH)
        .agg(F.collect_list(c.KEY).alias(c.BANDS))
        .select(
            c.ID,
            F.lit(0).cast("long").alias(c.RANK),
            F.lit(False).alias(c.IS_NEW),
            c.CONTENT_HASH,
            c.BANDS,
            F.lit(None).cast("long").alias(c.SAMPLE_KEY),
        )
    )
