"""A user's tables: what can be read, and what is wrong with it."""

import gzip
import json
import threading
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import check_columns, check_ids, read_table, translate_input_errors
from genetic_udfs.commands.output_table import write_table
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime import stopping

ROWS = [("a", 1, "one text"), ("b", 2, None)]
SCHEMA = "id string, `the count` int, `text.en` string"


def test_a_parquet_file_is_a_table_too(spark: SparkSession, tmp_path: Path) -> None:
    spark.createDataFrame(ROWS, SCHEMA).coalesce(1).write.parquet(str(tmp_path / "folder"))
    [file] = (tmp_path / "folder").glob("*.parquet")
    assert read_table(spark, str(file)).count() == 2


def test_files_of_a_folder_may_have_columns_of_their_own_and_partitions_stay_as_they_are_written(
    spark: SparkSession, tmp_path: Path
) -> None:
    folder = tmp_path / "in"
    spark.createDataFrame([("a", 1)], "id string, own int").write.parquet(str(folder / "day=007"))
    spark.createDataFrame([("b",)], "id string").coalesce(1).write.parquet(str(folder / "day=1e3"))
    found = read_table(spark, str(folder))
    assert found.dtypes == [("id", "string"), ("own", "int"), ("day", "string")]
    assert sorted(map(tuple, found.collect())) == [("a", 1, "007"), ("b", None, "1e3")]
    of_writers = ("_temporary/0/_x.parquet", "day=007/.spark-staging-1/day=1/a.parquet", "day=007/_SUCCESS", ".x.jsonl")
    for name in of_writers:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text("")
    (folder / "day=1e3" / "_n=1.parquet").hardlink_to(next((folder / "day=1e3").glob("part-*.parquet")))
    assert read_table(spark, str(folder)).count() == 3  # Spark does not skip a name with = in it
    (folder / "day=1e3" / "_n=1.parquet").unlink()
    write_table(found, str(tmp_path / "out"), TableFormat.PARQUET)
    assert read_table(spark, str(tmp_path / "out")).exceptAll(found).isEmpty()
    assert spark.conf.get("spark.sql.sources.partitionColumnTypeInference.enabled") == "true"


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.parquet": {"deep": [{"key": 1, "Key": 2}]}}, "in: the columns 'deep.key' and 'deep.Key' differ by case"),
        (
            {"a.parquet": {"Key": [1]}, "b.parquet": {"key": [2]}},
            "in: the columns 'Key' and 'key' differ by case alone",
        ),
        ({"key=1/a.parquet": {"Key": [2]}}, "in: the columns 'Key' and 'key' differ by case alone; rename one"),
        ({"key=1/a.parquet": {"key": [2]}}, "in: the column 'key' is in the files and in the names of their folders"),
        ({"a.parquet": {"": [1]}}, "in: a column has no name"),
        (
            {"a.parquet": {"id": [1], "v": [1]}, "b.parquet": {"id": [1], "v": ["x"]}},
            "in: the column 'v' is bigint in one file and string in another; make it one type",
        ),
        (
            {"a.parquet": {"v": [{"a b": {"w": 1}}]}, "b.parquet": {"v": [{"own": 1, "a b": {"w": 0.5}}]}},
            "in: the column 'v.a b.w' is bigint in one file and double in another; make it one type",
        ),
        ({"a.parquet": {"id": [1]}, "_b.parquet": {"id": [2]}}, "in/_b.parquet: Spark skips what has a name that"),
        (
            {"a=1/b=2/c=3/_x.parquet": {"id": [1]}, "a=1/b=2/c=3/x.parquet": {"id": [2]}},
            "in/a=1/b=2/c=3/_x.parquet: Spark skips what has a name that begins with _ or a dot; rename or remove it",
        ),
        ({"a.parquet": {"id": [1]}, "_old/b.parquet": {"id": [2]}}, "in/_old/b.parquet: Spark skips what has a name"),
        ({"a.parquet": {"id": [1]}, "sub/b.parquet": {"id": [2]}}, "in/sub/b.parquet: Spark skips it: in a folder it"),
        ({"a=1/b.parquet": {"id": [1]}, "c.parquet": {"id": [2]}}, "in/c.parquet: Spark skips it: in a folder it"),
        ({"a=1/b.jsonl": {"id": [1]}}, "in/a=1/b.jsonl: is JSONL, and a folder is read as Parquet; name one file"),
    ],
)
def test_parquet_that_would_lose_a_column_or_a_file_is_refused(
    spark: SparkSession, tmp_path: Path, files: dict[str, dict[str, list[Any]]], said: str
) -> None:
    for name, columns in files.items():
        file = tmp_path / "in" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(columns), file)
    with pytest.raises(ConfigurationError) as caught:
        read_table(spark, str(tmp_path / "in"))
    assert str(caught.value).startswith(f"{tmp_path}/{said}")


