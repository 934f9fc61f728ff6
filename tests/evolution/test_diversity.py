"""How diverse and how new a generation is, by hand: distances, words, and who descends from whom."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from genetic_udfs.evolution.diversity.distances import distinct_3, spread, to_nearest
from genetic_udfs.evolution.diversity.pedigree import Members, Pedigree, entropy, gini, share_with_descendants

MUTATION, CROSSOVER = 11, 12


def members(*rows: tuple[int, int, list[int]]) -> Members:
    """Return individuals of (id, kind, parents)."""
    return Members(
        np.array([id_ for id_, _, _ in rows], np.int64),
        np.array([kind for _, kind, _ in rows], np.int64),
        np.array([parent for _, _, parents in rows for parent in parents], np.int64),
        np.array([len(parents) for _, _, parents in rows], np.int64),
    )


def turned(*degrees: float) -> NDArray[np.float32]:
    """Return vectors of length one in a plane."""
    angles = np.radians(degrees)
    return np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32)


def test_each_is_held_against_the_nearest_other_or_the_nearest_before() -> None:
    found = to_nearest(turned(0, 90, 60))
    assert found == pytest.approx([0.5, 1 - math.cos(math.pi / 6), 1 - math.cos(math.pi / 6)], abs=1e-6)
    assert to_nearest(turned(0, 90), turned(180, 90)) == pytest.approx([1.0, 0.0], abs=1e-6)
    assert to_nearest(turned(0)) is None
    assert to_nearest(turned(0), turned(0)) == pytest.approx([0.0], abs=1e-6)
    assert to_nearest(turned(0), turned()[:0].reshape(0, 2)) is None


def test_distances_are_the_same_in_one_part_or_in_many() -> None:
    drawn = np.random.default_rng(1).normal(size=(4100, 8)).astype(np.float32)
    drawn /= np.linalg.norm(drawn, axis=1, keepdims=True)
    similarities = drawn @ drawn.T
    np.fill_diagonal(similarities, -2)
    found = to_nearest(drawn)
    assert found is not None and found == pytest.approx(1 - similarities.max(axis=1), abs=1e-5)


def test_the_interval_is_where_the_mean_of_another_sample_would_lie() -> None:
    drawn = np.random.default_rng(2).random((200, 400), np.float32)
    found = [spread(sample, seed) for seed, sample in enumerate(drawn)]
    assert found[0] == spread(drawn[0], 0)
    held = sum(one is not None and one.low <= 0.5 <= one.high for one in found)
    assert 180 <= held <= 199  # 95%, give or take three of its standard deviations
    first = found[0]
    assert first is not None and first.mean == pytest.approx(float(drawn[0].mean()), abs=1e-6)
    assert first.p5 == pytest.approx(float(np.percentile(drawn[0], 5)), abs=1e-6)
    assert spread(None, 0) is None


def test_distinct_3_counts_runs_of_three_words_in_their_normal_form() -> None:
    found = distinct_3(["a b c d", "A, b: C!"])
    assert found is not None and found.share == pytest.approx(2 / 3)
    assert distinct_3(["one two three", "four five six"]) == (1.0, 1.0, 1.0)
    assert distinct_3(["one two three"]) == (1.0, None, None)
    same = distinct_3(["same words here"] * 4)
    assert same is not None and same.share == 0.25
    assert distinct_3(["", "  "]) is None
    assert distinct_3([]) is None


def test_the_interval_of_distinct_3_holds_the_mean_of_samples_of_that_size() -> None:
    draw = np.random.default_rng(3)
    vocabulary = np.array([f"w{number}" for number in range(12)])

    def text() -> str:
        return " ".join(vocabulary[(12 ** draw.random(draw.integers(5, 30))).astype(int) - 1])

    found = np.array([distinct_3([text() for _ in range(60)]) for _ in range(150)])
    share, low, high = found.T
    held = np.count_nonzero((low <= share.mean()) & (share.mean() <= high))
    assert 134 <= held <= 149  # 95%, give or take three of its standard deviations
    assert np.median(high - low) / 2 == pytest.approx(1.96 * share.std(), rel=0.2)


def test_a_pair_passes_what_it_has_contributed_on_to_its_parents_in_equal_parts() -> None:
    pedigree = Pedigree()
    pedigree.add(members((1, 0, []), (2, 0, []), (3, 0, [])))
    # In one generation a pair can descend from another that stands behind it.
    pedigree.add(members((7, MUTATION, [6]), (6, CROSSOVER, [1, 2]), (5, MUTATION, [1])))
    pedigree.add(members((9, CROSSOVER, [7, 5, 3, 99])))  # nobody knows 99
    given = pedigree.contributions(pedigree.positions(np.array([9])))
    assert given[:3] == pytest.approx([1 / 6 + 1 / 3, 1 / 6, 1 / 3])
    given = pedigree.contributions(pedigree.positions(np.array([7, 6, 5])))
    assert given[:3] == pytest.approx([2.0, 1.0, 0.0])
    assert pedigree.positions(np.array([99, 3])).tolist() == [-1, 2]


def test_a_lineage_is_the_operators_from_the_seed_on_by_the_first_parents() -> None:
    pedigree = Pedigree()
    pedigree.add(members((1, 0, []), (2, 0, [])))
    pedigree.add(members((3, MUTATION, [1]), (4, MUTATION, [2]), (5, CROSSOVER, [1, 2]), (6, MUTATION, [5, 3])))
    pedigree.add(members((7, MUTATION, [3]), (8, CROSSOVER, [4, 5]), (9, MUTATION, [4])))
    of = dict(zip(range(1, 10), pedigree.lineages(pedigree.positions(np.arange(1, 10))).tolist(), strict=True))
    assert of[1] == of[2] and of[3] == of[4] and of[7] == of[9]
    assert len(set(of.values())) == 6  # seed, m, c, cm, mm, mc
    assert entropy(pedigree.lineages(pedigree.positions(np.array([3, 4, 5, 6])))) == pytest.approx(1.5)


def test_a_pedigree_edited_into_a_circle_ends() -> None:
    pedigree = Pedigree()
    pedigree.add(members((1, 0, []), (2, MUTATION, [3]), (3, MUTATION, [2]), (4, MUTATION, [1])))
    assert pedigree.contributions(pedigree.positions(np.array([4])))[0] == 1.0


def test_a_large_pedigree_gives_what_a_walk_from_each_pair_gives() -> None:
    draws = np.random.default_rng(5)
    parents: list[list[int]] = [[] for _ in range(20)]
    for child in range(20, 300):
        parents.append(draws.integers(0, child, draws.integers(1, 4)).tolist())

    def given(pair: int, share: float, found: NDArray[np.float64]) -> None:
        if not parents[pair]:
            found[pair] += share
        for parent in parents[pair]:
            given(parent, share / len(parents[pair]), found)

    expected = np.zeros(20)
    for pair in range(200, 300):
        given(pair, 1.0, expected)
    pedigree = Pedigree()
    for begin in (0, 20, 110, 200):
        rows = [(pair, 7, parents[pair]) for pair in range(begin, {0: 20, 20: 110, 110: 200, 200: 300}[begin])]
        draws.shuffle(rows)  # type: ignore[arg-type]
        pedigree.add(members(*rows))
    found = pedigree.contributions(pedigree.positions(np.arange(200, 300)))
    assert found[pedigree.positions(np.arange(20))] == pytest.approx(expected)
    assert expected.sum() == pytest.approx(100)


def test_gini_is_0_for_equals_and_near_1_where_one_has_all() -> None:
    assert gini(np.array([2.0, 2.0, 2.0])) == pytest.approx(0.0)
    assert gini(np.array([0.0, 0.0, 0.0, 8.0])) == pytest.approx(0.75)
    assert gini(np.array([1.0, 3.0])) == pytest.approx(0.25)
    assert gini(np.zeros(3)) is None
    assert gini(np.empty(0)) is None


def test_topics_with_descendants_are_shared_out_of_those_that_seeds_have() -> None:
    topics = ["graphs", "dates", "graphs", None, "text"]
    assert share_with_descendants(topics, np.array([0.0, 0.0, 0.5, 9.0, 0.0])) == pytest.approx(1 / 3)
    assert share_with_descendants([None, None], np.array([1.0, 1.0])) is None
