"""Clusters of a population by landmarks among its seeds, and how far vectors are from their neighbours.

Vectors have length one. What lies nearest to the same landmark is a cluster.
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.engine.failure import marked
from genetic_udfs.errors import EngineError

# Half the precision of what a model gives moves a cosine by less than 0.001, in half the room.
STORED: Final = np.float16
NEIGHBOURS: Final = 5
_ROWS_AT_ONCE: Final = 1000


def landmarks(vectors: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return vectors that are far from each other: the first, then always the one farthest from those before it.

    No set of so many covers the others within less than half their distance (Gonzalez, TCS 38, 1985).
    """
    chosen = [0] if len(vectors) else []
    nearest = vectors @ vectors[0] if len(vectors) else np.empty(0, np.float32)
    while len(chosen) < min(count, len(vectors)):
        farthest = int(nearest.argmin())
        chosen.append(farthest)
        nearest = np.maximum(nearest, vectors @ vectors[farthest])
    return vectors[chosen]


def clusters(vectors: NDArray[np.float32], of: NDArray[np.float32]) -> NDArray[np.int64]:
    """Return for each vector the number of the landmark that is nearest."""
    found: NDArray[np.int64] = (vectors @ of.T).argmax(axis=1)
    return found


def novelty(
    ids: Sequence[str], vectors: NDArray[np.float32], others: Sequence[str], among: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Return the mean cosine distance of each vector to its nearest neighbours (Lehman and Stanley 2011).

    Args:
        ids: whose the vectors are.
        vectors: a row each.
        others: whose the neighbours are; nobody is a neighbour of itself.
        among: their vectors.
    """
    place = {name: at for at, name in enumerate(others)}
    count = min(NEIGHBOURS, max(len(others) - 1, 1))
    distances = np.empty(len(ids), np.float32)
    for first in range(0, len(ids), _ROWS_AT_ONCE):
        rows = slice(first, first + _ROWS_AT_ONCE)
        similarities = vectors[rows] @ among.T
        for row, name in enumerate(ids[rows]):
            if (own := place.get(name)) is not None:
                similarities[row, own] = -np.inf
        nearest = np.partition(similarities, -count, axis=1)[:, -count:]
        distances[rows] = np.clip(1 - nearest, 0, 2).mean(axis=1)
    return distances


def packed(vectors: NDArray[np.float32]) -> list[bytes]:
    """Return vectors as they are stored."""
    return [row.tobytes() for row in vectors.astype(STORED)]


def unpacked(stored: Sequence[bytes]) -> NDArray[np.float32]:
    """Return stored vectors, a row each.

    Raises:
        EngineError: if they are of different lengths, as those of different models are.
    """
    if not stored:
        return np.empty((0, 0), np.float32)
    if len(lengths := {len(vector) // STORED().itemsize for vector in stored}) > 1:
        raise marked(EngineError(f"embeddings are of several models: they have {sorted(lengths)} numbers each"))
    return np.frombuffer(b"".join(stored), STORED).reshape(len(stored), -1).astype(np.float32)