def test_jsonl_is_read_plain_and_gzipped_and_every_value_is_what_it_was(spark: SparkSession, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"id": 1, "text": "a \U0001f600 b", "whole": 9007199254740993, "_corrupt_record": "x", "wide": 10**37},
        {"id": 2, "text": "\u2028\0", "whole": None, "_corrupt_record": None, "wide": -1},
    ]
    content = "\ufeff".encode() + "".join(json.dumps(row) + "\n" for row in rows).encode()
    (tmp_path / "a.jsonl").write_bytes(content)
    (tmp_path / "a.jsonl.gz").write_bytes(gzip.compress(content))
    for name in ("a.jsonl", "a.jsonl.gz"):
        assert [row.asDict() for row in read_table(spark, str(tmp_path / name)).orderBy("id").collect()] == rows


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", b"", "holds no row"),
        ("a.jsonl", b'{"id": 1}\nnot this\n', "a line is no JSON object: not this"),
        ("a.jsonl", b'{"id": 1}\n{"id": 2} {"id": 3}\n', 'a line is no JSON object: {"id": 2} {"id": 3}'),
        ("a.jsonl", b'{"id": "\xe9"}\n', "a line is no UTF-8 text"),
        ("a.jsonl", b'{"a": "x\\ud800"}\n', r"the key 'a' holds half a character, which no column can hold: 'x\ud800'"),
        ("a.jsonl", b'{"a": {"Id": 1}}\n{"a": {"id": 2}}\n', "the keys 'a.Id' and 'a.id' differ by case alone"),
        ("a.jsonl", b'{"id": 1, "a": {}}\n', "the key 'a' holds nothing but empty objects"),
        ("a.jsonl", b"{}\n", "no line of it has a key"),
        ("_a.jsonl", b'{"id": 1}\n', "Spark skips what has a name that begins with _ or a dot; rename or remove it"),
        ("a.jsonl.zst", b"(\xb5/\xfd", "unknown format; supported are"),
        ("a.jsonl.gz", gzip.compress(b'{"id": 1}\n' * 9, mtime=0)[:-9], "a.jsonl.gz: Unexpected end of input stream"),
        ("a.parquet", b"no parquet", "a.parquet is not a Parquet file (length is too low: 10)"),
        ("a.csv", b"id\n1\n", "unknown format; supported are"),
    ],
)
def test_a_file_that_is_no_table_is_named(
    spark: SparkSession, tmp_path: Path, name: str, content: bytes, said: str
) -> None:
    file = tmp_path / name
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read_table(spark, str(file))
    assert str(caught.value).startswith(f"{file}: ") and said in str(caught.value)


