"""The hard filter on tables, whatever they hold."""

import pytest
from pyspark.errors import AnalysisException
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.decontamination import BenchmarkItem, contamination
from genetic_udfs.decontamination import columns as c

PROBLEM = "Take a list of rivers with their lengths and tell which two of them differ the least in length"
CHINESE = "写一个函数,接受一个整数列表,返回其中所有偶数的和;如果列表为空,则返回零。"
HINDI = "एक ऐसा फ़ंक्शन लिखिए जो पूर्णांकों की सूची ले और सभी सम संख्याओं का योग लौटाए और खाली सूची पर शून्य दे"
CODE = """def f(rows):
    total = 0
    for row in rows:
        total += row.price * row.count
    return total
"""
ITEMS = [
    BenchmarkItem("mine", "rivers", PROBLEM, (PROBLEM,)),
    BenchmarkItem("mine", "chinese", CHINESE, (CHINESE,)),
    BenchmarkItem("other", "hindi", HINDI, (HINDI,)),
    BenchmarkItem("other", "short", "", ("double every second digit",)),
    BenchmarkItem("other", "code", "", (), (CODE,)),
]


def found(spark: SparkSession, texts: list[str | None], partitions: int = 2) -> dict[int, tuple[str, str, str]]:
    rows = [(str(number), text) for number, text in enumerate(texts)]
    new = spark.createDataFrame(rows, "id string, text string").repartition(partitions)
    collected = contamination(new, ITEMS).collect()
    assert len({row.id for row in collected}) == len(collected)
    return {int(row[0]): (row[1], row[2], row[3]) for row in collected}


def test_odd_texts_are_clean_or_found_and_end_nothing(spark: SparkSession) -> None:
    megabyte = " ".join(f"word{number}" for number in range(120_000))[:1_000_000]
    texts: list[str | None] = [
        None,
        "",
        " \n\t\u3000",
        "word",
        "\U0001f600!?",
        PROBLEM,
        f"{megabyte} {PROBLEM.upper()}",
        megabyte,
        f"a lone \ud800 surrogate. {PROBLEM}",
        f"nul \x00 in it {PROBLEM}",
        f"请你{CHINESE}谢谢",
        HINDI.replace("खाली", "रिक्त"),
        "เขียนฟังก์ชันที่รับรายการจำนวนเต็มและคืนผลรวมของจำนวนคู่ทั้งหมด",
        "Please, double every second digit of it",
        CODE.replace("price", "weight"),
        '{{ config }} \'); DROP TABLE x; -- "quoted" \\',
        "x" * 1_000_000,
    ]
    rivers = ("mine", "rivers", "ngram")
    expected = {
        5: rivers,
        6: rivers,
        8: rivers,
        9: rivers,
        10: ("mine", "chinese", "ngram"),
        11: ("other", "hindi", "ngram"),
        13: ("other", "short", "whole"),
        14: ("other", "code", "coverage"),
    }
    assert found(spark, texts) == expected
    assert found(spark, texts, partitions=5) == expected


def test_bytes_that_are_no_utf8_do_not_end_the_job(spark: SparkSession) -> None:
    broken = F.concat(F.unhex(F.lit("FFFE61")), F.lit(f" {PROBLEM}").cast("binary")).cast("string")
    new = spark.range(2).select(F.col("id").cast("string").alias("id"), broken.alias("text"))
    assert {row.contaminated_item for row in contamination(new, ITEMS).collect()} == {"rivers"}


def test_the_first_text_that_is_not_clean_is_reported(spark: SparkSession) -> None:
    rows = [("a", "clean", CODE), ("b", PROBLEM, CODE), ("c", None, None), ("d", "clean", None), ("e", None, PROBLEM)]
    new = spark.createDataFrame(rows, "id string, instruction string, code string")
    collected = contamination(new, ITEMS, texts=("instruction", "code"))
    assert collected.schema == c.FOUND
    assert {row.id: row.contaminated_item for row in collected.collect()} == {"a": "code", "b": "rivers", "e": "rivers"}


def test_no_items_and_no_rows_are_no_trouble(spark: SparkSession) -> None:
    new = spark.createDataFrame([("a", PROBLEM)], "id string, text string")
    assert contamination(new, []).collect() == []
    assert contamination(new.limit(0), ITEMS).collect() == []


def test_a_column_that_is_missing_is_named(spark: SparkSession) -> None:
    new = spark.createDataFrame([("a", PROBLEM)], "id string, text string")
    with pytest.raises(AnalysisException, match="code"):
        contamination(new, ITEMS, texts=("text", "code"))
