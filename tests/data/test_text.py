"""What of a text counts for being a duplicate."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genetic_udfs.data import text as subject
from genetic_udfs.data.text import batch_shingles, content_hash, jaccard, normalise, printable, shingles, tokens

# Stored hashes outlive a release: whoever changes these raises TEXT_VERSION.
GOLDEN_TRIGRAM = -7603915373177741574
GOLDEN_WORD = 7678185169838491773

WORDS = st.lists(st.sampled_from(["ab", "b", "c", "d++", "e#", "1", "_f"]), min_size=1, max_size=12)
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]), max_size=60)


@pytest.mark.parametrize("blank", [None, "", " ", "\n\t \r\n", "\u00a0\u2003\u3000", "\u200b\ufeff\u00ad"])
def test_null_and_blank_texts_are_empty_and_have_no_shingles(blank: str | None) -> None:
    assert normalise(blank) == ""
    assert tokens(blank) == []
    assert shingles(blank, 3).tolist() == []


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Sort  the\tlist.\n", "sort the list."),
        ("\uff33\uff4f\uff52\uff54 the list.", "sort the list."),  # full width
        ("Stra\u00dfe", "STRASSE"),
        ("caf\u00e9", "cafe\u0301"),
        ("so\u00adrt the\u200b li\u200dst", "sort the list"),
        ("\u2764\ufe0f", "\u2764"),
        ("\ufb01nd", "find"),
        ("\u0391\u03a3", "\u03b1\u03c2"),  # a final sigma is a sigma
    ],
)
def test_texts_that_look_alike_have_one_normal_form(one: str, other: str) -> None:
    assert normalise(one) == normalise(other)
    assert content_hash(one) == content_hash(other)


def test_punctuation_counts_for_the_hash_but_not_for_the_shingles() -> None:
    assert content_hash("Sort the list, please!") != content_hash("sort the list please")
    assert jaccard(shingles("Sort the list, please!", 3), shingles("sort the list please", 3)) == 1.0


def test_the_hash_is_the_first_half_of_the_sha256_of_the_normal_form() -> None:
    assert content_hash("abc") == content_hash("  ABC\n") == "ba7816bf8f01cfea414140de5dae2223"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Write C++, C# and C!", ["write", "c++", "c#", "and", "c"]),
        ("max_size(x1)+y", ["max_size", "x1", "y"]),
        ("\u2014 \U0001f600 ++ #", []),
        ("हिन्दी में", ["हिन्दी", "में"]),  # Hindi: marks belong to words
        ("写一个sort函数。", ["写", "一", "个", "sort", "函", "数"]),  # Chinese around a word
        ("ก็ไม่", ["ก็", "ไ", "ม่"]),  # Thai: tone marks belong to letters
        ("한국어 문장", ["한국어", "문장"]),  # Korean has spaces
        ("Запиши функцию", ["запиши", "функцию"]),  # Russian
        (
            "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645",
            ["\u0645\u06cc\u062e\u0648\u0627\u0647\u0645"],
        ),  # Persian, a zero-width non-joiner within
    ],
)
def test_tokens_are_words_or_letters_where_words_have_no_spaces(text: str, expected: list[str]) -> None:
    assert tokens(text) == expected


@given(ANY_TEXT)
def test_the_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    assert normalise(normalise(text)) == normalise(text)


@given(ANY_TEXT)
def test_any_text_that_is_not_blank_has_a_hash_and_a_shingle(text: str) -> None:
    assert len(content_hash(text)) == 32
    assert (len(shingles(text, 3)) > 0) == (normalise(text) != "")


@given(st.text(st.characters(codec="ascii"), max_size=80))
def test_the_fast_way_for_ascii_finds_the_tokens_of_the_general_one(text: str) -> None:
    assert tokens(text) == subject._TOKEN.findall(normalise(text))


@given(WORDS, WORDS, st.integers(1, 4))
def test_the_similarity_of_shingles_is_that_of_the_runs_of_words(left: list[str], right: list[str], n: int) -> None:
    def runs(words: list[str]) -> set[tuple[str, ...]]:
        return {tuple(words[at : at + n]) for at in range(len(words) - n + 1)} or {tuple(words)}

    expected = len(runs(left) & runs(right)) / len(runs(left) | runs(right))
    assert jaccard(shingles(" ".join(left), n), shingles(", ".join(right), n)) == expected


@given(st.lists(WORDS.map(" ".join), min_size=1, max_size=6), st.integers(1, 4))
def test_a_batch_has_the_shingles_of_its_texts_one_by_one(texts: list[str], n: int) -> None:
    flat, starts = batch_shingles(texts, n)
    ends = [*starts[1:], len(flat)]
    for text, start, end in zip(texts, starts, ends, strict=True):
        assert np.unique(flat[start:end].view(np.int64)).tolist() == shingles(text, n).tolist()


def test_shingles_are_distinct_and_sorted() -> None:
    found = shingles("a b c a b c a b c", 3)
    assert found.dtype == np.int64
    assert len(found) == 3
    assert found.tolist() == sorted(set(found.tolist()))


def test_the_order_of_words_counts_within_a_shingle() -> None:
    one_each = [shingles(" ".join(words), 3)[0] for words in itertools.product("ab", repeat=3)]
    assert len(set(one_each)) == 8


@pytest.mark.parametrize("text", ["one", "two words", "\U0001f600", "\x00", "\ud800", "?!"])
def test_a_text_shorter_than_a_shingle_is_one_as_a_whole(text: str) -> None:
    assert len(shingles(text, 3)) == 1
    assert jaccard(shingles(text, 3), shingles(f" {text} ", 3)) == 1.0
    assert jaccard(shingles(text, 3), shingles("something else entirely", 3)) == 0.0


def test_lone_surrogates_and_null_characters_are_data() -> None:
    assert content_hash("a\ud800b") != content_hash("a\udfffb")
    assert content_hash("a\x00b") != content_hash("ab")
    assert tokens("a\ud800b\x00c") == ["a", "b", "c"]


@pytest.mark.parametrize(
    "unit", ["word ", "x", "\u00e9", "\u5199", "\u0915\u094d\u0937\u093f ", "e\u0301", "\U0001f600"]
)
def test_a_megabyte_of_text_is_done_in_a_moment(unit: str) -> None:
    text = unit * (1_000_000 // len(unit))
    assert len(shingles(text, 3)) == 1


def test_hashes_are_the_same_in_every_process() -> None:
    code = "from genetic_udfs.data.text import shingles; print(shingles('sort a list of c++ words', 3).tolist())"
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert other.strip() == str(shingles("sort a list of c++ words", 3).tolist())
    assert shingles("sort a list", 3).tolist() == [GOLDEN_TRIGRAM]
    assert shingles("sort", 3).tolist() == [GOLDEN_WORD]


def test_the_similarity_of_two_empty_sets_is_none() -> None:
    nothing = np.empty(0, np.int64)
    assert jaccard(nothing, nothing) == 0.0
    assert jaccard(nothing, shingles("a b c", 3)) == 0.0


def test_a_text_is_shown_without_what_steers_a_terminal() -> None:
    assert printable("a\r\nb\x1b]0;c\x07\ud800\u202ed\te") == "a\nb\ufffd]0;c\ufffd\ufffd\ufffdd\te"
    assert printable(None) == ""
