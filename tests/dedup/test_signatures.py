"""Signatures are those of Spark's own MinHashLSH, bit for bit."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from pyspark.ml.feature import MinHashLSH
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession

from genetic_udfs.data.text import batch_shingles, normalise
from genetic_udfs.dedup import signatures as subject
from genetic_udfs.dedup.signatures import INDICES, PRIME, HashFamily, hash_family, indices
from tests.dedup.corpora import planted

INDEX = st.integers(0, INDICES - 1)


def flattened(sets: list[list[int]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    sizes = [len(each) for each in sets]
    return np.array([index for each in sets for index in each], np.int64), np.cumsum([0, *sizes], dtype=np.int64)[
        : len(sets)
    ]


def by_definition(family: HashFamily, sets: list[list[int]]) -> list[list[int]]:
    return [
        [min(((1 + index) * a + b) % PRIME for index in each) for a, b in zip(family.a, family.b, strict=True)]
        for each in sets
    ]


def test_signatures_are_bit_identical_to_transform(spark: SparkSession) -> None:
    texts = [normalise(text) for text in planted(40, seed=1)]
    flat, starts = batch_shingles([*texts, "one", "\U0001f600"], 3)
    sets = [each.tolist() for each in np.split(indices(flat), starts[1:])]
    sets.extend([[0], [INDICES - 1], [0, 1, INDICES - 1]])
    vectors = [(n, Vectors.sparse(INDICES, sorted(set(each)), [1.0] * len(set(each)))) for n, each in enumerate(sets)]
    frame = spark.createDataFrame(vectors, ["n", "set"])
    # Fitted on these vectors, not on the two that hash_family probes with.
    model = MinHashLSH(inputCol="set", outputCol="hashes", numHashTables=125, seed=42).fit(frame)
    expected = [[int(value[0]) for value in row.hashes] for row in model.transform(frame).orderBy("n").collect()]
    assert hash_family(spark, 42, 125).signatures(*flattened(sets)).tolist() == expected


def test_the_family_is_decided_by_seed_and_size(spark: SparkSession) -> None:
    family = hash_family(spark, 7, 6)
    assert len(family) == 6
    assert hash_family(spark, 7, 6) is family
    assert hash_family(spark, 8, 6) != family
    assert hash_family(spark, 7, 4) == HashFamily(family.a[:4], family.b[:4])


def test_coefficients_are_those_that_the_model_keeps_to_itself(spark: SparkSession) -> None:
    frame = spark.createDataFrame([(Vectors.sparse(9, [3], [1.0]),)], ["set"])
    model = MinHashLSH(inputCol="set", outputCol="hashes", numHashTables=30, seed=2**63 - 1).fit(frame)
    assert model._java_obj is not None
    private = [(each._1(), each._2()) for each in model._java_obj.randCoefficients()]
    family = hash_family(spark, 2**63 - 1, 30)
    assert list(zip(family.a, family.b, strict=True)) == private


@given(
    st.lists(st.lists(INDEX, min_size=1, max_size=9), max_size=8),
    st.lists(st.tuples(st.integers(1, PRIME - 1), st.integers(0, PRIME - 2)), min_size=1, max_size=4),
    st.sampled_from([1, 2, 5, 1 << 15]),
)
def test_signatures_are_the_minima_of_the_hash_functions_whatever_is_worked_on_at_a_time(
    sets: list[list[int]], coefficients: list[tuple[int, int]], chunk: int
) -> None:
    family = HashFamily(*map(tuple, zip(*coefficients, strict=True)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(subject, "_CHUNK", chunk)
        assert family.signatures(*flattened(sets)).tolist() == by_definition(family, sets)


def test_the_greatest_index_and_coefficients_do_not_overflow() -> None:
    family = HashFamily((PRIME - 1,), (PRIME - 2,))
    assert family.signatures(*flattened([[INDICES - 1]])).tolist() == by_definition(family, [[INDICES - 1]])


@given(st.lists(st.integers(0, 2**64 - 1), max_size=20))
def test_shingles_are_folded_into_the_range_of_indices(shingles: list[int]) -> None:
    assert indices(np.array(shingles, np.uint64)).tolist() == [shingle % INDICES for shingle in shingles]


def test_a_family_needs_as_many_a_as_b() -> None:
    with pytest.raises(ValueError, match="2 and 1"):
        HashFamily((1, 2), (3,))
