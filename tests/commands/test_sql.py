"""Rows of a query as a table, CSV or JSON, whatever they hold."""

import csv
import io
import json
import re

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from genetic_udfs.commands.choices import Format
from genetic_udfs.commands.cli import sql as command_line
from genetic_udfs.commands.sql import check_printable, names_in, print_rows, translate_query_error
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.store.schema import DEDUP_INDEX, DEDUP_MANIFEST
from genetic_udfs.store.tables import SCHEMAS
from genetic_udfs.store.views.definitions import TABLES_READ

QUERY = """SELECT 1 AS n, 'a,"b"\n[red]c' AS text, array('x', 'y') AS list, map('k', 2L) AS map,
           named_struct('p', CAST(NULL AS STRING)) AS struct, CAST(NULL AS INT) AS nothing"""


def printed(spark: SparkSession, query: str, format_: Format) -> str:
    out = io.StringIO()
    rows = spark.sql(query)
    check_printable(rows.schema, format_)
    print_rows(rows, format_, out)
    return out.getvalue()


def test_json_keeps_types(spark: SparkSession) -> None:
    assert json.loads(printed(spark, QUERY, Format.JSON)) == {
        "n": 1,
        "text": 'a,"b"\n[red]c',
        "list": ["x", "y"],
        "map": {"k": 2},
        "struct": {"p": None},
        "nothing": None,
    }


def test_json_is_strict_whatever_a_value_is(spark: SparkSession) -> None:
    query = """SELECT double('NaN') AS n, array(double('-Infinity')) AS list, X'00ff' AS bytes,
               map('k', named_struct('p', double('NaN'), 'q', array(named_struct('r', 1)))) AS structs,
               map(named_struct('a', 1), 2, named_struct('a', 2), 3) AS keys, map(DATE'2026-03-01', 1) AS days"""
    line = printed(spark, query, Format.JSON)
    assert json.loads(line, parse_constant=lambda name: pytest.fail(f"{name} is no JSON")) == {
        "n": "NaN",
        "list": ["-Infinity"],
        "bytes": "AP8=",
        "structs": {"k": {"p": "NaN", "q": [{"r": 1}]}},
        "keys": {'{"a": 1}': 2, '{"a": 2}': 3},
        "days": {"2026-03-01": 1},
    }


def test_a_decimal_is_a_number_of_all_its_digits(spark: SparkSession) -> None:
    query = """SELECT 1.5 AS d, array(-12345678901234567890.0123456789) AS list, map(0.50, 1e-30BD) AS map,
               named_struct('p', CAST(0 AS DECIMAL(20, 18))) AS struct, CAST(NULL AS DECIMAL(1, 0)) AS nothing"""
    small = f"0.{'0' * 29}1"
    assert printed(spark, query, Format.JSON) == (
        f'{{"d": 1.5, "list": [-12345678901234567890.0123456789], "map": {{"0.50": {small}}},'
        f' "struct": {{"p": 0.{"0" * 18}}}, "nothing": null}}\n'
    )
    assert next(csv.reader(printed(spark, query, Format.CSV).splitlines()[1:]))[1:3] == [
        "[-12345678901234567890.0123456789]",
        f'{{"0.50": {small}}}',
    ]


def test_csv_quotes_what_it_must(spark: SparkSession) -> None:
    names, row = csv.reader(io.StringIO(printed(spark, QUERY, Format.CSV)))
    assert names == ["n", "text", "list", "map", "struct", "nothing"]
    assert row == ["1", 'a,"b"\n[red]c', '["x", "y"]', '{"k": 2}', '{"p": null}', ""]


def test_a_table_shows_texts_as_they_are(spark: SparkSession) -> None:
    assert "[red]c" in printed(spark, QUERY, Format.TABLE)


def test_a_table_steers_no_terminal(spark: SparkSession) -> None:
    query = "SELECT concat(char(27), '[2Ja') AS `\x1b[1mn`, array(char(27)) AS list"
    table = printed(spark, query, Format.TABLE)
    assert "\x1b" not in table and "\ufffd[2Ja" in table and "\ufffd[1mn" in table
    assert "\x1b[2Ja" in printed(spark, query, Format.CSV)


