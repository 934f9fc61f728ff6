"""The numpy path finds what the rules' definitions find, and HumanEval where it was planted."""

import json
import random
import re
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from genetic_udfs.config import Decontamination
from genetic_udfs.data.text import batch_shingles, normal_lines, normalise, tokens
from genetic_udfs.decontamination import BenchmarkItem, read_items, rules
from genetic_udfs.decontamination.grams import Postings, Tokens
from genetic_udfs.decontamination.rules import Index, Match
from tests.decontamination.definition import match

SEEDS = Path(__file__).resolve().parents[2] / "seeds" / "seeds.jsonl"


def item(*instructions: str, solutions: Sequence[str] = (), name: str = "i") -> BenchmarkItem:
    return BenchmarkItem("b", name, "", instructions, tuple(solutions))


def words(first: int, last: int) -> str:
    return " ".join(f"w{number}" for number in range(first, last))


def found(text: str, *items: BenchmarkItem) -> Match | None:
    [one] = Index.of(items).matches([normal_lines(text)])
    return one


@pytest.fixture(scope="module")
def human_eval() -> list[BenchmarkItem]:
    return read_items(Decontamination())


@pytest.fixture(scope="module")
def seeds() -> list[str]:
    return [json.loads(line)["instruction"] for line in SEEDS.read_text().splitlines()]


# Few words, so that runs come again; digits, so that some do not count; "x" * n for runs that overlap themselves.
_word = st.sampled_from(["a", "b", "c", "d", "x", "x", "1", "2", "é", "写"])
_text = st.lists(_word, max_size=40).map(" ".join)
_items = st.lists(
    st.tuples(st.lists(_text, max_size=2), st.lists(_text, max_size=1), st.sampled_from("bbc")).map(
        lambda texts: BenchmarkItem(texts[2], "i", "", tuple(texts[0]), tuple(texts[1]))
    ),
    min_size=1,
    max_size=7,
)


@given(_items, st.lists(st.tuples(_text, _text, st.integers(0, 9), st.integers(0, 20)), max_size=6))
@example([item("x " * 20), item("x " * 21)], [("x " * 15, "", 0, 0), ("x " * 7, "a", 0, 0)])
@example([item("1 2 " * 10, solutions=["1 2 a " * 9])], [("b", "1 2 " * 8, 0, 0), ("1 2 a 1 2 a", "", 0, 0)])
@settings(max_examples=300, deadline=None)
def test_what_is_found_is_what_the_definition_finds(
    items: list[BenchmarkItem], mixtures: list[tuple[str, str, int, int]]
) -> None:
    known = [text for each in items for text in (*each.instructions, *each.solutions)]
    texts = []
    for before, after, which, cut in mixtures:
        middle = known[which % len(known)].split()[cut // 4 :] if known else []
        texts.append("\n".join([before, " ".join(middle), after]))
    normal = [text for text in map(normal_lines, texts) if text]
    assert Index.of(items).matches(normal) == [match(text, items) for text in normal]


@pytest.mark.parametrize("pairs", [1, 7, 50])
def test_phrases_of_all_items_are_looked_up_in_portions(pairs: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rules, "_PAIRS", pairs)
    draw = random.Random(pairs)
    phrase = words(0, 15)
    items = [item(f"{words(20 * n, 20 * n + 5)} {phrase} {words(20 * n + 5, 20 * n + 9)}") for n in range(20)]
    texts = [f"{words(20 * n, 20 * n + 5)} {phrase[: draw.randint(0, 60)]}".strip() for n in range(20)]
    expected = [match(text, items) for text in texts]
    assert 0 < expected.count(None) < len(expected)
    assert Index.of(items).matches(texts) == expected


@given(st.lists(st.text("ab é\ud8001!写", min_size=1).map(normalise).filter(bool), max_size=6), st.integers(1, 12))
def test_grams_are_the_shingles_of_the_same_length(texts: list[str], n: int) -> None:
    long = [text for text in texts if len(tokens(text)) >= n]
    by_tokens = Tokens.of(long)
    hashes = dict(by_tokens.grams(n)).get(n, np.empty(0, np.uint64))
    positions = np.arange(len(hashes))
    expected, _ = batch_shingles(long, n)
    assert hashes[by_tokens.is_within(positions, n)].tolist() == expected.tolist()


@given(st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5))), st.lists(st.integers(0, 60)))
def test_postings_give_back_what_was_filed(filed: list[tuple[int, int]], asked: list[int]) -> None:
    postings = Postings.of(
        np.array([key << 58 | key for key, _ in filed], np.uint64), np.array([value for _, value in filed], np.int64)
    )
    positions, keys = postings.find(np.array([key << 58 | key for key in asked], np.uint64))
    which, values = postings.expand(keys)
    expected = [(at, value) for at, key in enumerate(asked) for each, value in filed if each == key]
    assert sorted(zip(positions[which].tolist(), values.tolist(), strict=True)) == sorted(expected)


