"""An independent look at a sample: datasketch searches it for near-duplicates in one process, with hashes of its own.

It looks for pairs that were missed, and compares what it finds exactly, so it can err by missing pairs, too. Texts that
were dropped wrongly are not its matter: none is dropped without an exact comparison.
"""

import itertools
from collections.abc import Sequence
from typing import Final, NamedTuple

from genetic_udfs.data.text import normalise, tokens

# Characters of the longest text that is looked at: 2,000 such texts take 0.3 GB in this process.
LONGEST: Final = 10_000

_HASHES: Final = 256
_MISSED: Final = 0.001  # of the pairs right at the threshold

# Texts that one is compared with; more of them are near to each other, and say nothing new.
_COMPARED: Final = 20


class Audited(NamedTuple):
    """A text of the sample: whether it was searched for (or only compared with), and was dropped as a duplicate."""

    text: str | None
    is_new: bool
    is_dropped: bool


class Audit(NamedTuple):
    """Near-duplicate pairs in the sample with a new text, and those that are gone, as one of both was dropped."""

    texts: int
    pairs: int
    caught: int

    @property
    def recall(self) -> float | None:
        """Share of the pairs that are gone; None where there are none."""
        return self.caught / self.pairs if self.pairs else None


def audit(sample: Sequence[Audited], threshold: float, words: int) -> Audit:
    """Look for near-duplicates in a sample, blank texts left out, and a text's pairs beyond some left out.

    Copies of a text are one pair each, with the first of them.

    Args:
        sample: the texts.
        threshold: the minimum Jaccard similarity.
        words: length of a shingle.
    """
    from datasketch import MinHash, MinHashLSH  # brings scipy, which takes seconds to load in every Python worker

    shingles = [_shingles(each.text, words) for each in sample]
    lsh = MinHashLSH(num_perm=_HASHES, params=_bands(threshold))
    first: dict[frozenset[str], int] = {}
    pairs = caught = 0
    for number, mine in enumerate(shingles):
        if not mine:
            continue
        if (copied := first.setdefault(mine, number)) != number:
            if sample[number].is_new or sample[copied].is_new:
                pairs += 1
                caught += sample[number].is_dropped or sample[copied].is_dropped
            continue
        minhash = MinHash(num_perm=_HASHES)
        minhash.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in mine])
        for other in itertools.islice(sorted(lsh.query(minhash)), _COMPARED):
            is_searched = sample[number].is_new or sample[other].is_new
            if is_searched and _jaccard(mine, shingles[other]) >= threshold:
                pairs += 1
                caught += sample[number].is_dropped or sample[other].is_dropped
        lsh.insert(number, minhash)
    return Audit(sum(1 for mine in shingles if mine), pairs, caught)


def _bands(threshold: float) -> tuple[int, int]:
    """Return bands and rows: as many rows as find all but few of the pairs right at the threshold."""
    for rows in range(_HASHES // 2, 1, -1):
        bands = _HASHES // rows
        if (1 - threshold**rows) ** bands <= _MISSED:
            return bands, rows
    return _HASHES, 1


def _shingles(text: str | None, words: int) -> frozenset[str]:
    found = tokens(text)
    if len(found) < words:
        return frozenset({" ".join(found) or normalise(text)} - {""})
    return frozenset(" ".join(found[at : at + words]) for at in range(len(found) - words + 1))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
