"""The whole way: what is dropped is what comparing all pairs would drop."""

import random
from collections.abc import Sequence

import pytest
from pyspark.errors import AnalysisException
from pyspark.ml.feature import MinHashLSH
from pyspark.ml.linalg import Vectors
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Dedup
from genetic_udfs.data.text import batch_shingles, normalise
from genetic_udfs.dedup import near_duplicates
from genetic_udfs.dedup.audit import audit
from genetic_udfs.dedup.signatures import INDICES, indices
from tests.dedup.corpora import (
    Dropped,
    Text,
    by_id,
    cached,
    dropped_by_definition,
    kept_frame,
    new_frame,
    numbered,
    planted,
    similarity,
)

SETTINGS = Dedup()
SEED = 42


def dropped(
    spark: SparkSession, new: Sequence[Text], kept: Sequence[Text] = (), settings: Dedup = SETTINGS
) -> dict[str, Dropped]:
    return by_id(near_duplicates(new_frame(spark, new), kept_frame(spark, kept), settings, SEED, cached).dropped)


def test_what_is_dropped_is_what_comparing_all_pairs_drops(spark: SparkSession) -> None:
    """Recall and precision 1.0 on 400 texts, copies, chains and partners included."""
    texts = numbered(planted(400, seed=3))
    kept, new = texts[:150], texts[150:]
    expected = dropped_by_definition(new, kept, 0.7)
    assert {each.method for each in expected.values()} == {"exact", "minhash"}
    assert sum(each.similarity < 0.8 for each in expected.values()) > 5
    assert dropped(spark, new, kept) == expected


def test_threshold_bands_and_rows_are_those_of_the_settings(spark: SparkSession) -> None:
    new = numbered(planted(120, seed=4))
    settings = Dedup(threshold=0.5, bands=40, rows=3)
    expected = dropped_by_definition(new, [], 0.5)
    assert any(each.similarity < 0.7 for each in expected.values())
    assert dropped(spark, new, settings=settings) == expected


def test_sparks_own_similarity_join_finds_the_same_pairs(spark: SparkSession) -> None:
    """`approxSimilarityJoin` on 20 tables: a pair at 0.7 is missed by all of them once in 3 * 10^10 times."""
    texts = planted(60, seed=5, share=0.5)
    flat, starts = batch_shingles([normalise(text) for text in texts], 3)
    ends = [*starts[1:], len(flat)]
    sets = [sorted(set(indices(flat)[start:end].tolist())) for start, end in zip(starts, ends, strict=True)]
    frame = spark.createDataFrame(
        [(n, Vectors.sparse(INDICES, each, [1.0] * len(each))) for n, each in enumerate(sets)], ["n", "set"]
    )
    model = MinHashLSH(inputCol="set", outputCol="hashes", numHashTables=20, seed=SEED).fit(frame)
    # Its threshold is a distance, and a strict one; each pair comes in both orders, and each text with itself.
    joined = model.approxSimilarityJoin(frame, frame, 0.3 + 1e-9, "distance").where("datasetA.n < datasetB.n")
    pairs = {
        (row.a, row.b): row.distance for row in joined.selectExpr("datasetA.n a", "datasetB.n b", "distance").collect()
    }
    assert len(pairs) > 20

    # A text must be dropped exactly if the join paired it with one that is kept and comes before it.
    found = dropped(spark, numbered(texts))
    for number, text in enumerate(numbered(texts)):
        earlier = {a for a, b in pairs if b == number and f"t{a:05d}" not in found}
        assert (text.id in found) == bool(earlier)
        if earlier:
            nearest = min(earlier, key=lambda a: (pairs[a, number], a))
            assert found[text.id].duplicate_of == f"t{nearest:05d}"
            assert found[text.id].similarity == pytest.approx(1 - pairs[nearest, number], abs=1e-12)


