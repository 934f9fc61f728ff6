"""From signatures to candidate pairs: band keys, buckets of equal keys, a bounded number of pairs a bucket."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.data.text import chain
from genetic_udfs.dedup import columns as c
from genetic_udfs.runtime.arrow import batches_of, rows

# All pairs of a bucket are compared up to this size: 4,950. Above it, each new member is compared with the first and
# with the one before it, so that 50,000 texts with one preamble make 100,000 pairs and not 1,250,000,000. Texts that
# share no more than a preamble are no duplicates, and those that share more meet in other buckets.
WHOLE_BUCKET: Final = 100


class Member(NamedTuple):
    """A text in a bucket. Members compare in the order in which texts are kept."""

    is_new: bool
    rank: int
    id: str


def band_keys(signatures: NDArray[np.int64], bands: int, width: int) -> NDArray[np.int64]:
    """Return each signature's band keys: `width` consecutive values and the band's number, hashed to 64 bits.

    Two different bands share a key once in 2^64 pairs of them, which costs a comparison and nothing else.
    """
    values = signatures.view(np.uint64).reshape(-1, bands, width)
    keys = np.broadcast_to(np.arange(bands, dtype=np.uint64), values.shape[:2])
    for position in range(width):
        keys = chain(keys, values[:, :, position])
    return keys.view(np.int64)


def candidate_pairs(signed: DataFrame) -> DataFrame:
    """Return the distinct pairs of texts that share a band or have equal content, and what is not compared.

    Args:
        signed: One row a text, columns as `columns.SIGNED`.

    Returns:
        Columns as `columns.PAIRS_AND_SKIPPED`. Of texts with equal content only the first takes part in bands; the
        others are paired with it alone, and `is_exact` is true. A pair has a new text at least.
    """
    same_key = Window.partitionBy(c.KEY, c.IS_EXACT)
    members = (
        _bucketed(signed)
        # The windows would bring a bucket's rows together anyhow; asked for here, it is no accident of the plan.
        .repartition(c.KEY, c.IS_EXACT)
        .select(
            "*",
            F.count(c.KEY).over(same_key).alias(c.SIZE),
            F.count_if(c.IS_NEW).over(same_key).alias(c.NEW),
        )
        .where((F.col(c.SIZE) > 1) & (F.col(c.NEW) > 0))
        .sortWithinPartitions(c.KEY, c.IS_EXACT, c.IS_NEW, c.RANK, c.ID)
    )
    return members.mapInArrow(_pairs_of_batches, c.PAIRS_AND_SKIPPED).distinct()


def bucket_pairs(members: Iterable[Member], size: int, whole: int = WHOLE_BUCKET) -> Iterator[tuple[Member, Member]]:
    """Yield the (later, earlier) pairs to compare of one bucket, whose members come in order, no pair twice.

    All pairs whose later member is new, where the bucket has up to `whole` members. In a bigger one, star and ring:
    each new member with the first and with the one before it. No more than `whole` members are held in memory.
    """
    if size <= whole:
        head = list(members)
        for position, later in enumerate(head):
            if later.is_new:
                yield from ((later, earlier) for earlier in head[:position])
        return
    rest = iter(members)
    first = before = next(rest)
    for later in rest:
        if later.is_new:
            yield later, first
            if before is not first:
                yield later, before
        before = later


def skipped_pairs(size: int, new: int, whole: int = WHOLE_BUCKET) -> int:
    """Return how many pairs of a bucket `bucket_pairs` leaves out, of those whose later member is new."""
    if size <= whole:
        return 0
    kept = size - new
    of_all = new * kept + new * (new - 1) // 2
    later = new if kept else new - 1  # the first member of all is nobody's later one
    second_is_new = kept <= 1  # its first member and the one before it are the same
    return of_all - (2 * later - second_is_new)


def exact_pairs(members: Iterable[Member]) -> Iterator[tuple[Member, Member]]:
    """Yield each new member but the first with the first one."""
    rest = iter(members)
    first = next(rest)
    return ((later, first) for later in rest if later.is_new)


def content_key() -> Column:
    """Return the key of the bucket of equal content, as `content_key_of` gives it for the column `content_hash`."""
    return F.conv(F.substring(c.CONTENT_HASH, 1, 16), 16, -10).cast("long")


def content_key_of(content_hash: str) -> int:
    """Return the first 64 bits of a content hash."""
    return int.from_bytes(bytes.fromhex(content_hash[:16]), "big", signed=True)


def _bucketed(signed: DataFrame) -> DataFrame:
    """Return one row for each bucket that a text lies in.

    Texts of equal content lie in one exact bucket, and of them only the first in its bands' buckets: 5,000 copies
    would fill each of these beyond what is compared whole, at the cost of true near-duplicates in there.
    """
    same_content = Window.partitionBy(c.CONTENT_HASH)
    position = F.row_number().over(same_content.orderBy(c.IS_NEW, c.RANK, c.ID))
    copies = F.count(c.ID).over(same_content)
    in_bands = F.transform(c.BANDS, lambda key: _bucket(key, exact=False))
    of_content = F.array(_bucket(content_key(), exact=True))
    buckets = F.concat(
        F.when(F.col("_position") == 1, in_bands).otherwise(F.array()),
        F.when(F.col("_copies") > 1, of_content).otherwise(F.array()),
    )
    counted = signed.select("*", position.alias("_position"), copies.alias("_copies"))
    return counted.select(c.IS_NEW, c.RANK, c.ID, F.inline(buckets))


def _bucket(key: Column, *, exact: bool) -> Column:
    return F.struct(key.alias(c.KEY), F.lit(exact).alias(c.IS_EXACT))


def _pairs_of_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    members = rows(batches, c.KEY, c.IS_EXACT, c.SIZE, c.NEW, c.IS_NEW, c.RANK, c.ID)
    return batches_of(_pairs_of_members(members), c.PAIRS_AND_SKIPPED)


def _pairs_of_members(members: Iterator[tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    nothing = (None,) * len(c.PAIRS.fieldNames())
    for (key, is_exact, size, new), bucket in itertools.groupby(members, key=lambda member: member[:4]):
        ordered = (Member(*member[4:]) for member in bucket)
        for later, earlier in exact_pairs(ordered) if is_exact else bucket_pairs(ordered, size):
            yield later.id, later.rank, earlier.id, earlier.rank, earlier.is_new, is_exact, None, None
        if not is_exact and (skipped := skipped_pairs(size, new)):
            yield *nothing, key, skipped
