"""Texts near by their embeddings: whatever the blocks, what is dropped is what all products say."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup import semantic
from genetic_udfs.dedup.semantic import semantic_duplicates
from genetic_udfs.embedding.landmarks import packed

THRESHOLD = 0.95
SCHEMA = "id string, rank long, vector binary"


def families(count: int, kinds: int, spread: float, seed: int = 1) -> NDArray[np.float32]:
    """Return vectors of length one around a few directions, as they are read from where they are stored."""
    draw = np.random.default_rng(seed)
    middles = draw.normal(size=(kinds, 16))
    vectors = middles[draw.integers(kinds, size=count)] + spread * draw.normal(size=(count, 16))
    stored = packed((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32))
    return semantic._unit(stored)


def brute_force(new: NDArray[np.float32], kept: NDArray[np.float32]) -> dict[str, tuple[str, float]]:
    """Return who is dropped for whom, by all products at once; ids are the places."""
    found: dict[str, tuple[str, float]] = {}
    here: list[int] = []
    for place, vector in enumerate(new):
        near = [(-round(float(cosine), 5), 0, f"k{at}") for at, cosine in enumerate(kept @ vector)]
        near += [(-round(float(new[at] @ vector), 5), 1, f"n{at:03}") for at in here]
        cosine, _, partner = min(near, default=(0.0, 0, ""))
        if -cosine >= THRESHOLD:
            found[f"n{place:03}"] = partner, min(-cosine, 1.0)
        else:
            here.append(place)
    return found


@pytest.mark.parametrize("rows_a_batch", [7, 1000])
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2, 0.5])
def test_what_is_found_is_what_all_products_say(
    monkeypatch: pytest.MonkeyPatch, spread: float, rows_a_batch: int
) -> None:
    for name, size in (("_KEPT", 16), ("_NEW", 32), ("_ROWS", 24)):
        monkeypatch.setattr(semantic, name, size)
    new, kept = families(120, 8, spread), families(9, 8, spread, seed=2)
    expected = brute_force(new, kept)
    found = dropped(new, kept, rows_a_batch)
    assert {id_: partner for id_, (partner, _) in found.items()} == {id_: who for id_, (who, _) in expected.items()}
    assert [cosine for _, cosine in found.values()] == pytest.approx([expected[id_][1] for id_ in found], abs=1e-5)


def dropped(new: NDArray[np.float32], kept: NDArray[np.float32], rows_a_batch: int) -> dict[str, tuple[str, float]]:
    """Return the same as `brute_force` by what is searched, the kept texts in batches of one task."""

    def batches() -> Iterator[pa.RecordBatch]:
        for begin in range(0, len(kept), rows_a_batch):
            some = packed(kept[begin : begin + rows_a_batch])
            ids = [f"k{begin + at}" for at in range(len(some))]
            yield pa.RecordBatch.from_arrays([pa.array(ids), pa.array(some)], [c.ID, c.VECTOR])

    nearest = {place: (name, cosine) for place, name, cosine in semantic._nearest(batches(), new, THRESHOLD)}
    return {
        f"n{at:03}": (partner if isinstance(partner, str) else f"n{partner:03}", cosine)
        for at, partner, cosine in semantic._greedy(new, nearest, THRESHOLD)
    }


def test_a_text_that_is_near_to_a_kept_one_is_dropped_however_many_dropped_ones_it_is_near_to() -> None:
    degrees = [0.0, *[15.0] * 300, 34.0, 30.0]
    angles = np.radians(np.array(degrees))
    new = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    found = dropped(new, np.empty((0, 2), np.float32), 10)
    assert found["n302"] == ("n301", pytest.approx(np.cos(np.radians(4)), abs=1e-5))
    assert {partner for partner, _ in found.values()} == {"n000", "n301"}
    assert len(found) == 301


def test_a_threshold_of_one_finds_equal_texts(spark: SparkSession) -> None:
    new = families(200, 200, 0.3)
    stored = packed(new)
    of_new = frame(spark, [f"n{n:03}" for n in range(200)], stored)
    of_kept = frame(spark, [f"k{n:03}" for n in range(200)], stored)
    rows = semantic_duplicates(of_new, of_kept, 1.0, lambda rows, name: rows, count=200).collect()
    assert {row.id: row.duplicate_of for row in rows} == {f"n{n:03}": f"k{n:03}" for n in range(200)}


def frame(spark: SparkSession, ids: list[str], stored: list[bytes]) -> DataFrame:
    rows = [(id_, place, bytearray(vector)) for place, (id_, vector) in enumerate(zip(ids, stored, strict=True))]
    return spark.createDataFrame(rows, SCHEMA)


def test_the_result_depends_on_neither_partitions_nor_turns(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, kept = families(60, 6, 0.15), families(5, 6, 0.15, seed=2)
    expected = brute_force(new, kept)
    assert 20 < len(expected) < 60
    of_new, of_kept = (
        frame(spark, [f"n{n:03}" for n in range(60)], packed(new)),
        frame(spark, [f"k{n}" for n in range(5)], packed(kept)),
    )
    stored: list[str] = []

    def checkpoint(rows: DataFrame, name: str) -> DataFrame:
        stored.append(name)
        return rows.localCheckpoint()

    for at_once, partitions, names in ((100, 1, []), (25, 3, ["turns", "turn-0", "turn-1", "turn-2"])):
        monkeypatch.setattr(semantic, "NEW_AT_ONCE", at_once)
        rows = semantic_duplicates(of_new.repartition(partitions), of_kept, THRESHOLD, checkpoint, count=60).collect()
        assert stored == names  # so the driver holds what one turn drops, not what all do
        assert {row.id: row.duplicate_of for row in rows} == {id_: who for id_, (who, _) in expected.items()}
        assert all(row.similarity == pytest.approx(expected[row.id][1], abs=1e-5) for row in rows)


def test_nothing_new_is_near_to_nothing(spark: SparkSession) -> None:
    nothing = spark.createDataFrame([], SCHEMA)
    kept = frame(spark, ["k"], packed(families(1, 1, 0.0)))
    assert semantic_duplicates(nothing, kept, THRESHOLD, lambda rows, name: rows, count=0).collect() == []
    assert semantic_duplicates(kept, nothing, THRESHOLD, lambda rows, name: rows, count=1).collect() == []