def test_ten_words_in_a_row_and_no_fewer() -> None:
    known = item(words(0, 100))
    assert found(f"before {words(40, 50)} after", known) == (0, "ngram")
    assert found(f"before {words(40, 49)} after", known) is None


def test_eight_words_in_a_row_that_cover_half() -> None:
    """Of 32 words, two runs of 8, each alone too short for an n-gram, and half of them too few for containment."""
    known = item(words(0, 32))
    assert found(f"{words(0, 8)} and {words(20, 28)}", known) == (0, "coverage")
    assert found(f"{words(0, 8)} and {words(20, 27)}", known) is None


def test_half_of_the_runs_of_three() -> None:
    known = item(words(0, 22))  # 20 runs
    assert found(f"{words(0, 7)} and {words(8, 15)}", known) == (0, "containment")
    assert found(f"{words(0, 7)} and {words(8, 14)}", known) is None


def test_a_run_that_comes_again_counts_once() -> None:
    assert found("w0 w1 w2 w3 and " * 20, item(words(0, 22))) is None


def test_a_short_item_counts_as_a_whole_only() -> None:
    known = item(words(0, 12))
    assert found(f"before {words(0, 12)} after", known) == (0, "whole")
    assert found(words(0, 11), known) is None
    assert found(f"{words(0, 13)} ", item(words(0, 13))) == (0, "ngram")


def test_a_short_item_counts_only_in_lines_that_are_not_much_longer() -> None:
    known = item("Reverse the words of a sentence")
    long = "a robot that reads aloud what is written on signs, and which has no other task than that, says it slowly"
    assert found("Please reverse the words of a sentence, and do it in Python.", known) == (0, "whole")
    assert found(f"{long}\nReverse the words\n  of a sentence.\n{long}", known) == (0, "whole")
    assert found(f"To reverse the words of a sentence, call {long}", known) is None


def test_what_many_problems_of_a_set_share_is_no_sign_of_any() -> None:
    shared = "the first line of the input contains a single integer t the number of test cases"
    items = [item(f"{words(40 * n, 40 * n + 30)} {shared}") for n in range(4)]
    text = f"something else {shared} and so on"
    assert found(text, *items[:3]) == (0, "ngram")
    assert found(text, *items) is None
    assert found(f"{words(45, 60)} {shared}", *items) == (1, "ngram")
    others = [*items[:3], BenchmarkItem("other", "x", "", items[3].instructions)]
    assert found(text, *others) == (0, "ngram")


def test_templates_of_short_problems_are_no_sign_of_any() -> None:
    def told(thing: str) -> str:
        return f"Write a function to find the {thing} number of elements in the given list of integers."

    items = [item(told(thing)) for thing in ("smallest even", "largest odd", "median prime", "second perfect")]
    assert found(told("most frequent square"), *items) is None
    assert found(told("largest odd"), *items) == (1, "ngram")


def test_a_problem_that_comes_in_many_languages_is_found() -> None:
    assert found(words(5, 20), *[item(words(0, 30), f"written for language {n}") for n in range(9)]) == (0, "ngram")


