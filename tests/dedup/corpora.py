"""Synthetic texts with planted near-duplicates, and the definition of who is dropped, spelled out on all pairs."""

import random
from collections.abc import Sequence
from typing import NamedTuple

from pyspark.sql import DataFrame, SparkSession


class Text(NamedTuple):
    id: str
    rank: int
    text: str | None


class Dropped(NamedTuple):
    duplicate_of: str
    similarity: float
    method: str


def planted(count: int, seed: int, share: float = 0.3) -> list[str]:
    """Return texts of 40 to 90 words, `share` of them an earlier one (itself maybe planted) with up to 4 words changed.

    A few are an earlier text's copy but for case and white space.
    """
    draw = random.Random(seed)
    vocabulary = ["".join(draw.choices("abcdefghijklmnopqrstuvwxyz", k=draw.randint(2, 9))) for _ in range(3000)]
    texts: list[str] = []
    for _ in range(count):
        if texts and draw.random() < share:
            words = draw.choice(texts).split()
            for _ in range(draw.randint(0, 4)):
                words[draw.randrange(len(words))] = draw.choice(vocabulary)
            texts.append(draw.choice([" ", "  ", "\n"]).join(words).upper() if draw.random() < 0.2 else " ".join(words))
        else:
            texts.append(" ".join(draw.choices(vocabulary, k=draw.randint(40, 90))))
    return texts


def numbered(texts: Sequence[str | None], prefix: str = "t", first: int = 0) -> list[Text]:
    """Return texts with ids that sort like their ranks."""
    return [Text(f"{prefix}{number:05d}", number, text) for number, text in enumerate(texts, first)]


def trigrams(text: str) -> set[tuple[str, ...]]:
    words = text.lower().split()
    return {tuple(words[at : at + 3]) for at in range(max(len(words) - 2, 1))}


def similarity(one: str, other: str) -> float:
    left, right = trigrams(one), trigrams(other)
    return len(left & right) / len(left | right)


def dropped_by_definition(new: Sequence[Text], kept: Sequence[Text], threshold: float) -> dict[str, Dropped]:
    """Go through the new texts in order, each compared with every one kept before it. Plain ASCII words only."""
    shingles = {text: trigrams(text) for _, _, text in [*new, *kept] if text is not None}
    before = [(name, text) for name, _, text in sorted(kept) if text is not None]
    found: dict[str, Dropped] = {}
    for name, _, text in sorted(new, key=lambda each: each.rank):
        if text is None:
            continue
        best: Dropped | None = None
        for partner, other in before:
            is_copy = text.lower().split() == other.lower().split()
            shared = len(shingles[text] & shingles[other])
            near = shared / (len(shingles[text]) + len(shingles[other]) - shared)
            if (is_copy or near >= threshold) and (best is None or near > best.similarity):
                best = Dropped(partner, near, "exact" if is_copy else "minhash")
        if best is None:
            before.append((name, text))
        else:
            found[name] = best
    return found


def new_frame(spark: SparkSession, texts: Sequence[Text]) -> DataFrame:
    return spark.createDataFrame(list(texts), "id string, rank long, text string")


def kept_frame(spark: SparkSession, texts: Sequence[Text]) -> DataFrame:
    return spark.createDataFrame([(name, text) for name, _, text in texts], "id string, text string")


def by_id(frame: DataFrame) -> dict[str, Dropped]:
    rows = frame.collect()
    found = {row.id: Dropped(row.duplicate_of, row.similarity, row.method) for row in rows}
    assert len(found) == len(rows), "a text was dropped twice"
    return found


def cached(rows: DataFrame, name: str, *, max_bytes: int | None = None) -> DataFrame:
    """Keep an intermediate result."""
    return rows.localCheckpoint()
