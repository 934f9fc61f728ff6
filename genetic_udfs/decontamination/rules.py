"""The hard filter: which texts hold an item of a test set, by the word n-grams they share. Pure numpy.

Of a text and an item's text, whose tokens are words as `genetic_udfs.data.text` has them:

- `ngram`: they share a run of 10 words;
- `coverage`: the runs of 8 words that they share cover half of the item's words;
- `containment`: the text has half of the item's distinct runs of 3 words, and half of those that are not common, which
  are at least half of all;
- `whole`: the item has fewer than 13 words, or no run of 10 that counts, and all of them stand in the text one after
  another, in lines that have at most twice as many words and 8. An item of fewer than 4 words is found only in a text
  that has no others.

The first three are for items of 13 words and more. Solutions are held to `coverage` and `containment` alone: ten words
in a row, and any short program, may well be everybody's.

A run of 3 words that stands in more than 3 problems of a test set is common there, as in "The first line of the input
contains a single integer"; all numbers are the same there. A run of 10 or 8 words counts if half of the runs of 3 in it
are not common: so neither count sentences that many problems share, nor the seams between two of them.

The numbers were chosen on HumanEval: planted verbatim, inside long texts, and with every tenth word changed (the
figures are in docs/decontamination.md).
"""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.data.text import normalise, tokens
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.commonness import is_common, problem_of
from genetic_udfs.decontamination.grams import Postings, Tokens
from genetic_udfs.decontamination.items import BenchmarkItem

RUN: Final = 10
COVERING: Final = 8
CONTAINED: Final = 3
SHORT: Final = 13
TINY: Final = 4
MORE_WORDS: Final = 8  # that a short item's lines may have, beyond twice its own
_HALF: Final = 0.5

# Texts looked at together: enough for numpy to be fast, and at most so many counters (one for each pair of a text and
# an item's text, 32 MiB).
_TEXTS: Final = 1024
_COUNTERS: Final = 1 << 22
_PAIRS: Final = 1 << 21


class Match(NamedTuple):
    """What a text was found to hold: an item, by its place in the list, and the rule that found it."""

    item: int
    rule: str


