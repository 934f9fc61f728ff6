"""Word n-grams of many texts at once: their hashes, and which of them stand in an index. Pure numpy."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Self

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.data.text import batch_shingles, chain

# A bit of the hash says for most grams that no key is theirs, at a fiftieth of the price of a search: so many places
# for each key, within these bounds (bytes; the upper one no longer fits into a core's cache).
_PLACES_A_KEY: Final = 64
_MIN_PLACES: Final = 1 << 16
_MAX_PLACES: Final = 1 << 24


@dataclass(frozen=True)
class Tokens:
    """The token hashes of several texts, one text after another; `owner` is the number of each token's text."""

    flat: NDArray[np.uint64]
    owner: NDArray[np.int64]
    sizes: NDArray[np.int64]

    @classmethod
    def of(cls, normal_texts: Sequence[str]) -> Self:
        """Take normal texts that are not blank. A text of symbols alone has one token that is no word's."""
        flat, starts = batch_shingles(normal_texts, 1)
        sizes = np.diff(np.append(starts, len(flat)))
        return cls(flat, np.repeat(np.arange(len(sizes), dtype=np.int64), sizes), sizes)

    def grams(self, longest: int) -> Iterator[tuple[int, NDArray[np.uint64]]]:
        """Yield (n, hashes of the n-grams that begin at each token) for n = 1 to `longest`.

        The last tokens of a text begin n-grams that reach into the next one; `is_within` tells them.
        """
        hashes = self.flat
        for n in range(1, longest + 1):
            if n > 1:
                hashes = chain(hashes[:-1], self.flat[n - 1 :])
            yield n, hashes
            if len(hashes) == 0:
                return

    def is_within(self, positions: NDArray[np.int64], n: int) -> NDArray[np.bool_]:
        """Tell which n-grams, given by their first tokens, lie within one text."""
        within: NDArray[np.bool_] = self.owner[positions] == self.owner[positions + n - 1]
        return within


@dataclass(frozen=True)
class Postings:
    """An index of grams: for each key (a hash) the values filed under it."""

    keys: NDArray[np.uint64]
    starts: NDArray[np.int64]
    values: NDArray[np.int64]
    places: NDArray[np.bool_]

    @classmethod
    def of(cls, hashes: NDArray[np.uint64], values: NDArray[np.int64]) -> Self:
        """File each value under its hash."""
        order = np.argsort(hashes, kind="stable")
        keys, starts = np.unique(hashes[order], return_index=True)
        wanted = 1 << max(len(keys) * _PLACES_A_KEY - 1, 1).bit_length()
        places = np.zeros(min(max(wanted, _MIN_PLACES), _MAX_PLACES), np.bool_)
        places[_place(keys, len(places))] = True
        return cls(keys, np.append(starts, len(hashes)).astype(np.int64), values[order], places)

    def find(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the positions of the hashes that are keys, and the numbers of these keys."""
        if len(self.keys) == 0 or len(hashes) == 0:
            return np.empty(0, np.int64), np.empty(0, np.int64)
        maybe = np.flatnonzero(self.places[_place(hashes, len(self.places))])
        candidates = hashes[maybe]
        at = np.minimum(np.searchsorted(self.keys, candidates), len(self.keys) - 1)
        found = self.keys[at] == candidates
        return maybe[found], at[found]

    def expand(self, keys: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return the values under each of some keys, given by number: (which of `keys`, value), in order."""
        counts = self.starts[keys + 1] - self.starts[keys]
        which = np.repeat(np.arange(len(keys), dtype=np.int64), counts)
        begins = np.cumsum(counts) - counts
        return which, self.values[np.arange(len(which)) - begins[which] + self.starts[keys][which]]


def _place(hashes: NDArray[np.uint64], places: int) -> NDArray[np.int64]:
    return (hashes & np.uint64(places - 1)).view(np.int64)
