"""Who is kept: the first of each other's duplicates, by a greedy pass over the verified pairs."""

import itertools
from collections import defaultdict
from collections.abc import Iterable
from typing import Final, NamedTuple

import pyarrow as pa
from pyspark.sql import DataFrame
from pyspark.sql.pandas.types import to_arrow_schema

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


def greedy(links: Iterable[Link]) -> list[Link]:
    """Return for each text that is dropped its link to the kept one that it duplicates.

    In the order of texts, one is dropped if a kept one before it is near, and its partner is the most similar of
    these, the first of equals. So nothing is dropped for the sake of what is dropped itself, as the members of a
    connected component would be (4,237 of 23,235 at 200,000 texts).

    An exact link joins a copy to the first text of that content. That one alone has the near links. They hold for its
    copies too, so that a copy whose first is dropped still has the most similar kept text before it as its partner.
    """
    near: list[Link] = []
    exact: list[Link] = []
    for link in links:
        (exact if link.is_exact else near).append(link)
    near.sort(key=lambda link: (link.later, -link.similarity, link.earlier))

    dropped: dict[Member, Link] = {}
    for later, choices in itertools.groupby(near, key=lambda link: link.later):
        kept = next((link for link in choices if link.earlier not in dropped), None)
        if kept is not None:
            dropped[later] = kept

    around = _neighbours(near, {copy.earlier for copy in exact} & dropped.keys())
    copies = [
        _of_copy(copy.later, around[copy.earlier], dropped) if copy.earlier in dropped else copy for copy in exact
    ]
    return [*dropped.values(), *copies]


def dropped(links: DataFrame) -> DataFrame:
    """Return the new texts that are dropped.

    The pass is sequential, so one task holds all links: mostly 0.1 a text, but 50 a text where a hundred texts are near
    to each other. A million links take 18 s and 0.6 GB.

    Args:
        links: Columns as `columns.LINKS`.

    Returns:
        Columns as `columns.DROPPED`.
    """
    return links.groupBy().applyInArrow(_dropped_of_table, c.DROPPED)


def _neighbours(near: Iterable[Link], texts: set[Member]) -> dict[Member, list[tuple[float, Member]]]:
    """Return what is near to some texts, before or after them: the negative similarity and the other text."""
    found: dict[Member, list[tuple[float, Member]]] = defaultdict(list)
    for link in near:
        for one, other in ((link.later, link.earlier), (link.earlier, link.later)):
            if one in texts:
                found[one].append((-link.similarity, other))
    return found


def _of_copy(copy: Member, around: list[tuple[float, Member]], dropped: dict[Member, Link]) -> Link:
    """Return a copy's link, given what is near to the first text of its content, which was dropped."""
    distance, kept = min(each for each in around if each[1] < copy and each[1] not in dropped)
    return Link(copy, kept, -distance)


def _dropped_of_table(table: pa.Table) -> pa.Table:
    links = (
        Link(Member(True, later_rank, later_id), Member(is_new, rank, earlier_id), similarity, is_exact)
        for later_id, later_rank, earlier_id, rank, is_new, is_exact, similarity in rows(
            table.to_batches(), *c.LINKS.fieldNames()
        )
    )
    found = (
        (link.later.id, link.earlier.id, link.similarity, EXACT if link.is_exact else MINHASH) for link in greedy(links)
    )
    return pa.Table.from_batches(batches_of(found, c.DROPPED), schema=to_arrow_schema(c.DROPPED))
