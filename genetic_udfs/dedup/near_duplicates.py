"""New texts that duplicate a kept one or each other: the whole way, from texts to what is dropped."""

from dataclasses import dataclass
from typing import Final, NamedTuple

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F
from pyspark.sql.types import LongType

from genetic_udfs.config import Dedup
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.audit import LONGEST, Audited
from genetic_udfs.dedup.bands import candidate_pairs
from genetic_udfs.dedup.indexed import as_signed, sharing_a_bucket
from genetic_udfs.dedup.jaccard import exact_links, texts_of_pairs, verified
from genetic_udfs.dedup.signatures import hash_family
from genetic_udfs.dedup.signing import signed
from genetic_udfs.dedup.survivors import dropped
from genetic_udfs.runtime.checkpoint import BoundedCheckpoint

# Upper estimates: of a text of 4,000 tokens, with its keys and hash, and of a pair's two ids and ranks.
_BYTES_OF_TEXT: Final = 16 << 10
_BYTES_OF_PAIR: Final = 256

# The largest partition over an even share, above which texts are shuffled first.
_MAX_UNEVENNESS: Final = 1.5


class NotCompared(NamedTuple):
    """What the bound on buckets left out: `buckets` above it, and how many of their pairs."""

    buckets: int
    pairs: int


@dataclass(frozen=True)
class Search:
    """What a search found.

    `dropped` has `id`; `duplicate_of`, the id of a text that is kept; `similarity`, 1.0 for the same words; `method`,
    `exact` for equal content and else `minhash`. The partner is the most similar kept text before it; of equally
    similar ones the first, where kept texts come before new ones, in the order of their ids.

    `links` are all pairs of duplicates, columns as `columns.LINKS`; of texts with equal content only the first has more
    than one. `pairs` is the number of candidates for it: where it is 0, nothing is dropped.

    `not_compared` counts the pairs that were left out because their bucket is too big. They may have met in another.
    """

    links: DataFrame
    dropped: DataFrame
    pairs: int
    not_compared: NotCompared
    _signatures: DataFrame
    _texts: DataFrame

    def sample(self, count: int, dropped: DataFrame) -> list[Audited]:
        """Return up to so many texts, near-duplicates together, for an audit; none that is too long for it.

        Args:
            count: How many.
            dropped: This search's `dropped`, perhaps stored meanwhile.
        """
        names = self._signatures.orderBy(c.SAMPLE_KEY, c.IS_NEW, c.ID).limit(count).select(c.ID, c.IS_NEW)
        gone = dropped.select(c.ID, F.lit(True).alias(c.IS_NEW), F.lit(True).alias("_gone"))
        short = self._texts.where(F.length(c.TEXT) <= LONGEST)
        rows = short.join(F.broadcast(names), [c.ID, c.IS_NEW], "left_semi").join(gone, [c.ID, c.IS_NEW], "left")
        return [Audited(*row) for row in rows.select(c.TEXT, c.IS_NEW, F.col("_gone").isNotNull()).collect()]


