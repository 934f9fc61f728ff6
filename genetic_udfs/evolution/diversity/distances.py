"""How far texts are from each other, by their embeddings and by their words. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.data.text import batch_shingles, normalise

_WORDS: Final = 3
# Vectors held against all others at once: 2,000 by 2,000 similarities are 16 MB.
_AT_ONCE: Final = 2000
_RESAMPLES: Final = 1000
_INTERVAL: Final = (2.5, 97.5)
_FEW: Final = 5
_SIGMAS: Final = 1.96


class Spread(NamedTuple):
    """Distances to the nearest: their mean, where it lies in 95% of bootstrap samples, and the 5th percentile."""

    mean: float
    low: float
    high: float
    p5: float


class Ratio(NamedTuple):
    """A share, and where it lies by how much it hangs on single texts; without an interval where there is one text."""

    share: float
    low: float | None
    high: float | None


def distinct_3(texts: Sequence[str]) -> Ratio | None:
    """Return the share of distinct ones among all runs of three words (Li et al., NAACL 2016); None without words.

    Its 95% interval is by the jackknife (Tukey 1958), which leaves out one text at a time. A bootstrap would repeat
    texts, and what is repeated is not distinct: of texts that share nothing it would say 0.63 in place of 1.
    """
    normal = [form for form in map(normalise, texts) if form]
    if not normal:
        return None
    runs, starts = batch_shingles(normal, _WORDS)
    _, kind, counts = np.unique(runs, return_inverse=True, return_counts=True)
    share = len(counts) / len(runs)
    if len(normal) == 1:
        return Ratio(share, None, None)
    own = np.add.reduceat((counts[kind] == 1).astype(np.int64), starts)  # of each text those that no other has
    sizes = np.diff(starts, append=len(runs))
    without = (len(counts) - own) / (len(runs) - sizes)
    half = _SIGMAS * float(np.sqrt((len(normal) - 1) * np.mean((without - without.mean()) ** 2)))
    return Ratio(share, max(0.0, share - half), min(1.0, share + half))


def to_nearest(vectors: NDArray[np.float32], others: NDArray[np.float32] | None = None) -> NDArray[np.float32] | None:
    """Return the cosine distance of each vector to the nearest of others; None where there are none.

    Args:
        vectors: of length one, a row each.
        others: likewise; without them each vector is held against the rest.
    """
    against = vectors if others is None else others
    if len(vectors) == 0 or len(against) < (2 if others is None else 1):
        return None
    nearest = np.empty(len(vectors), np.float32)
    for begin in range(0, len(vectors), _AT_ONCE):
        similarities = vectors[begin : begin + _AT_ONCE] @ against.T
        if others is None:
            rows = np.arange(len(similarities))
            similarities[rows, rows + begin] = -np.inf
        nearest[begin : begin + _AT_ONCE] = similarities.max(axis=1)
    return np.clip(1 - nearest, 0, 2)


def spread(distances: NDArray[np.float32] | None, seed: int) -> Spread | None:
    """Return what a sample of distances says, with the interval of its mean by the bootstrap (Efron 1979)."""
    if distances is None:
        return None
    draws = np.random.default_rng(seed).integers(0, len(distances), (_RESAMPLES, len(distances)), np.int32)
    low, high = np.percentile(distances[draws].mean(axis=1), _INTERVAL)
    return Spread(float(distances.mean()), float(low), float(high), float(np.percentile(distances, _FEW)))
