"""Kept texts whose signatures are known: the same is dropped, and little of them is looked at."""

from collections.abc import Sequence

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Dedup
from genetic_udfs.data.text import normalise
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup import near_duplicates
from genetic_udfs.dedup.indexed import index_rows, sharing_a_bucket, unpacked
from genetic_udfs.dedup.signatures import hash_family
from genetic_udfs.dedup.signing import signed
from tests.dedup.corpora import Text, by_id, cached, dropped_by_definition, kept_frame, new_frame, numbered, planted

SETTINGS = Dedup()
SEED = 42


def signatures(spark: SparkSession, texts: Sequence[Text], *, is_new: bool) -> DataFrame:
    frame = new_frame(spark, texts).withColumn(c.IS_NEW, F.lit(is_new))
    return signed(frame, hash_family(spark, SEED, SETTINGS.bands * SETTINGS.rows), SETTINGS)


def index(spark: SparkSession, texts: Sequence[Text]) -> DataFrame:
    return index_rows(kept_frame(spark, texts), hash_family(spark, SEED, SETTINGS.bands * SETTINGS.rows), SETTINGS)


@pytest.mark.parametrize("parts", [(150, 150, 100), (0, 200, 200), (300, 0, 100)], ids=str)
def test_with_an_index_the_same_is_dropped_as_by_comparing_all_pairs(
    spark: SparkSession, parts: tuple[int, int, int]
) -> None:
    texts = numbered(planted(400, seed=3))
    in_index, kept, new = texts[: parts[0]], texts[parts[0] : sum(parts[:2])], texts[sum(parts[:2]) :]
    expected = dropped_by_definition(new, [*in_index, *kept], 0.7)
    assert len(expected) > 10
    found = near_duplicates(
        new_frame(spark, new), kept_frame(spark, kept), SETTINGS, SEED, cached, indexed=index(spark, in_index)
    )
    assert by_id(found.dropped) == expected


@pytest.mark.parametrize("new_keys", [SETTINGS.bands + 1, 10**6, 10**9], ids=["literal", "broadcast", "shuffled"])
def test_only_what_shares_a_bucket_is_taken_from_an_index(spark: SparkSession, new_keys: int) -> None:
    strangers = numbered(planted(50, seed=1, share=0.0), prefix="stranger")
    [friend, *_] = planted(1, seed=2)
    known = index(spark, [*strangers, Text("copy", 90, friend), Text("near", 91, f"{friend} and more")])
    new = signatures(spark, [Text("new", 0, friend)], is_new=True)
    rows = {row.id: row for row in sharing_a_bucket(known, new, new_keys).collect()}
    assert set(rows) == {"copy", "near"}
    assert {name: (row.content_hash, row.packed) for name, row in rows.items()} == {
        row.id: (row.content_hash, row.packed) for row in known.filter(F.col(c.ID).isin("copy", "near")).collect()
    }
    assert len(rows["copy"]["keys"]) == SETTINGS.bands + 1
    assert 0 < len(rows["near"]["keys"]) <= SETTINGS.bands


def test_a_round_of_which_nothing_is_left_meets_an_index(spark: SparkSession) -> None:
    known = index(spark, numbered(planted(5, seed=1)))
    found = near_duplicates(
        new_frame(spark, [Text("new", 0, " ")]), None, SETTINGS, SEED, cached, indexed=known, max_new=1, max_indexed=5
    )
    assert (found.pairs, by_id(found.dropped)) == (0, {})


def test_intermediate_results_are_kept_where_the_caller_says(spark: SparkSession) -> None:
    texts = numbered(planted(40, seed=6))
    names = []

    def checkpoint(rows: DataFrame, name: str, *, max_bytes: int | None = None) -> DataFrame:
        names.append(name)
        return spark.createDataFrame(rows.collect(), rows.schema)

    found = near_duplicates(
        new_frame(spark, texts[20:]),
        kept_frame(spark, []),
        SETTINGS,
        SEED,
        checkpoint,
        indexed=index(spark, texts[:20]),
    )
    assert by_id(found.dropped) == dropped_by_definition(texts[20:], texts[:20], 0.7)
    assert names == ["signatures", "indexed", "pairs", "texts"]


def test_packed_texts_are_the_normal_forms_of_what_was_indexed(spark: SparkSession) -> None:
    texts = numbered(["Write  A\nloop", "", None, "写一个函数 é"])
    found = {row.id: (row.is_new, row.text) for row in unpacked(index(spark, texts)).collect()}
    assert found == {text.id: (False, normalise(text.text)) for text in texts if text.text}