def test_a_path_is_no_pattern(spark: SparkSession, tmp_path: Path) -> None:
    for name, id_ in (("data[1].jsonl", 1), ("data1.jsonl", 2), ("a{b}.jsonl", 3), ("ab.jsonl", 4)):
        (tmp_path / name).write_text(f'{{"id": {id_}}}\n')
    assert [row.id for row in read_table(spark, str(tmp_path / "data[1].jsonl")).collect()] == [1]
    assert [row.id for row in read_table(spark, str(tmp_path / "a{b}.jsonl")).collect()] == [3]
    write_table(spark.range(3), str(tmp_path / "o[1]"), TableFormat.PARQUET)
    assert read_table(spark, str(tmp_path / "o[1]")).count() == 3


def test_a_path_without_anything_is_named(spark: SparkSession, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"nowhere\.jsonl: there is no such file"):
        read_table(spark, str(tmp_path / "nowhere.jsonl"))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_table(spark, str(tmp_path))


_LOST = "Job aborted due to stage failure: ExecutorLostFailure (executor 1 exited) Reason: Container killed"


@pytest.mark.parametrize(
    ("failure", "is_stopped", "is_the_inputs"),
    [
        ("[CAST_INVALID_INPUT] The value is no number\nin line 1", False, True),
        ("[CAST_INVALID_INPUT] The value is no number\nin line 1", True, True),
        ("[SPARK_JOB_CANCELLED] Job 3 cancelled as part of cancellation of all jobs", True, False),
        ("[SPARK_JOB_CANCELLED] Job 3 cancelled as part of cancellation of all jobs", False, True),
        (_LOST, False, False),
        ("", False, True),
    ],
)
def test_a_stop_and_a_lost_executor_are_no_fault_of_the_input(
    monkeypatch: pytest.MonkeyPatch, failure: str, is_stopped: bool, is_the_inputs: bool
) -> None:
    asked = threading.Event()
    if is_stopped:
        asked.set()
    monkeypatch.setattr(stopping, "stop_requested", asked)
    error = PySparkException(failure)
    with pytest.raises((PySparkException, ConfigurationError)) as caught, translate_input_errors("in: cannot be read"):
        raise error
    if is_the_inputs:
        assert str(caught.value) == f"in: cannot be read: {failure.partition(chr(10))[0]}"
    else:
        assert caught.value is error


def test_a_cluster_that_fails_while_ids_are_read_is_not_the_ids_fault(spark: SparkSession) -> None:
    failing = spark.range(1).selectExpr(f"raise_error('{_LOST}') AS id")
    with pytest.raises(PySparkException):
        check_ids(failing.selectExpr("CAST(id AS STRING) AS id"), "id")
    wrong = spark.range(1).selectExpr("CAST(raise_error('no id') AS STRING) AS id")
    with pytest.raises(ConfigurationError, match=r"cannot be read: .*no id"):
        check_ids(wrong, "id")


def test_columns_must_be_there_and_hold_what_is_asked_for(spark: SparkSession) -> None:
    rows = spark.createDataFrame([("a", 1, ["x"])], "id string, n int, list array<string>")
    check_columns(rows, ["id"], "n", ["tag"])
    for texts, id_, said in [
        (["text"], "id", "no column 'text'; it has id, n, list"),
        (["id"], "ID", "no column 'ID'"),
        (["id", "n"], "id", "'n' must hold text, not int"),
        (["id"], "list", "'list' must hold a text or a whole number of up to 64 bits as id, not array<string>"),
    ]:
        with pytest.raises(ConfigurationError, match=said):
            check_columns(rows, texts, id_)
    with pytest.raises(ConfigurationError, match="column 'N' already"):
        check_columns(rows, ["id"], "id", ["tag", "N"])


def test_ids_must_be_there_and_unique(spark: SparkSession) -> None:
    check_ids(spark.createDataFrame([("a",), ("b",), ("A",)], "`an.id` string"), "an.id")
    with pytest.raises(ConfigurationError, match="'id' is null in 2 rows"):
        check_ids(spark.createDataFrame([("a",), (None,), (None,)], "id string"), "id")
    with pytest.raises(ConfigurationError, match="'id' has '7' 3 times"):
        check_ids(spark.createDataFrame([(7,), (8,), (7,), (7,)], "id long"), "id")