def test_the_result_depends_on_neither_partitions_nor_the_order_of_rows(spark: SparkSession) -> None:
    texts = numbered(planted(150, seed=6))
    usual = spark.conf.get("spark.sql.shuffle.partitions") or ""
    results = []
    try:
        for partitions in (1, 3, 7):
            spark.conf.set("spark.sql.shuffle.partitions", partitions)
            shuffled = random.Random(partitions).sample(texts, len(texts))
            new = new_frame(spark, [text for text in shuffled if text.rank >= 50]).repartition(partitions)
            kept = kept_frame(spark, [text for text in shuffled if text.rank < 50]).repartition(partitions)
            results.append(by_id(near_duplicates(new, kept, SETTINGS, SEED, cached).dropped))
    finally:
        spark.conf.set("spark.sql.shuffle.partitions", usual)
    assert len(results[0]) > 20
    assert results[0] == results[1] == results[2]


def test_generation_by_generation_drops_what_all_at_once_does(spark: SparkSession) -> None:
    texts = numbered(planted(180, seed=8, share=0.5))
    at_once = dropped(spark, texts)
    by_generation: dict[str, Dropped] = {}
    kept: list[Text] = []
    for begin in range(0, 180, 60):
        new = texts[begin : begin + 60]
        by_generation |= dropped(spark, new, kept)
        kept += [text for text in new if text.id not in by_generation]
    assert by_generation == at_once
    assert len(at_once) > 60


def test_rank_decides_who_is_kept_and_not_the_id(spark: SparkSession) -> None:
    words = planted(1, seed=9)[0]
    new = [Text("a", 3, words), Text("b", -1, words.upper()), Text("c", 2, f"{words} more")]
    near = similarity(words, f"{words} more")
    assert dropped(spark, new) == {"a": Dropped("b", 1.0, "exact"), "c": Dropped("b", near, "minhash")}


@pytest.mark.parametrize(("new", "kept"), [(0, 0), (0, 2), (2, 0)])
def test_an_empty_side_is_no_trouble(spark: SparkSession, new: int, kept: int) -> None:
    texts = numbered(planted(2, seed=10, share=0.0))
    new_texts, kept_texts = new_frame(spark, texts[:new]), kept_frame(spark, texts[:kept])
    found = near_duplicates(new_texts, kept_texts, SETTINGS, SEED, cached).dropped
    assert found.columns == ["id", "duplicate_of", "similarity", "method"]
    assert by_id(found) == {}


def test_odd_texts_are_duplicates_of_their_like_alone(spark: SparkSession) -> None:
    chinese = "写一个函数,接受一个整数列表,返回其中所有偶数的和;如果列表为空,则返回零,并说明算法的时间复杂度。"
    hindi = "एक ऐसा फ़ंक्शन लिखिए जो पूर्णांकों की सूची ले और सभी सम संख्याओं का योग लौटाए और खाली सूची पर शून्य दे"
    thai = "เขียนฟังก์ชันที่รับรายการจำนวนเต็มและคืนผลรวมของจำนวนคู่ทั้งหมด"
    megabyte = " ".join(planted(1, seed=11) * 3000)[:1_000_000]
    texts: list[str | None] = [
        None,
        None,
        "",
        " \n\t",
        "\u3000",
        "word",
        "WORD!",
        "other",
        "\U0001f600",
        "\U0001f600\ufe0f ",
        "\U0001f680",
        chinese,
        chinese.replace("整数", "实数"),
        thai,
        thai + "ค่ะ",
        hindi,
        hindi + " \u0964",
        "nul \x00 in the middle",
        "nul \x00 in the middle ",
        "lone \ud800 surrogate in a text",
        "lone \ud800 surrogate in a text",
        megabyte,
        megabyte + " end",
        '{{ config }} \'); DROP TABLE x; -- "quoted" \\',
    ]
    found = dropped(spark, numbered(texts))
    partners = {int(name[1:]): int(each.duplicate_of[1:]) for name, each in found.items()}
    assert partners == {6: 5, 9: 8, 12: 11, 14: 13, 16: 15, 18: 17, 20: 19, 22: 21}
    assert {int(name[1:]) for name, each in found.items() if each.method == "exact"} == {9, 18, 20}