@dataclass(frozen=True)
class Index:
    """The items' n-grams, as they travel to the executors.

    What is called an entry here is one of an item's texts; `items` has each entry's item. `runs` and `wholes` have
    entries as values; `contained` has twice the entry, and one more where the gram is not common; `covering` has slots,
    the places of tokens in all entries one after another, and `entry_of` and `size_of` a slot's entry and an entry's
    number of tokens. `grams_of` is an entry's number of distinct 3-grams, `rare_of` of those that are not common.
    """

    items: NDArray[np.int64]
    runs: Postings
    covering: Postings
    contained: Postings
    wholes: dict[int, Postings]
    entry_of: NDArray[np.int64]
    size_of: NDArray[np.int64]
    grams_of: NDArray[np.int64]
    rare_of: NDArray[np.int64]

    @classmethod
    def of(cls, items: Sequence[BenchmarkItem]) -> Self:
        """File the texts of the items; those without a word are left out."""
        entries = [
            (number, normalise(text), is_solution)
            for number, item in enumerate(items)
            for is_solution, texts in ((False, item.instructions), (True, item.solutions))
            for text in texts
        ]
        entries = [entry for entry in entries if tokens(entry[1])]
        words = Tokens.of([normal for _, normal, _ in entries])
        is_solution = np.array([entry[2] for entry in entries], np.bool_)
        is_short = words.sizes < SHORT
        counting = _Counting([normal for _, normal, _ in entries], words)
        item_of = np.array([entry[0] for entry in entries], np.int64)
        problem, test_set = (of_items[item_of] for of_items in problem_of(items))
        is_rare = _rare_grams(words, counting.has_letter, problem, test_set)
        of_length = {
            n: counting.select(n, hashes, is_rare) for n, hashes in words.grams(RUN) if n in (CONTAINED, COVERING, RUN)
        }

        def filed(n: int, entries_wanted: NDArray[np.bool_]) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
            """Return the grams of some entries that count: their hashes, and the slots of their first tokens."""
            hashes, slots = of_length.get(n, (np.empty(0, np.uint64), np.empty(0, np.int64)))
            wanted = entries_wanted[words.owner[slots]]
            return hashes[wanted], slots[wanted]

        hashes, slots = filed(RUN, ~is_short & ~is_solution)
        runs = _distinct(hashes, words.owner[slots])
        has_no_run = np.ones(len(entries), np.bool_)
        has_no_run[runs.values] = False
        hashes, slots = filed(CONTAINED, ~is_short)
        contained = _distinct(hashes, 2 * words.owner[slots] + is_rare[slots])
        return cls(
            items=item_of,
            runs=runs,
            covering=Postings.of(*filed(COVERING, ~is_short)),
            contained=contained,
            wholes=_wholes(words, np.flatnonzero(has_no_run & ~is_solution)),
            entry_of=words.owner,
            size_of=words.sizes,
            grams_of=np.bincount(contained.values // 2, minlength=len(entries)),
            rare_of=np.bincount(contained.values // 2, contained.values % 2, len(entries)).astype(np.int64),
        )

    def matches(self, normal_texts: Sequence[str]) -> list[Match | None]:
        """Return what each normal text, not blank, holds; None where it is clean.

        Args:
            normal_texts: As `data.text.normalise` gives them, or, so that lines count, `data.text.normal_lines`.

        The rule is the first that holds; the item the one of which there is most by that rule, of equals the first.
        """
        found: list[Match | None] = []
        at_once = max(1, min(_TEXTS, _COUNTERS // max(len(self.items), 1)))
        for begin in range(0, len(normal_texts), at_once):
            found += self._matches(normal_texts[begin : begin + at_once])
        return found

    def _matches(self, normal_texts: Sequence[str]) -> list[Match | None]:
        found: list[Match | None] = [None] * len(normal_texts)
        words = Tokens.of(normal_texts)
        hits = {}
        for n, hashes in words.grams(max([RUN, *self.wholes])):
            if n in self.wholes:
                hits[c.WHOLE, n] = self._whole(normal_texts, words, n, hashes)
            if n == CONTAINED:
                hits[c.CONTAINMENT, n] = self._contained(words, hashes)
            if n == COVERING:
                hits[c.COVERAGE, n] = self._covered(words, hashes)
            if n == RUN:
                hits[c.NGRAM, n] = self._runs(words, hashes)
        # From the weakest to the best, which stays.
        for (rule, _), best in sorted(hits.items(), key=lambda each: (-c.RULES.index(each[0][0]), each[0][1])):
            for text, entry in best:
                found[text] = Match(int(self.items[entry]), rule)
        return found

    def _runs(self, words: Tokens, hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
        for texts, entries in _filed(self.runs, *_found(self.runs, words, RUN, hashes)):
            pairs, counts = np.unique(texts * len(self.items) + entries, return_counts=True)
            yield from self._best(pairs, counts)

    def _covered(self, words: Tokens, hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
        for texts, slots in _filed(self.covering, *_found(self.covering, words, COVERING, hashes)):
            places = np.unique(texts * len(self.entry_of) + slots)
            texts, slots = np.divmod(places, len(self.entry_of))
            pairs = texts * len(self.items) + self.entry_of[slots]
            # Each run covers its words up to where the next one of the same entry begins.
            covers = np.full(len(places), COVERING, np.int64)
            same = pairs[1:] == pairs[:-1]
            covers[:-1][same] = np.minimum(np.diff(slots)[same], COVERING)
            pairs, begins = np.unique(pairs, return_index=True)
            share = np.add.reduceat(covers, begins) / self.size_of[pairs % len(self.items)]
            enough = share >= _HALF
            yield from self._best(pairs[enough], share[enough])

    def _contained(self, words: Tokens, hashes: NDArray[np.uint64]) -> Iterator[tuple[int, int]]:
        for texts, values in _filed(self.contained, *_found(self.contained, words, CONTAINED, hashes)):
            entries, is_rare = np.divmod(values, 2)
            first = int(texts[0])
            shape = int(texts[-1]) - first + 1, len(self.items)
            places = (texts - first) * len(self.items) + entries
            counts = np.bincount(places, minlength=shape[0] * shape[1]).reshape(shape)
            rare = np.bincount(places, is_rare, shape[0] * shape[1]).reshape(shape)
            is_told_apart = (self.rare_of >= self.grams_of * _HALF) & (self.rare_of > 0)
            enough = (counts >= self.grams_of * _HALF) & (rare >= self.rare_of * _HALF) & is_told_apart
            pairs = np.flatnonzero(enough)
            share = counts.ravel()[pairs] / self.grams_of[pairs % len(self.items)]
            yield from self._best(pairs + first * len(self.items), share)

    def _whole(
        self, normal_texts: Sequence[str], words: Tokens, n: int, hashes: NDArray[np.uint64]
    ) -> Iterator[tuple[int, int]]:
        positions, keys = self.wholes[n].find(hashes)
        within = words.is_within(positions, n)
        positions, keys = positions[within], keys[within]
        texts = words.owner[positions]
        if n < TINY:
            is_near = words.sizes[texts] == n
        else:
            begins = positions - (np.cumsum(words.sizes) - words.sizes)[texts]
            lines: dict[int, list[int]] = {}
            for text in set(texts.tolist()):
                lines[text] = np.cumsum([len(tokens(line)) for line in normal_texts[text].split("\n")]).tolist()
            is_near = np.fromiter(
                (
                    _words_around(lines[text], begin, n) <= 2 * n + MORE_WORDS
                    for text, begin in zip(texts.tolist(), begins.tolist(), strict=True)
                ),
                np.bool_,
                len(texts),
            )
        found = np.unique(texts[is_near] * max(len(self.wholes[n].keys), 1) + keys[is_near])
        for of_texts, entries in _filed(self.wholes[n], *np.divmod(found, max(len(self.wholes[n].keys), 1))):
            pairs = np.unique(of_texts * len(self.items) + entries)
            yield from self._best(pairs, np.zeros(len(pairs)))

    def _best(
        self, pairs: NDArray[np.int64], scores: NDArray[np.int64] | NDArray[np.float64]
    ) -> Iterator[tuple[int, int]]:
        """Yield for each text in the pairs the entry of the highest score, the first of equals."""
        texts, entries = np.divmod(pairs, max(len(self.items), 1))
        order = np.lexsort((entries, -scores, texts))
        first = np.unique(texts[order], return_index=True)[1]
        yield from zip(texts[order][first].tolist(), entries[order][first].tolist(), strict=True)


class _Counting:
    """Which n-grams of the entries count: those of which half the tokens have a letter, if an entry has any such.

    1 to 10 in a row stand in many a text, as an example's numbers.
    """

    def __init__(self, normal_texts: Sequence[str], words: Tokens) -> None:
        has_letter = [any(map(str.isalpha, token)) for text in normal_texts for token in tokens(text)]
        self.has_letter = np.array(has_letter, np.bool_)
        self._words = words
        self._letters = np.append(0, np.cumsum(self.has_letter))
        self._has_words = np.zeros(len(words.sizes), np.bool_)
        begins = np.arange(max(len(words.flat) - CONTAINED + 1, 0))
        self._has_words[words.owner[begins[self._is_wordy(CONTAINED) & words.is_within(begins, CONTAINED)]]] = True

    def select(
        self, n: int, hashes: NDArray[np.uint64], is_rare: NDArray[np.bool_]
    ) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
        """Return the hashes that count, of all of length `n`, and the places of their first tokens.

        `is_rare` tells of each place whether the 3-gram there is not common.
        """
        begins = np.arange(len(hashes))
        counts = self._is_wordy(n) | ~self._has_words[self._words.owner[begins]]
        if n > CONTAINED:
            rare = np.append(0, np.cumsum(is_rare))
            inside = n - CONTAINED + 1
            counts &= (rare[begins + inside] - rare[begins]) * 2 >= inside
        counted = np.flatnonzero(counts & self._words.is_within(begins, n))
        return hashes[counted], counted

    def _is_wordy(self, n: int) -> NDArray[np.bool_]:
        wordy: NDArray[np.bool_] = (self._letters[n:] - self._letters[:-n]) * 2 >= n
        return wordy


def _distinct(hashes: NDArray[np.uint64], values: NDArray[np.int64]) -> Postings:
    pairs = np.unique(np.stack((hashes, values.view(np.uint64)), axis=1), axis=0)
    return Postings.of(pairs[:, 0], pairs[:, 1].view(np.int64))


def _words_around(line_ends: list[int], begin: int, n: int) -> int:
    """Return how many words the lines have in which `n` words stand, the first of them the text's word `begin`."""
    first, last = bisect_right(line_ends, begin), bisect_left(line_ends, begin + n)
    return line_ends[last] - (line_ends[first - 1] if first else 0)


def _rare_grams(
    words: Tokens, has_letter: NDArray[np.bool_], problem: NDArray[np.int64], test_set: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """Tell of each token whether the 3-gram that begins there is not common among the problems of its test set.

    Words without a letter are all the same: bounds and moduli differ in sentences that do not.
    """
    is_rare = np.zeros(len(words.flat), np.bool_)
    alike = Tokens(np.where(has_letter, words.flat, np.uint64(0)), words.owner, words.sizes)
    for n, hashes in alike.grams(CONTAINED):
        if n == CONTAINED:
            begins = np.arange(len(hashes))
            begins = begins[words.is_within(begins, n)]
            owner = words.owner[begins]
            is_rare[begins] = ~is_common(hashes[begins], test_set[owner], problem[owner])
    return is_rare


def _wholes(words: Tokens, short: NDArray[np.int64]) -> dict[int, Postings]:
    begins = np.cumsum(words.sizes) - words.sizes
    wholes = {}
    for n, hashes in words.grams(int(words.sizes[short].max(initial=0))):
        entries = short[words.sizes[short] == n]
        if len(entries):
            wholes[n] = Postings.of(hashes[begins[entries]], entries)
    return wholes


def _found(
    postings: Postings, words: Tokens, n: int, hashes: NDArray[np.uint64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the distinct (text, key) pairs of the n-grams that are keys."""
    positions, keys = postings.find(hashes)
    within = words.is_within(positions, n)
    pairs = np.unique(words.owner[positions[within]] * max(len(postings.keys), 1) + keys[within])
    texts, keys = np.divmod(pairs, max(len(postings.keys), 1))
    return texts, keys


def _filed(
    postings: Postings, texts: NDArray[np.int64], keys: NDArray[np.int64]
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the (text, value) pairs of sorted (text, key) pairs: some texts' at a time, all of a text's at once.

    A phrase that stands in each of 5,000 items has 5,000 values; a text has at most as many as the index.
    """
    ends = np.cumsum(postings.starts[keys + 1] - postings.starts[keys])
    begin = 0
    while begin < len(keys):
        before = int(ends[begin - 1]) if begin else 0
        last = max(int(np.searchsorted(ends, before + _PAIRS, side="right")) - 1, begin)
        if last + 1 < len(keys) and texts[last + 1] == texts[last]:
            # Not in the midst of a text, unless it is the first one, which then is taken whole.
            whole = int(np.searchsorted(texts, texts[last]))
            last = whole - 1 if whole > begin else int(np.searchsorted(texts, texts[last], side="right")) - 1
        which, values = postings.expand(keys[begin : last + 1])
        yield texts[begin : last + 1][which], values
        begin = last + 1
