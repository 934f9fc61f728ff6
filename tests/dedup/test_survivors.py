"""Who is kept of texts that duplicate each other."""

import itertools
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyspark.sql import SparkSession

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.bands import Member
from genetic_udfs.dedup.survivors import EXACT, Link, dropped, greedy

KEPT = Member(False, 0, "kept")
A, B, C, D = (Member(True, rank, name) for rank, name in enumerate("abcd", 1))
THRESHOLD = 0.7


def outcome(links: list[Link]) -> dict[str, tuple[str, float, bool]]:
    found = list(greedy(sorted(links, key=lambda link: (link.later, -link.similarity, link.earlier))))
    assert len({each.id for each in found}) == len(found)
    return {each.id: (each.duplicate_of, each.similarity, each.method == EXACT) for each in found}


def test_nothing_is_dropped_where_nothing_is_near() -> None:
    assert outcome([]) == {}


def test_the_later_one_is_dropped() -> None:
    assert outcome([Link(B, A, 0.8)]) == {"b": ("a", 0.8, False)}


def test_the_end_of_a_chain_is_kept_because_its_middle_is_not() -> None:
    assert outcome([Link(B, A, 0.8), Link(C, B, 0.9)]) == {"b": ("a", 0.8, False)}


def test_what_is_kept_already_is_never_dropped() -> None:
    assert outcome([Link(A, KEPT, 0.7), Link(B, A, 0.9)]) == {"a": ("kept", 0.7, False)}


def test_the_most_similar_kept_one_is_the_partner_and_of_equals_the_first() -> None:
    links = [Link(D, A, 0.75), Link(D, C, 0.9), Link(D, B, 0.9)]
    assert outcome(links) == {"d": ("b", 0.9, False)}


def test_a_copy_of_a_kept_text_is_exact() -> None:
    assert outcome([Link(B, A, 1.0, is_exact=True)]) == {"b": ("a", 1.0, True)}


def test_a_copy_of_a_dropped_text_duplicates_the_kept_one_that_is_nearest_to_it() -> None:
    links = [Link(B, A, 0.8), Link(C, B, 0.9), Link(D, B, 1.0, is_exact=True)]
    assert outcome(links) == {"b": ("a", 0.8, False), "d": ("c", 0.9, False)}


@st.composite
def families(draw: st.DrawFn) -> tuple[list[tuple[Member, int]], dict[frozenset[int], float]]:
    """Return texts with the number of their content, in order, and how similar contents are."""
    contents = draw(st.lists(st.tuples(st.booleans(), st.integers(0, 5)), max_size=14))
    texts = sorted(
        (Member(is_new, rank if is_new else 0, f"{rank:02d}"), content)
        for rank, (is_new, content) in enumerate(contents)
    )
    values = st.sampled_from([0.0, 0.5, 0.7, 0.8, 0.9])
    return texts, {frozenset(pair): draw(values) for pair in itertools.combinations(range(6), 2)}


@given(families(), st.randoms(use_true_random=False))
def test_the_outcome_is_that_of_comparing_each_text_with_all_kept_before_it(
    family: tuple[list[tuple[Member, int]], dict[frozenset[int], float]], order: random.Random
) -> None:
    texts, similarities = family
    content_of = dict(texts)
    kept: list[Member] = []
    expected: dict[str, tuple[str, float, bool]] = {}
    for text, content in texts:
        partners = [
            (-(2.0 if content_of[other] == content else similarities[frozenset({content, content_of[other]})]), other)
            for other in kept
        ]
        near = [(distance, other) for distance, other in partners if -distance >= THRESHOLD]
        if near and text.is_new:
            distance, other = min(near)
            expected[text.id] = (other.id, min(-distance, 1.0), distance == -2.0)
        else:
            kept.append(text)

    first_of = {content: text for text, content in reversed(texts)}
    links = [Link(text, first_of[content], 1.0, True) for text, content in texts if text.is_new]
    links = [link for link in links if link.later != link.earlier]
    for earlier, later in itertools.combinations(sorted(first_of.values()), 2):
        similarity = similarities[frozenset({content_of[earlier], content_of[later]})]
        if later.is_new and similarity >= THRESHOLD:
            links.append(Link(later, earlier, similarity))
    order.shuffle(links)
    assert outcome(links) == expected


@pytest.mark.parametrize("count", [0, 4])
def test_links_in_a_frame_in_any_order_give_rows_of_what_is_dropped(spark: SparkSession, count: int) -> None:
    copy = ("d", 4, "a", 1, True, True, 1.0)
    near = [("c", 3, "b", 2, True, False, 0.9), ("c", 3, "a", 1, True, False, 0.8), ("b", 2, "a", 1, True, False, 0.8)]
    found = dropped(spark.createDataFrame([copy, *near][:count], c.LINKS).repartition(3))
    assert found.schema.simpleString() == "struct<id:string,duplicate_of:string,similarity:double,method:string>"
    expected = [("b", "a", 0.8, "minhash"), ("c", "a", 0.8, "minhash"), ("d", "a", 1.0, "exact")]
    assert sorted(found.collect()) == (expected if count else [])