def near_duplicates(
    new: DataFrame,
    kept: DataFrame | None,
    settings: Dedup,
    seed: int,
    checkpoint: BoundedCheckpoint,
    *,
    indexed: DataFrame | None = None,
    is_spread: bool = False,
    max_new: int | None = None,
    max_indexed: int | None = None,
) -> Search:
    """Find the new texts that are dropped as duplicates, each with the kept text that it duplicates.

    A new text is dropped if its content equals that of a text that is kept, or if the Jaccard similarity of their
    word shingles reaches `settings.threshold`. Kept are all of `kept` and of `indexed`, and those of `new` that are not
    dropped, in the order of their ranks. Null and blank texts are duplicates of nothing: they are for the filters to
    refuse.

    The result depends on neither the partitioning nor the order of the rows. Texts are read to sign them, to compare
    those of the candidate pairs, and for a sample. What is read several times on the way goes through
    `checkpoint`; `links` and `dropped` are computed when they are read. The hash family is fitted by two small jobs, if
    this process has not seen the seed yet.

    Args:
        new: `id` (string, unique in `new`), `rank` (long; the smaller is kept, of equal ones the smaller id), `text`
            (string).
        kept: `id` (string, unique among all that is kept), `text` (string); None where `indexed` has all of it.
        settings: Threshold, length of a shingle, bands and rows.
        seed: Seed of the hash family.
        checkpoint: Stores intermediate results, each of which is read several times.
        indexed: Further kept texts, columns as `columns.INDEXED`; by the same settings and seed.
        is_spread: Whether the texts lie in partitions of like size. Else those are counted, and uneven ones shuffled.
        max_new: How many new texts there can be, if that is known and there are no kept ones but the indexed.
        max_indexed: How many of these there can be, likewise.
    """
    texts = _texts(new, F.col(c.RANK), is_new=True)
    if kept is not None:
        texts = texts.unionByName(_texts(kept, F.lit(0), is_new=False))
    family = hash_family(new.sparkSession, seed, settings.bands * settings.rows)
    signing, meeting, pairing = Observation(), Observation(), Observation()
    of_texts = signed(texts if is_spread else _spread(texts), family, settings)
    new_keys = F.sum(F.when(F.col(c.IS_NEW), F.size(c.BANDS) + 1))
    signatures = checkpoint(
        of_texts.observe(signing, new_keys.alias("new_keys")), "signatures", max_bytes=_bytes_of(max_new)
    )
    of_all, max_texts = signatures, max_new
    if indexed is not None:
        sharing = sharing_a_bucket(indexed, signatures, signing.get["new_keys"] or 0)
        counted = sharing.observe(meeting, F.count(F.lit(1)).alias("texts"))
        indexed = checkpoint(counted, "indexed", max_bytes=_bytes_of(max_indexed))
        of_all = signatures.unionByName(as_signed(indexed))
        max_texts = None if max_new is None else max_new + meeting.get["texts"]
    max_bytes = None if max_new is None or max_texts is None else max_new * max_texts * _BYTES_OF_PAIR
    found = checkpoint(candidate_pairs(of_all).observe(pairing, *_counts_of_pairs()), "pairs", max_bytes=max_bytes)
    counts = pairing.get
    pairs = found.where(F.col(c.SKIPPED).isNull()).select(*c.PAIRS.fieldNames())
    if counts["near"]:
        of_pairs = texts_of_pairs(pairs, counts["near"], texts, indexed)
        to_compare = checkpoint(of_pairs, "texts", max_bytes=_bytes_of(max_texts))
        links = verified(pairs, to_compare, settings.threshold, settings.shingle_words)
    else:
        links = exact_links(pairs)
    left_out = NotCompared(counts["buckets"], counts["skipped"] or 0)
    return Search(links, dropped(links), counts["pairs"], left_out, signatures, texts)


def _bytes_of(texts: int | None) -> int | None:
    return None if texts is None else texts * _BYTES_OF_TEXT


def _counts_of_pairs() -> tuple[Column, ...]:
    is_pair = F.col(c.SKIPPED).isNull()
    return (
        F.count_if(is_pair).alias("pairs"),
        F.count_if(is_pair & ~F.col(c.IS_EXACT)).alias("near"),
        F.count(c.SKIPPED).alias("buckets"),
        F.sum(c.SKIPPED).alias("skipped"),
    )


def _texts(texts: DataFrame, rank: Column, *, is_new: bool) -> DataFrame:
    return texts.select(c.ID, rank.cast(LongType()).alias(c.RANK), F.lit(is_new).alias(c.IS_NEW), c.TEXT)


def _spread(texts: DataFrame) -> DataFrame:
    """Return texts in partitions that keep all cores busy.

    A Parquet file as pandas writes it is one row group, so one task reads up to a million of its rows. To shuffle
    200,000 texts takes 2 s on two cores, to sign them 7 s.
    """
    sizes = [row["count"] for row in texts.groupBy(F.spark_partition_id()).count().collect()]
    cores = texts.sparkSession.sparkContext.defaultParallelism
    return texts.repartition(c.ID) if max(sizes, default=0) * cores > _MAX_UNEVENNESS * sum(sizes) else texts
