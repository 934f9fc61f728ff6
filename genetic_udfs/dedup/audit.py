"""An independent look at a sample: datasketch searches it for near-duplicates in one process, with hashes of its own.

It looks for pairs that were missed, and compares what it finds exactly, so it can err by missing pairs, too. Texts that
were dropped wrongly are not its matter: none is dropped without an exact comparison.
"""

from collections.abc import Sequence
from typing import Final, NamedTuple

from datasketch import MinHash, MinHashLSH

from genetic_udfs.text import normalise, tokens

_HASHES: Final = 256
_WEIGHTS: Final = (0.1, 0.9)  # of false positives, which the comparison removes, and false negatives


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
    """Look for near-duplicates in a sample, blank texts left out.

    Args:
        sample: the texts.
        threshold: the least Jaccard similarity.
        words: length of a shingle.
    """
    shingles = [_shingles(each.text, words) for each in sample]
    lsh = MinHashLSH(threshold=threshold, num_perm=_HASHES, weights=_WEIGHTS)
    pairs = caught = 0
    for number, mine in enumerate(shingles):
        if not mine:
            continue
        minhash = MinHash(num_perm=_HASHES)
        minhash.update_batch([shingle.encode("utf-8", "surrogatepass") for shingle in mine])
        for other in lsh.query(minhash):
            is_searched = sample[number].is_new or sample[other].is_new
            if is_searched and _jaccard(mine, shingles[other]) >= threshold:
                pairs += 1
                caught += sample[number].is_dropped or sample[other].is_dropped
        lsh.insert(number, minhash)
    return Audit(sum(1 for mine in shingles if mine), pairs, caught)


def _shingles(text: str | None, words: int) -> frozenset[str]:
    found = tokens(text)
    if len(found) < words:
        return frozenset({" ".join(found) or normalise(text)} - {""})
    return frozenset(" ".join(found[at : at + words]) for at in range(len(found) - words + 1))


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared)
