"""Who is kept: the first of each other's duplicates, by a greedy pass over the verified pairs."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Final, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.bands import Member
from genetic_udfs.runtime.arrow import batches_of, rows

EXACT: Final = "exact"
MINHASH: Final = "minhash"


class Link(NamedTuple):
    """Two texts that are duplicates, the later one new."""

    later: Member
    earlier: Member
    similarity: float
    is_exact: bool = False


class Dropped(NamedTuple):
    """A text that is dropped, and the kept one that it duplicates: a row of `columns.DROPPED`."""

    id: str
    duplicate_of: str
    similarity: float
    method: str


def greedy(links: Iterable[Link]) -> Iterator[Dropped]:
    """Yield what is dropped, each text with the kept one that it duplicates.

    In the order of texts, one is dropped if a kept one before it is near, and its partner is the most similar of
    these, the first of equals. So nothing is dropped for the sake of what is dropped itself, as the members of a
    connected component would be (4,237 of 23,235 at 200,000 texts).

    An exact link joins a copy to the first text of that content. That one alone has the near links. They hold for its
    copies too, so that a copy whose first is dropped still has the most similar kept text before it as its partner.

    Args:
        links: in the order of their later text; of one text the most similar first, then in the order of the earlier
            one. What has passed is forgotten, but for the partner of each text that was dropped.
    """
    nearest: dict[str, tuple[str, float]] = {}  # of what was dropped, the most similar kept text that has come so far

    def is_kept(text: Member) -> bool:
        return not (text.is_new and text.id in nearest)

    for later, choices in itertools.groupby(links, key=lambda link: link.later):
        near = list(choices)
        partner = next((link for link in near if is_kept(link.earlier)), None)
        if partner is not None and not partner.is_exact:
            nearest[later.id] = partner.earlier.id, partner.similarity
            yield Dropped(later.id, *nearest[later.id], MINHASH)
        elif partner is not None:
            yield Dropped(later.id, partner.earlier.id, 1.0, EXACT)
        elif near[0].is_exact:
            yield Dropped(later.id, *nearest[near[0].earlier.id], MINHASH)
        else:  # it is kept, and may be what copies of those near to it duplicate
            for link in near:
                if link.similarity > nearest[link.earlier.id][1]:
                    nearest[link.earlier.id] = later.id, link.similarity


def dropped(links: DataFrame) -> DataFrame:
    """Return the new texts that are dropped.

    The pass is sequential, so one task reads all links: mostly 0.1 a text, but 50 a text where a hundred texts are near
    to each other. Spark sorts them, on disk where memory is short. The task holds what is dropped: 0.3 GB for a
    million texts.

    Args:
        links: Columns as `columns.LINKS`.

    Returns:
        Columns as `columns.DROPPED`.
    """
    ordered = links.repartition(1).sortWithinPartitions(
        c.LATER_RANK, c.LATER_ID, F.desc(c.SIMILARITY), c.EARLIER_IS_NEW, c.EARLIER_RANK, c.EARLIER_ID
    )
    return ordered.mapInArrow(_dropped_of_batches, c.DROPPED)


def _dropped_of_batches(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    links = (
        Link(Member(True, later_rank, later_id), Member(is_new, rank, earlier_id), similarity, is_exact)
        for later_id, later_rank, earlier_id, rank, is_new, is_exact, similarity in rows(batches, *c.LINKS.fieldNames())
    )
    return batches_of(greedy(links), c.DROPPED)
