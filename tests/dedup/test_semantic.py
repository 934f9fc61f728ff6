"""Texts near by their embeddings: all pairs are found, in whatever blocks, and the first is kept."""

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup import semantic
from genetic_udfs.dedup.bands import Member
from genetic_udfs.dedup.semantic import Later, semantic_duplicates
from genetic_udfs.dedup.survivors import Link, greedy
from genetic_udfs.embedding.landmarks import packed, unpacked

THRESHOLD = 0.95
SCHEMA = "id string, rank long, vector binary"


def families(count: int, kinds: int, spread: float, seed: int = 1) -> NDArray[np.float32]:
    """Return vectors of length one around a few directions, as they are read from where they are stored."""
    draw = np.random.default_rng(seed)
    middles = draw.normal(size=(kinds, 16))
    vectors = middles[draw.integers(kinds, size=count)] + spread * draw.normal(size=(count, 16))
    return unpacked(packed((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)))


def brute_force(new: NDArray[np.float32], kept: NDArray[np.float32]) -> dict[str, tuple[str, float]]:
    """Return who is dropped for whom, by all products at once; ids are the places."""
    found: dict[str, tuple[str, float]] = {}
    here: list[int] = []
    for place, vector in enumerate(new):
        near = [(-float(cosine), 0, f"k{at}") for at, cosine in enumerate(kept @ vector)]
        near += [(-float(new[at] @ vector), 1, f"n{at:03}") for at in here]
        cosine, _, partner = min(near, default=(0.0, 0, ""))
        if -cosine >= THRESHOLD:
            found[f"n{place:03}"] = partner, min(-cosine, 1.0)
        else:
            here.append(place)
    return found


def dropped_by_links(new: NDArray[np.float32], kept: NDArray[np.float32], rows_a_batch: int) -> dict[str, Any]:
    """Return the same by the links that a task finds."""
    later = Later([(place, f"n{place:03}") for place in range(len(new))], packed(new))
    others = [(f"n{place:03}", place, True, vector) for place, vector in enumerate(packed(new))]
    others += [(f"k{place}", 0, False, vector) for place, vector in enumerate(packed(kept))]

    def batches() -> Iterator[pa.RecordBatch]:
        for begin in range(0, len(others), rows_a_batch):
            columns = zip(*others[begin : begin + rows_a_batch], strict=True)
            arrays = [pa.array(values) for values in columns]
            yield pa.RecordBatch.from_arrays(arrays, [c.ID, c.RANK, c.IS_NEW, c.VECTOR])

    rows = [dict(zip(c.LINKS.fieldNames(), row, strict=True)) for row in semantic._links(batches(), later, THRESHOLD)]
    links = [
        Link(
            Member(True, row[c.LATER_RANK], row[c.LATER_ID]),
            Member(row[c.EARLIER_IS_NEW], row[c.EARLIER_RANK], row[c.EARLIER_ID]),
            row[c.SIMILARITY],
        )
        for row in rows
    ]
    assert all(link.earlier < link.later for link in links)
    ordered = sorted(links, key=lambda link: (link.later, -link.similarity, link.earlier))
    return {one.id: (one.duplicate_of, one.similarity) for one in greedy(ordered)}


@pytest.mark.parametrize("rows_a_batch", [7, 1000])
@pytest.mark.parametrize("spread", [0.0, 0.1, 0.2, 0.5])
def test_what_is_found_is_what_all_products_say(
    monkeypatch: pytest.MonkeyPatch, spread: float, rows_a_batch: int
) -> None:
    monkeypatch.setattr(semantic, "_OTHERS", 16)
    monkeypatch.setattr(semantic, "_NEW", 32)
    new, kept = families(120, 8, spread), families(9, 8, spread, seed=2)
    expected = brute_force(new, kept)
    found = dropped_by_links(new, kept, rows_a_batch)
    assert found.keys() == expected.keys()
    assert {id_: partner for id_, (partner, _) in found.items()} == {id_: who for id_, (who, _) in expected.items()}
    assert [cosine for _, cosine in found.values()] == pytest.approx([expected[id_][1] for id_ in found], abs=1e-5)


def test_of_many_that_say_the_same_each_has_so_many_links_and_one_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(semantic, "_MAX_LINKS", 5)
    found = dropped_by_links(families(200, 1, 0.0), np.empty((0, 16), np.float32), rows_a_batch=50)
    assert {id_: partner for id_, (partner, _) in found.items()} == {f"n{place:03}": "n000" for place in range(1, 200)}


def frame(spark: SparkSession, ids: list[str], vectors: NDArray[np.float32]) -> DataFrame:
    rows = [
        (id_, place, bytearray(vector)) for place, (id_, vector) in enumerate(zip(ids, packed(vectors), strict=True))
    ]
    return spark.createDataFrame(rows, SCHEMA)


def test_the_result_depends_on_neither_partitions_nor_turns(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    new, kept = families(60, 6, 0.15), families(5, 6, 0.15, seed=2)
    expected = brute_force(new, kept)
    assert 20 < len(expected) < 60
    of_new, of_kept = (
        frame(spark, [f"n{n:03}" for n in range(60)], new),
        frame(spark, [f"k{n}" for n in range(5)], kept),
    )
    for at_once, partitions in ((100, 1), (25, 3)):
        monkeypatch.setattr(semantic, "NEW_AT_ONCE", at_once)
        rows = semantic_duplicates(
            of_new.repartition(partitions), of_kept, THRESHOLD, lambda rows, name: rows.localCheckpoint()
        ).collect()
        assert {row.id: row.duplicate_of for row in rows} == {id_: who for id_, (who, _) in expected.items()}
        assert all(row.similarity == pytest.approx(expected[row.id][1], abs=1e-5) for row in rows)


def test_nothing_new_is_near_to_nothing(spark: SparkSession) -> None:
    nothing = spark.createDataFrame([], SCHEMA)
    kept = frame(spark, ["k"], families(1, 1, 0.0))
    assert semantic_duplicates(nothing, kept, THRESHOLD, lambda rows, name: rows).collect() == []
    assert semantic_duplicates(kept, nothing, THRESHOLD, lambda rows, name: rows).collect() == []