def test_a_tiny_item_counts_only_where_nothing_else_is() -> None:
    known = item("sort list")
    assert found("Sort: list!", known) == (0, "whole")
    assert found("sort list quickly", known) is None
    assert found("now sort list in place", item("sort list in place")) == (0, "whole")


def test_rows_of_numbers_count_only_for_items_that_have_no_words() -> None:
    numbers = " ".join(map(str, range(1, 30)))
    assert found(numbers, item(f"the squares of the following numbers are wanted in one line {numbers}")) is None
    assert found(numbers, item(numbers)) == (0, "ngram")


def test_ten_words_of_a_solution_are_everybodys_and_a_short_one_too() -> None:
    code = words(0, 40)
    assert found(f"a {words(3, 14)} b", item(solutions=[code])) is None
    assert found(f"a {words(3, 25)} b", item(solutions=[code])) == (0, "coverage")
    assert found("return x + y", item(solutions=["return x + y"])) is None


def test_runs_do_not_reach_from_one_text_into_the_next() -> None:
    index = Index.of([item(words(0, 20)), item(words(0, 6))])
    assert index.matches([words(0, 5), words(5, 10), words(10, 15), words(15, 20)]) == [None] * 4


def test_the_item_of_which_there_is_most_is_reported() -> None:
    items = [item(words(0, 30) + " end"), item(words(0, 40)), item(words(0, 40) + " more")]
    assert found(words(0, 40), *items) == (1, "ngram")


def test_sets_without_words_find_nothing() -> None:
    assert found("anything", item("?!"), item(" ")) is None
    assert found("anything") is None


def test_case_and_punctuation_make_no_difference() -> None:
    text = "Return the Sum, of all even numbers between \uff4cower and upper; both included."
    assert found("RETURN the sum of all even numbers (between lower and upper) both-included", item(text)) is not None


def test_texts_are_matched_in_blocks_without_a_seam(human_eval: list[BenchmarkItem]) -> None:
    index = Index.of(human_eval)
    texts = [f"text {number} says nothing at all" for number in range(3000)]
    texts[1023], texts[1024], texts[2999] = (normalise(human_eval[number].problem) for number in (5, 6, 7))
    by_place = {at: each.item for at, each in enumerate(index.matches(texts)) if each is not None}
    assert by_place == {1023: 5, 1024: 6, 2999: 7}


def test_human_eval_is_found_verbatim_and_inside_a_long_text(human_eval: list[BenchmarkItem], seeds: list[str]) -> None:
    index = Index.of(human_eval)
    assert None not in index.matches([normalise(each.problem) for each in human_eval])
    draw = random.Random(5)
    inside = ["\n".join([*draw.sample(seeds, 3), each.instructions[-1], *draw.sample(seeds, 3)]) for each in human_eval]
    matches = index.matches([normal_lines(text) for text in inside])
    assert None not in matches
    assert sum(each.item == at for at, each in enumerate(matches) if each) >= 0.98 * len(human_eval)


def test_human_eval_is_found_when_every_tenth_word_was_changed(
    human_eval: list[BenchmarkItem], seeds: list[str]
) -> None:
    index = Index.of(human_eval)
    draw = random.Random(6)
    vocabulary = sorted({word for seed in seeds for word in re.findall(r"\w+", seed)})
    changed = []
    for each in human_eval:
        parts = re.split(r"(\w+)", each.problem)
        for at in draw.sample(range(1, len(parts), 2), max(1, round(len(parts) // 2 * 0.1))):
            parts[at] = draw.choice(vocabulary)
        changed.append(normalise("".join(parts)))
    assert sum(each is not None for each in index.matches(changed)) >= 0.97 * len(human_eval)


def test_no_seed_holds_a_test_item(seeds: list[str]) -> None:
    index = Index.of(read_items(Decontamination(human_eval_solutions=True)))
    assert index.matches([normalise(seed) for seed in seeds]) == [None] * len(seeds)
