"""Who descends from whom, held in memory: some 60 bytes an individual. Pure.

Ids are hashes of 60 bits; two of a million individuals share one with probability 4e-7, and then one counts as the
other.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.data.text import chain


class Members(NamedTuple):
    """Individuals in any order: `ids`, by what each was made (`kinds`, hashes) and the `parents` of all in a row.

    `counts` says how many of these are each individual's; a seed has none.
    """

    ids: NDArray[np.int64]
    kinds: NDArray[np.int64]
    parents: NDArray[np.int64]
    counts: NDArray[np.int64]


class Pedigree:
    """All individuals so far, in the order in which they were added; parents are known before or with their children.

    A parent that is not there counts as none.
    """

    def __init__(self) -> None:
        self._ids = np.empty(0, np.int64)
        self._order = np.empty(0, np.int64)  # sorts the ids
        self._parents = np.empty(0, np.int64)  # positions, -1 for one that is not there
        self._children = np.empty(0, np.int64)  # the position of each parent's child
        self._counts = np.empty(0, np.int64)
        self._levels = np.empty(0, np.int32)  # 0 for a seed, else one more than the highest of the parents
        self._lineages = np.empty(0, np.uint64)

    def __len__(self) -> int:
        return len(self._ids)

    def add(self, new: Members) -> None:
        """Add individuals, whose parents are among them or were added before."""
        first = len(self)
        self._ids = np.concatenate((self._ids, new.ids))
        self._order = np.argsort(self._ids, kind="stable")
        parents = self.positions(new.parents)
        children = np.repeat(np.arange(first, len(self)), new.counts)
        known = np.bincount(children[parents >= 0] - first, minlength=len(new.ids))
        self._parents = np.concatenate((self._parents, parents))
        self._children = np.concatenate((self._children, children))
        self._counts = np.concatenate((self._counts, known))
        self._levels = np.concatenate((self._levels, np.full(len(new.ids), -1, np.int32)))
        self._lineages = np.concatenate((self._lineages, np.zeros(len(new.ids), np.uint64)))
        self._descend(first, parents, children, new)

    def positions(self, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where individuals stand, -1 for those that are not there."""
        if not len(self):
            return np.full(len(ids), -1, np.int64)
        at = np.minimum(np.searchsorted(self._ids, ids, sorter=self._order), len(self) - 1)
        found = self._order[at]
        return np.where(self._ids[found] == ids, found, -1)

    def contributions(self, members: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return what each individual has contributed to some, by position: each passes its own on to its parents.

        The contributions of the seeds, and of others without parents, sum up to the number of `members`, which are
        positions (founder contributions: Lacy, Zoo Biology 8, 1989).
        """
        given = np.zeros(len(self))
        given[members] = 1.0
        there = self._parents >= 0
        parents, children = self._parents[there], self._children[there]
        order = np.argsort(self._levels[children], kind="stable")
        levels = self._levels[children][order]
        for level in range(int(levels[-1]) if len(levels) else 0, 0, -1):
            of_level = order[np.searchsorted(levels, level) : np.searchsorted(levels, level, side="right")]
            child = children[of_level]
            np.add.at(given, parents[of_level], given[child] / self._counts[child])
        return given

    def lineages(self, members: NDArray[np.int64]) -> NDArray[np.uint64]:
        """Return hashes of how individuals came about: their operators from the seed on, by the first parents."""
        return self._lineages[members]

    def _descend(self, first: int, parents: NDArray[np.int64], children: NDArray[np.int64], new: Members) -> None:
        """Find the levels and lineages of the last individuals, those whose parents have theirs before the others."""
        kinds = new.kinds.view(np.uint64)
        firsts = np.full(len(new.ids), -1, np.int64)
        there = parents >= 0
        firsts[(children[there] - first)[::-1]] = parents[there][::-1]  # of several the first stays
        waiting = np.arange(first, len(self))
        while len(waiting):
            undecided = np.zeros(len(new.ids), np.bool_)
            undecided[children[there][self._levels[parents[there]] < 0] - first] = True
            ready = waiting[~undecided[waiting - first]]
            if not len(ready):  # edited into a circle
                self._levels[waiting] = 0
                return
            of_ready = np.isin(children, ready) & there
            levels = np.full(len(new.ids), -1, np.int32)
            np.maximum.at(levels, children[of_ready] - first, self._levels[parents[of_ready]])
            self._levels[ready] = levels[ready - first] + 1
            before = firsts[ready - first]
            line = np.where(before >= 0, self._lineages[before], np.uint64(0))
            self._lineages[ready] = chain(line, kinds[ready - first])
            waiting = waiting[undecided[waiting - first]]


def gini(shares: NDArray[np.float64]) -> float | None:
    """Return Gini's coefficient: 0 where all have the same, near 1 where one has all; None where nobody has any."""
    total = shares.sum()
    if total <= 0:
        return None
    ordered = np.sort(shares)
    ranks = np.arange(1, len(ordered) + 1)
    return float((2 * ranks - len(ordered) - 1) @ ordered / (len(ordered) * total))


def entropy(values: NDArray[np.uint64]) -> float | None:
    """Return the entropy of the values' distribution in bits; None without values."""
    if not len(values):
        return None
    shares = np.unique(values, return_counts=True)[1] / len(values)
    return float(-(shares * np.log2(shares)).sum()) + 0.0


def share_with_descendants(topics: Sequence[str | None], contributions: NDArray[np.float64]) -> float | None:
    """Return the share of the seeds' topics of which one has contributed; None where no seed has a topic."""
    known = {topic for topic in topics if topic is not None}
    alive = {topic for topic, given in zip(topics, contributions, strict=True) if topic is not None and given > 0}
    return len(alive) / len(known) if known else None
