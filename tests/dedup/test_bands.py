"""Which texts are compared, and that no bucket makes too many comparisons."""

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from genetic_udfs.data.text import content_hash
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.bands import Member, band_keys, bucket_pairs, candidate_pairs, exact_pairs, skipped_pairs

Signed = tuple[str, int, bool, str, list[int]]


def members(is_new: list[bool]) -> list[Member]:
    return sorted(Member(each, number, f"m{number}") for number, each in enumerate(is_new))


def pairs_of(spark: SparkSession, signed: list[Signed]) -> list[tuple[str, str, bool]]:
    rows = [(name, rank, is_new, content_hash(text), bands, 0) for name, rank, is_new, text, bands in signed]
    frame = spark.createDataFrame(rows, c.SIGNED)
    found = [row for row in candidate_pairs(frame).collect() if row.skipped is None]
    return sorted((row.later_id, row.earlier_id, row.is_exact) for row in found)


def test_a_band_is_shared_where_its_values_and_its_number_are() -> None:
    signatures = np.array([[1, 2, 3, 4, 1, 2], [1, 2, 4, 3, 9, 9]])
    first, second = band_keys(signatures, bands=3, width=2).tolist()
    assert first[0] == second[0]
    assert len({*first, *second}) == 5  # neither the order of values nor another band with the same ones counts


@given(st.lists(st.booleans(), max_size=12), st.integers(12, 20))
def test_all_pairs_with_a_new_text_are_compared_in_a_usual_bucket(is_new: list[bool], whole: int) -> None:
    bucket = members(is_new)
    expected = [(later, earlier) for earlier, later in itertools.combinations(bucket, 2) if later.is_new]
    assert sorted(bucket_pairs(bucket, len(bucket), whole)) == sorted(expected)


@given(st.lists(st.booleans(), min_size=3, max_size=30), st.integers(1, 2))
def test_a_big_bucket_is_a_star_and_a_ring(is_new: list[bool], whole: int) -> None:
    bucket = members(is_new)
    star = {(later, bucket[0]) for later in bucket[1:] if later.is_new}
    ring = {(later, earlier) for earlier, later in itertools.pairwise(bucket) if later.is_new}
    found = list(bucket_pairs(bucket, len(bucket), whole))
    assert len(found) == len(set(found))
    assert set(found) == star | ring


@given(st.lists(st.booleans(), max_size=30), st.integers(1, 12))
def test_what_is_skipped_of_a_bucket_is_what_is_not_compared(is_new: list[bool], whole: int) -> None:
    bucket = members(is_new)
    size, new = len(bucket), sum(is_new)
    wanted = sum(later.is_new for _, later in itertools.combinations(bucket, 2))
    if size > 1 and new:  # buckets with anything to compare
        assert skipped_pairs(size, new, whole) == wanted - len(list(bucket_pairs(bucket, size, whole)))


def test_a_hundred_texts_are_compared_whole_and_one_more_are_not() -> None:
    assert len(list(bucket_pairs(members([True] * 100), 100))) == 4950
    assert len(list(bucket_pairs(members([True] * 101), 101))) == 199


@given(st.lists(st.booleans(), min_size=1, max_size=12))
def test_copies_are_paired_with_the_first_alone(is_new: list[bool]) -> None:
    first, *rest = members(is_new)
    assert list(exact_pairs([first, *rest])) == [(later, first) for later in rest if later.is_new]


def test_who_is_compared_with_whom(spark: SparkSession) -> None:
    many_bands: list[Signed] = [
        ("a", 1, True, "A", [11, 12, 13]),
        ("b", 2, True, "B", [11, 12, 93]),
        ("c", 3, True, "C", [81, 82, 13]),
        ("d", 4, True, "D", [71, 72, 73]),
    ]
    some_kept: list[Signed] = [
        ("new", -5, True, "E", [21]),
        ("kept 1", 0, False, "F", [21]),
        ("kept 2", 0, False, "G", [21]),
        ("kept 3", 0, False, "G", [99]),
    ]
    equal_content: list[Signed] = [
        ("third", 13, True, "H", [31]),
        ("first", 11, True, "H", [31]),
        ("near", 12, True, "I", [31]),
    ]
    kept_and_new_at_once: list[Signed] = [("same", 0, False, "J", [41]), ("same", 0, True, "J", [41])]

    assert pairs_of(spark, many_bands + some_kept + equal_content + kept_and_new_at_once) == [
        ("b", "a", False),
        ("c", "a", False),
        ("near", "first", False),
        ("new", "kept 1", False),
        ("new", "kept 2", False),
        ("same", "same", True),
        ("third", "first", True),
    ]


@pytest.mark.parametrize("same_content", [True, False])
def test_five_thousand_texts_in_all_the_same_buckets_make_two_pairs_each_at_most(
    spark: SparkSession, same_content: bool
) -> None:
    signed: list[Signed] = [
        (f"t{n:04d}", n, True, "A" if same_content else f"A{n}", list(range(25))) for n in range(5000)
    ]
    found = pairs_of(spark, signed)
    assert len(found) == (4999 if same_content else 2 * 4999 - 1)
    assert {later for later, earlier, _ in found if earlier == "t0000"} == {f"t{n:04d}" for n in range(1, 5000)}
