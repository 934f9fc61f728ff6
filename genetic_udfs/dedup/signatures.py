"""MinHash signatures by the hash family of Spark's `MinHashLSH`, evaluated in numpy.

The fitted `pyspark.ml.feature.MinHashLSHModel` is the family. Its own `transform` and `approxSimilarityJoin` are not on
the main path: a row crosses from the text to a vector and to 125 boxed numbers, and the join compares whole buckets
of single hashes (200,000 texts: 612 s against 28 s at lower recall).
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import SparkSession

from genetic_udfs.data.text import mix

if TYPE_CHECKING:
    from pyspark.ml.linalg import DenseVector

# MLlib's MinHashLSH.HASH_PRIME. It hashes the vector index i to ((1 + i) * a + b) mod p.
PRIME: Final = 2038074743

# The vectors' length. Indices below it stay distinct and non-zero modulo the prime when 1 is added.
INDICES: Final = PRIME - 1

# Shingles worked on at a time: three arrays of 256 KiB stay in a core's second-level cache (0.87 ns a shingle and hash,
# against 0.94 at twice and 1.22 at a quarter of it).
_CHUNK: Final = 1 << 15

_SAMPLE: Final = np.uint64(0x9E6C63D0876A9A47)

# What a fitted model is decided by: seed and number of tables. Fitting takes 0.6 s, so each is fitted once.
_fitted: dict[tuple[int, int], "HashFamily"] = {}


@dataclass(frozen=True)
class HashFamily:
    """Coefficients (a, b) of the functions h(i) = ((1 + i) a + b) mod p."""

    a: tuple[int, ...]
    b: tuple[int, ...]

    def __post_init__(self) -> None:
        if len(self.a) != len(self.b):
            raise ValueError(f"as many a as b are needed, not {len(self.a)} and {len(self.b)}")

    def __len__(self) -> int:
        return len(self.a)

    def signatures(self, flat: NDArray[np.int64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the signatures of several sets, one a row, one hash function a column.

        Args:
            flat: The sets' vector indices, one set after another; repeated ones change nothing.
            starts: Where each set begins in `flat`, ascending. No set may be empty.
        """
        result = np.full((len(starts), len(self)), PRIME, np.uint64)
        shifted = flat.astype(np.uint64) + np.uint64(1)
        ends = np.append(starts[1:], len(flat))
        hashes, quotients = np.empty((2, _CHUNK), np.uint64)
        for begin in range(0, len(flat), _CHUNK):
            chunk = shifted[begin : begin + _CHUNK]
            first = int(np.searchsorted(ends, begin, side="right"))
            last = int(np.searchsorted(starts, begin + len(chunk), side="left"))
            within = np.maximum(starts[first:last] - begin, 0)
            h, q = hashes[: len(chunk)], quotients[: len(chunk)]
            for column, (a, b) in enumerate(zip(self.a, self.b, strict=True)):
                np.multiply(chunk, np.uint64(a), out=h)
                np.add(h, np.uint64(b), out=h)
                # h mod p. numpy divides by a scalar with vector instructions, which its % does not (2.6 times).
                np.floor_divide(h, np.uint64(PRIME), out=q)
                np.multiply(q, np.uint64(PRIME), out=q)
                np.subtract(h, q, out=h)
                minima = result[first:last, column]
                np.minimum(minima, np.minimum.reduceat(h, within), out=minima)
        return result.view(np.int64)


def indices(shingles: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Fold 64-bit shingle hashes into the range of vector indices.

    Two of a text's 200 shingles fold onto each other once in 100,000 texts. That moves a signature by next to nothing,
    and a similarity not at all: those are counted on the unfolded hashes.
    """
    return (shingles % np.uint64(INDICES)).view(np.int64)


def sample_keys(flat: NDArray[np.uint64], starts: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the least of each set's values by a hash that is none of the family's.

    Args:
        flat: The sets' shingles, one set after another.
        starts: Where each set begins in `flat`, ascending. No set may be empty.
    """
    return np.minimum.reduceat(mix(flat ^ _SAMPLE), starts).view(np.int64)


def hash_family(spark: SparkSession, seed: int, size: int) -> HashFamily:
    """Return the hash family of a `MinHashLSH` with this seed and number of hash tables.

    The coefficients are no public attribute of the model, but its `transform` gives them away: the sets {0} and {1}
    hash to a + b and 2a + b modulo p. They depend on nothing in the data, so the model is fitted on these two vectors.
    """
    if (seed, size) not in _fitted:
        _fitted[seed, size] = _fit(spark, seed, size)
    return _fitted[seed, size]


def _fit(spark: SparkSession, seed: int, size: int) -> HashFamily:
    from pyspark.ml.feature import MinHashLSH  # takes a second to load, and only the driver fits
    from pyspark.ml.linalg import Vectors

    probes = spark.createDataFrame([(n, Vectors.sparse(2, [n], [1.0])) for n in range(2)], ["n", "set"])
    # PySpark's default seed is the hash of a class name, another one in every process.
    model = MinHashLSH(inputCol="set", outputCol="hashes", numHashTables=size, seed=seed).fit(probes)
    of_zero, of_one = (_values(row["hashes"]) for row in model.transform(probes).orderBy("n").collect())
    a = [(one - zero) % PRIME for zero, one in zip(of_zero, of_one, strict=True)]
    b = [(zero - each) % PRIME for zero, each in zip(of_zero, a, strict=True)]
    return HashFamily(tuple(a), tuple(b))


def _values(hashes: list["DenseVector"]) -> list[int]:
    return [int(vector[0]) for vector in hashes]
