"""A user's tables: what can be written, and that nothing is overwritten."""

from pathlib import Path

import pytest
from deltalake import DeltaTable
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql.types import IntegerType, StructType

from genetic_udfs.commands import output_table
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import read_table
from genetic_udfs.commands.output_table import check_format, check_output, write_table
from genetic_udfs.errors import ConfigurationError
from tests.delta_rows import delta_rows

ROWS = [("a", 1, "one text"), ("b", 2, None)]
SCHEMA = "id string, `the count` int, `text.en` string"


@pytest.mark.parametrize("format_", TableFormat)
def test_what_is_written_is_read_again(spark: SparkSession, tmp_path: Path, format_: TableFormat) -> None:
    out = str(tmp_path / "out")
    write_table(spark.createDataFrame(ROWS, SCHEMA), out, format_)
    found = read_table(spark, out)
    assert sorted(map(tuple, found.collect())) == ROWS
    assert found.columns == ["id", "the count", "text.en"]
    assert (tmp_path / "out" / "_delta_log").is_dir() is (format_ is TableFormat.DELTA)


SIGNS = " ,;{}()\n\t="


def test_columns_are_mapped_where_a_name_needs_it_alone(spark: SparkSession, tmp_path: Path) -> None:
    plain = spark.sql("SELECT 1 AS `text.en`, map('k', array(named_struct('a', 1))) AS m")
    deep = [f"map('k', array(named_struct('a{sign}b', 1))) AS m{place}" for place, sign in enumerate(SIGNS)]
    for name, rows, is_mapped in (("plain", plain, False), ("mapped", spark.sql(f"SELECT {', '.join(deep)}"), True)):
        out = str(tmp_path / name)
        write_table(rows, out, TableFormat.DELTA)
        assert read_table(spark, out).collect() == rows.collect()
        assert ("delta.columnMapping.mode" in DeltaTable(out).metadata().configuration) is is_mapped
    assert delta_rows(tmp_path / "plain") == [{"text.en": 1, "m": [("k", [{"a": 1}])]}]


@pytest.mark.parametrize("sign", SIGNS)
def test_each_sign_that_delta_keeps_only_where_it_maps_names_asks_for_it(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sign: str
) -> None:
    asked: dict[str, str] = {}

    def option(writer: DataFrameWriter, key: str, value: str) -> DataFrameWriter:
        asked[key] = value
        return writer

    monkeypatch.setattr(DataFrameWriter, "option", option)
    monkeypatch.setattr(DataFrameWriter, "save", lambda writer, path: None)
    rows = spark.createDataFrame([], StructType().add("m", StructType().add(f"a{sign}b", IntegerType())))
    write_table(rows, str(tmp_path / "out"), TableFormat.DELTA)
    assert asked == {"delta.columnMapping.mode": "name"}


def test_an_output_that_cannot_be_made_is_refused_at_once(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for path in (str(tmp_path / "file" / "below"), "/proc/nope", "foo://bar/x"):
        with pytest.raises(ConfigurationError) as caught:
            check_output(spark, path)
        assert str(caught.value).startswith(f"{path}: cannot be")
    check_output(spark, str(tmp_path / "new" / "deeper" / "out"))
    assert [file.name for file in tmp_path.iterdir()] == ["file"]


def test_columns_that_a_format_cannot_hold_are_named_before_a_row_is_read(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = str(tmp_path / "new" / "out[1]")
    written: list[str] = []

    def write(rows: DataFrame, path: str, format_: TableFormat) -> None:
        written.append(path)
        write_table(rows, path, format_)

    monkeypatch.setattr(output_table, "write_table", write)
    unread = spark.range(1).selectExpr("CAST(raise_error('read') AS INT) AS id", "INTERVAL '1' DAY AS span")
    check_format(unread, out, TableFormat.PARQUET)
    with pytest.raises(ConfigurationError, match=r"new/out\[1\]: cannot be written as delta: .*`span`"):
        check_format(unread, out, TableFormat.DELTA)
    usual = spark.sql("SELECT timestamp_ntz'2026-01-01' AS t, map('a', array(named_struct('d', 1.5))) AS m")
    for format_ in TableFormat:
        check_format(usual, out, format_)
    assert not list(tmp_path.iterdir())
    assert len(written) == 2 and all(path.startswith(f"{out}.scratch-") for path in written)


def test_what_was_half_written_is_taken_away(spark: SparkSession, tmp_path: Path) -> None:
    broken = spark.range(3).selectExpr("id", "assert_true(id < 2) AS wrong")
    with pytest.raises(PySparkException):
        write_table(broken, str(tmp_path / "out"), TableFormat.PARQUET)
    assert not (tmp_path / "out").exists()


def test_what_is_there_is_never_overwritten(spark: SparkSession, tmp_path: Path) -> None:
    file = tmp_path / "out"
    file.write_text("precious")
    rows = spark.createDataFrame(ROWS, SCHEMA)
    with pytest.raises(ConfigurationError, match="out: is there already, and nothing is overwritten"):
        check_output(spark, str(file))
    for format_ in TableFormat:
        with pytest.raises(ConfigurationError, match="is there already"):
            write_table(rows, str(file), format_)
    assert file.read_text() == "precious"