def test_bytes_that_are_no_utf8_do_not_end_the_job(spark: SparkSession) -> None:
    new = spark.range(3).select(
        F.concat(F.lit("t"), "id").alias("id"),
        F.col("id").alias("rank"),
        F.concat(F.unhex(F.lit("FFFE61")), F.lit(" broken bytes in a text").cast("binary"))
        .cast("string")
        .alias("text"),
    )
    found = by_id(near_duplicates(new, kept_frame(spark, []), SETTINGS, SEED, cached).dropped)
    assert found == {"t1": Dropped("t0", 1.0, "exact"), "t2": Dropped("t0", 1.0, "exact")}


def test_thousands_of_copies_of_a_text_go_where_it_goes(spark: SparkSession) -> None:
    text, near = planted(1, seed=12)[0], "and three more words"
    texts = numbered([f"{text} {near}", *[text] * 5000])
    found = dropped(spark, texts)
    assert set(found) == {each.id for each in texts[1:]}
    assert set(found.values()) == {Dropped("t00000", similarity(text, f"{text} {near}"), "minhash")}

    found = dropped(spark, texts[1:])
    assert set(found) == {each.id for each in texts[2:]}
    assert set(found.values()) == {Dropped("t00001", 1.0, "exact")}


def test_texts_that_share_a_preamble_are_told_apart(spark: SparkSession) -> None:
    """A preamble of 40 words puts hundreds of texts into one bucket; true duplicates among them are still found."""
    draw = random.Random(13)
    preamble = " ".join(f"word{number}" for number in range(40))
    texts = [f"{preamble} " + " ".join(f"tail{draw.randrange(10**6)}" for _ in range(20)) for _ in range(1500)]
    new = numbered([*texts, *(f"{text} end" for text in texts[::30])])
    found = dropped(spark, new)
    near = similarity(texts[0], f"{texts[0]} end")
    assert found == {
        f"t{1500 + position:05d}": Dropped(f"t{number:05d}", near, "minhash")
        for position, number in enumerate(range(0, 1500, 30))
    }


def test_a_column_that_is_missing_is_named(spark: SparkSession) -> None:
    texts = numbered(["a b c"])
    with pytest.raises(AnalysisException, match="rank"):
        near_duplicates(new_frame(spark, texts).drop("rank"), kept_frame(spark, texts), SETTINGS, SEED, cached)


def test_what_the_bound_on_buckets_leaves_out_is_counted(spark: SparkSession) -> None:
    """One band of one row: 150 texts that share most of their shingles share its bucket, and no text any other."""
    texts = numbered([f"{' '.join(f'word{n}' for n in range(400))} {number}" for number in range(150)])
    settings = Dedup(threshold=1.0, bands=1, rows=1)
    frame = new_frame(spark, [*texts, *numbered(planted(20, seed=1, share=0.0), "other", 200)])
    found = near_duplicates(frame, kept_frame(spark, []), settings, SEED, cached)
    buckets, pairs = found.not_compared
    assert buckets == 1
    assert pairs == 150 * 149 // 2 - (2 * 149 - 1)
    assert near_duplicates(frame.limit(50), kept_frame(spark, []), settings, SEED, cached).not_compared == (0, 0)


def test_a_sample_has_both_texts_of_most_pairs(spark: SparkSession) -> None:
    new = numbered(planted(400, seed=15))
    found = near_duplicates(new_frame(spark, new), kept_frame(spark, []), SETTINGS, SEED, cached)
    sample = found.sample(60, found.dropped)
    assert len(sample) == 60
    dropped_ids = by_id(found.dropped).keys()
    gone = {text.text for text in new if text.id in dropped_ids}
    kept = {text.text for text in new if text.id not in dropped_ids}
    assert all(each.text in (gone if each.is_dropped else kept) for each in sample)
    assert any(each.is_dropped for each in sample)
    # 60 of 400 texts taken one by one would have both texts of some 3 pairs.
    assert audit(sample, 0.7, 3).pairs > 10
