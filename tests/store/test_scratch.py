"""The scratch space: results are the same from a file and from the driver, and are found by name."""

import datetime
from pathlib import Path

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.store import scratch as module
from genetic_udfs.store.scratch import Scratch

ENOUGH = 1 << 20


@pytest.fixture
def scratch(spark: SparkSession, tmp_path: Path) -> Scratch:
    return Scratch(spark, str(tmp_path / "scratch"))


def test_rows_that_the_driver_keeps_are_those_of_a_file(spark: SparkSession, scratch: Scratch, tmp_path: Path) -> None:
    moment = datetime.datetime(2026, 3, 29, 1, 30, tzinfo=datetime.UTC)
    rows = spark.createDataFrame(
        [(1, "a\x00\ud7ff", [{"x": None}, None], 0.1, moment, b"\xff"), (None, None, None, None, None, None)],
        "n long, text string, parts array<struct<x: string>>, share double, at timestamp, bytes binary",
    ).withColumn("odd", F.col("bytes").cast("string"))  # no UTF-8
    few, file = (scratch.checkpoint(rows, name, max_bytes=bound) for name, bound in (("few", ENOUGH), ("file", None)))
    assert few.schema == rows.schema == file.schema
    assert few.exceptAll(file).count() == file.exceptAll(few).count() == 0
    assert (few.count(), few.where("hex(odd) = 'FF' AND at = timestamp'2026-03-29T01:30:00Z'").count()) == (2, 1)
    assert [each.name for each in (tmp_path / "scratch").iterdir()] == ["file"]


def test_results_are_found_by_name_wherever_they_lie(spark: SparkSession, scratch: Scratch) -> None:
    for number, bound in enumerate([ENOUGH, None, ENOUGH]):
        scratch.checkpoint(spark.range(number, number + 1), f"round-{number}/ids", max_bytes=bound)
        scratch.checkpoint(spark.range(9), f"round-{number}/more/ids", max_bytes=bound)
    schema = spark.range(1).schema
    found = scratch.read("round-*/ids", schema)
    assert found is not None
    assert sorted(row.id for row in found.collect()) == [0, 1, 2]
    assert scratch.read("round-*/none", schema) is None
    scratch.clear()
    assert scratch.read("round-*/ids", schema) is None


def test_aggregates_are_known_of_both(spark: SparkSession, scratch: Scratch) -> None:
    for name, bound in (("few", ENOUGH), ("file", None)):
        kept = scratch.checkpoint(spark.range(5), name, {"odd": F.count_if(F.col("id") % 2 == 1)}, max_bytes=bound)
        assert scratch.observed(kept) == {"rows": 5, "odd": 2}


def test_the_driver_keeps_no_more_than_its_share(
    spark: SparkSession, scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 100)
    for number in range(4):  # of 24 bytes each
        scratch.checkpoint(spark.range(3), str(number), max_bytes=60)
    assert sorted(each.name for each in (tmp_path / "scratch").iterdir()) == ["2", "3"]


def test_what_takes_more_than_was_estimated_becomes_a_file(
    spark: SparkSession, scratch: Scratch, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MAX_BYTES", 1000)
    rows = scratch.checkpoint(spark.range(200), "large", {"last": F.max("id")}, max_bytes=100)
    assert (rows.count(), scratch.observed(rows)) == (200, {"rows": 200, "last": 199})
    assert [each.name for each in (tmp_path / "scratch").iterdir()] == ["large"]
    found = scratch.read("large", rows.schema)
    assert found is not None and found.count() == 200


def test_a_column_may_be_without_nulls_in_one_result_and_with_them_in_another(
    spark: SparkSession, scratch: Scratch
) -> None:
    scratch.checkpoint(spark.sql("SELECT 1 AS n, 'more' AS text"), "one/n", max_bytes=ENOUGH)
    scratch.checkpoint(spark.sql("SELECT CAST(NULL AS int) AS n"), "other/n", max_bytes=ENOUGH)
    found = scratch.read("*/n", spark.sql("SELECT CAST(NULL AS int) AS n").schema)
    assert found is not None
    assert {row.n for row in found.collect()} == {1, None}
    assert scratch.read("n", found.schema) is None


def test_few_rows_are_in_one_partition_and_many_in_several(spark: SparkSession, scratch: Scratch) -> None:
    for count, partitions in ((3, 1), (5000, 2)):
        kept = scratch.checkpoint(spark.range(count), str(count), max_bytes=ENOUGH)
        assert kept.select(F.spark_partition_id()).distinct().count() == partitions
