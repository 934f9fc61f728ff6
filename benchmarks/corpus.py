"""Synthetic instructions with planted near-duplicates, and the exact join that tells which are near.

The join is by prefix filtering (Chaudhuri et al., ICDE 2006; Bayardo et al., WWW 2007), which misses nothing and knows
no hashing of sets: it is what approximate searches are held against.
"""

import itertools
import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from genetic_udfs.data.text import jaccard, normalise, shingles

WORDS = (85, 300)
PLANTED = 0.14
# Of a planted text up to this share of the words is another: similarities from 1 down to 0.55.
CHANGED = 0.09
VOCABULARY = 20_000
PHRASES = 2_000
A_FILE = 50_000


def instructions(count: int, seed: int = 1) -> Iterator[str]:
    """Texts of 85 to 300 words: common phrases between words that fall off as in language, 14% told almost again.

    What a planted text repeats may be planted itself, so near-duplicates come in chains.
    """
    draw = np.random.default_rng(seed)
    vocabulary = _vocabulary(draw)
    phrases = [" ".join(words) for words in vocabulary[_zipf(draw, (PHRASES, 8))]]
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < PLANTED:
            words = texts[draw.integers(len(texts))].split(" ")
            changes = round(len(words) * draw.uniform(0.0, CHANGED))
            for at, word in zip(draw.integers(len(words), size=changes), _zipf(draw, changes), strict=True):
                words[at] = vocabulary[word]
            text = " ".join(words)
        else:
            size = int(draw.integers(*WORDS, endpoint=True))
            words = list(vocabulary[_zipf(draw, size)])
            for at in draw.integers(len(words), size=4):  # eight words of each phrase, as everybody says them
                words[at : at + 8] = [phrases[_zipf(draw, 1)[0] % PHRASES]]
            text = " ".join(words)
        texts.append(text)
        yield text


def write_corpus(folder: Path, count: int, seed: int = 1) -> Path:
    """Write a corpus as Parquet files with `id` (string) and `text`, unless it is there; ids sort like the order."""
    there = folder / f"{count}-{seed}"
    if (there / "_SUCCESS").exists():
        return there
    there.mkdir(parents=True, exist_ok=True)
    numbered = enumerate(instructions(count, seed))
    while some := list(itertools.islice(numbered, A_FILE)):
        table = pa.table({"id": [f"t{number:08d}" for number, _ in some], "text": [text for _, text in some]})
        pq.write_table(table, there / f"part-{some[0][0]:08d}.parquet")
    (there / "_SUCCESS").touch()
    return there


def texts_of(corpus: Path) -> list[str]:
    found: list[str] = pq.read_table(corpus, columns=["text"]).column("text").to_pylist()
    return found


def exact_join(texts: Sequence[str], threshold: float, words: int = 3) -> dict[tuple[int, int], float]:
    """Return every pair (later, earlier) whose shingles are as similar as the threshold, with its similarity."""
    sets = [shingles(text, words) for text in texts]
    sizes = np.array([len(each) for each in sets])
    _, flat, counts = np.unique(np.concatenate(sets), return_inverse=True, return_counts=True)
    rank = np.argsort(np.argsort(counts, kind="stable"), kind="stable")[flat]  # the rarer, the smaller
    keys, owners = [], []
    for number, (begin, size) in enumerate(zip(np.cumsum(sizes) - sizes, sizes, strict=True)):
        prefix = size - math.ceil(threshold * size - 1e-9) + 1
        mine = np.sort(rank[begin : begin + size])[:prefix]
        keys.append(mine)
        owners.append(np.full(len(mine), number))
    return {
        pair: similarity
        for pair in sharing(np.concatenate(keys), np.concatenate(owners))
        if (similarity := jaccard(sets[pair[0]], sets[pair[1]])) >= threshold
    }


def survivors(count: int, pairs: dict[tuple[int, int], float]) -> set[int]:
    """Return who is kept of 0 to `count` - 1: whoever is near to nobody kept before."""
    near: dict[int, list[int]] = {}
    for later, earlier in pairs:
        near.setdefault(later, []).append(earlier)
    kept: set[int] = set()
    for number in range(count):
        if not any(earlier in kept for earlier in near.get(number, ())):
            kept.add(number)
    return kept


def same_words(texts: Sequence[str]) -> dict[str, list[int]]:
    """Return the numbers of the texts by their normal form."""
    found: dict[str, list[int]] = {}
    for number, text in enumerate(texts):
        found.setdefault(normalise(text), []).append(number)
    return found


def sharing(keys: NDArray[np.int64], owners: NDArray[np.int64]) -> set[tuple[int, int]]:
    """Return the pairs (later, earlier) of owners that have a key in common; owners come in ascending order."""
    order = np.argsort(keys, kind="stable")
    keys, owners = keys[order], owners[order]
    ends = np.append(np.flatnonzero(np.diff(keys)) + 1, len(keys))
    begins = np.append(0, ends[:-1])
    shared = ends - begins > 1
    return {
        (int(later), int(earlier))
        for begin, end in zip(begins[shared], ends[shared], strict=True)
        for earlier, later in itertools.combinations(owners[begin:end], 2)
    }


def _vocabulary(draw: np.random.Generator) -> NDArray[np.str_]:
    letters = np.array(list("abcdefghijklmnopqrstuvwxyz"))
    sizes = draw.integers(2, 10, size=VOCABULARY)
    return np.array(["".join(letters[draw.integers(26, size=size)]) for size in sizes], dtype=object)


def _zipf(draw: np.random.Generator, size: int | tuple[int, ...]) -> NDArray[np.int64]:
    """Draw places in the vocabulary, the nth about in proportion to 1/n."""
    return np.minimum((VOCABULARY ** draw.random(size)).astype(np.int64), VOCABULARY) - 1