def test_a_table_has_so_many_rows_at_most_and_says_how_many_more_there_are(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("genetic_udfs.commands.sql._MAX_SHOWN", 2)
    lines = printed(spark, "SELECT 'row ' || id AS name FROM range(5)", Format.TABLE).splitlines()
    assert sum("row " in line for line in lines) == 2
    assert lines[-1] == "3 more rows; --format csv and --format json print all of them"
    assert printed(spark, "SELECT * FROM range(5)", Format.CSV).split() == ["id", *"01234"]


def test_columns_of_one_name_keep_their_own_values(spark: SparkSession) -> None:
    assert printed(spark, "SELECT 1 AS id, 2 AS id", Format.CSV) == "id,id\r\n1,2\r\n"
    with pytest.raises(ConfigurationError, match="two columns are named id"):
        printed(spark, "SELECT 1 AS id, 2 AS id", Format.JSON)


@pytest.mark.parametrize("format_", Format)
def test_fields_of_one_name_are_refused_however_deep(spark: SparkSession, format_: Format) -> None:
    twice = "named_struct('a', 1, 'a', 2)"
    for column in (twice, f"array({twice})", f"map({twice}, 1)", f"map(1, named_struct('b', {twice}))"):
        with pytest.raises(ConfigurationError, match="two fields of a struct in s are named a; name them apart"):
            printed(spark, f"SELECT {column} AS s", format_)
    printed(spark, "SELECT named_struct('a', 1, 'A', named_struct('a', 2)) AS s", format_)


@pytest.mark.parametrize("format_", Format)
def test_maps_whose_keys_hold_arrays_are_refused_however_deep(spark: SparkSession, format_: Format) -> None:
    for column in ("map(array(1), 2)", "array(map(named_struct('a', array(1)), 2))"):
        with pytest.raises(ConfigurationError, match=r"the column i has a map whose keys hold arrays.*map_entries"):
            printed(spark, f"SELECT {column} AS i", format_)
    assert "3" in printed(spark, "SELECT map_entries(map(array(1), 3)) AS i, map(1, array(1)) AS m", format_)


def test_times_and_intervals_are_texts_also_where_python_has_none(spark: SparkSession) -> None:
    query = """SELECT timestamp'0001-01-01' AS c, timestamp'-0001-01-01' AS c, date'+10000-01-01' AS d,
               interval 1 month AS h, array(named_struct('a', map(date'-0001-01-01', make_interval(1)))) AS l"""
    assert printed(spark, query, Format.CSV).splitlines()[1] == (
        "0001-01-01 00:00:00,-0001-01-01 00:00:00,+10000-01-01,INTERVAL '1' MONTH,"
        '"[{""a"": {""-0001-01-01"": ""1 years""}}]"'
    )
    line = printed(spark, "SELECT timestamp_ntz'2026-03-01 10:00:00.5' AS t, interval 1 day AS i", Format.JSON)
    assert json.loads(line) == {"t": "2026-03-01 10:00:00.5", "i": "INTERVAL '1' DAY"}


def test_a_query_that_is_wrong_is_reported_without_its_plan(spark: SparkSession) -> None:
    for query, told in (
        ("SELECT nothing FROM range(1)", "[UNRESOLVED_COLUMN.WITH_SUGGESTION] A column"),
        ("SELEC ';\n' FROM t", "[PARSE_SYNTAX_ERROR] Syntax error"),
    ):
        with pytest.raises(PySparkException) as failed:
            spark.sql(query).collect()
        message = str(translate_query_error(failed.value, None))
        assert message.startswith(f"the query cannot be run: {told}")
        assert "Project" not in message
        assert ("FROM t" in message) == ("PARSE" in told)  # a text of the query is not where a plan begins


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("SELECT operator, count(*) FROM population VERSION AS OF 1 GROUP BY operator", {"population"}),
        ("select * from POPULATION join `Candidates` using (id)", {"population", "candidates"}),
        ("WITH costs AS (SELECT 1) SELECT * FROM costs, spark_catalog.default.replies", {"costs", "replies"}),
        ("SELECT * FROM ancestors_of('population')", {"ancestors_of", "population"}),
        ("SELECT a.*, solve (text).code FROM json.`a.jsonl`", {"solve"}),
        ("SELECT operator AS show, count(*) FROM population GROUP BY 1 ORDER BY 2 DESC", {"population"}),
        ("SELECT 1", set()),
        ("SELECT populations FROM my_population", set()),
    ],
)
def test_a_query_gets_what_its_words_name(query: str, named: set[str]) -> None:
    assert names_in(query) == named


@pytest.mark.parametrize(
    "query",
    [
        "SHOW TABLES",
        "describe population",
        "-- what there is\n /* of ours */ desc runs",
        "BEGIN SHOW TABLES; END",
        "SELECT *\nFROM IDENTIFIER('popu' || 'lation')",
        "EXECUTE IMMEDIATE x",
    ],
)
def test_a_query_that_may_mean_more_than_it_names_gets_all(query: str) -> None:
    assert names_in(query) == {*SCHEMAS, *TABLES_READ, "instruct", "solve", "judge"}


def test_the_help_names_every_table_and_view_but_those_of_the_index() -> None:
    named = re.findall(r"\w+", command_line.sql.__doc__ or "")
    assert {*SCHEMAS, *TABLES_READ} - set(named) == {DEDUP_INDEX, DEDUP_MANIFEST}
