"""`jobs/verify.py`: every row of any table comes out with how its tests ended; what is wrong is said before."""

import ast
import json
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from genetic_udfs.commands import verify as command
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.input_table import read_table
from genetic_udfs.config import Sandbox
from genetic_udfs.errors import ConfigurationError, SandboxError
from genetic_udfs.reporting.progress import Progress
from tests.without_landlock import take_landlock_away

ADD = "def add(a, b):\n    return a + b"
ROWS: list[dict[str, Any]] = [
    {"n": 1, "code": ADD, "tests": ["assert add(1, 2) == 3", "assert add(1, 2) == 4"], "deep": {"x": [1]}},
    {"n": 2, "code": ADD, "tests": ["assert add(1, 2) == 3"], "deep": None},
    {"n": 3, "code": "while True: pass", "tests": ["assert add(1, 2) == 3"]},
    {"n": 4, "code": None, "tests": ["assert add(1, 2) == 3"]},
    {"n": 5, "code": ADD, "tests": []},
    {"n": 6, "code": ADD, "tests": None},
    {"n": 7, "code": "def add(", "tests": ["assert add(1, 2) == 3", None, "assert ("]},
]
SETTINGS = Sandbox(least_tier="no_files", cpu_seconds=1)


def write(folder: Path, rows: list[dict[str, Any]]) -> None:
    (folder / "t.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def task(folder: Path, **options: Any) -> command.VerifyOptions:
    given = {"input": str(folder / "t.jsonl"), "id": "n", "code": "code", "tests": "tests"}
    return command.VerifyOptions(**{**given, "output": str(folder / "out"), "format": TableFormat.PARQUET, **options})


def run(spark: SparkSession, given: command.VerifyOptions, settings: Sandbox = SETTINGS) -> None:
    with Progress() as progress:
        command.run(spark, given, settings, progress)


def test_every_row_comes_out_with_the_status_of_each_test(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path, ROWS)
    run(spark, task(tmp_path, format=TableFormat.DELTA))
    assert (tmp_path / "out" / "_delta_log").is_dir()
    before, after = read_table(spark, str(tmp_path / "t.jsonl")), read_table(spark, str(tmp_path / "out"))
    added = ["tests_status", "tests_passed", "pass_rate"]
    assert after.columns == [
        *before.columns,
        *("tests_status", "tests_message", "tests_decided_by", *added[1:], "sandbox_tier"),
    ]
    assert after.select(before.columns).orderBy("n").collect() == before.orderBy("n").collect()
    assert [tuple(row) for row in after.orderBy("n").select(*added).collect()] == [
        (["passed", "failed"], 1, 0.5),
        (["passed"], 1, 1.0),
        (["timeout"], 0, 0.0),
        (None, None, None),
        ([], 0, None),
        ([], 0, None),
        (["error:SyntaxError"] * 3, 0, 0.0),
    ]
    found = {row.n: row for row in after.collect()}
    messages = {n: row.tests_message for n, row in found.items()}
    assert messages[1] == [None, "add(1, 2) is 3"] and messages[4] is None and messages[5] == []
    assert {n for n, row in found.items() if row.sandbox_tier is None} == {4}
    console = Console(width=100)
    with console.capture() as shown:
        command.print_summary(console, after, task(tmp_path))
    lines = shown.get().splitlines()
    assert [line.split() for line in lines if "passed  " in line] == [["│", "passed", "│", "2", "│"]]
    assert "7 rows: 1 of 4 with tests passed all of them, 2 had no test, 1 no code; confined by " in lines[-1]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out", "t.jsonl"]


@pytest.mark.parametrize(
    ("text", "tests"),
    [
        ("assert f(1) == [\n    1,\n]\n\nassert f(2)", ["assert f(1) == [\n    1,\n]", "assert f(2)"]),
        ("assert f(1); assert f(2)  # two", ["assert f(1)", "assert f(2)"]),
        (
            "import math\nfor x in [1]:\n    assert f(x)\nassert math.pi",
            ["import math\nfor x in [1]:\n    assert f(x)", "import math\nassert math.pi"],
        ),
        ("x = f(1)\nassert x == 1\nassert f(x)", ["x = f(1)\nassert x == 1\nassert f(x)"]),
        ("for i in [1]:\n    push(i)\nassert size() == 1", ["for i in [1]:\n    push(i)\nassert size() == 1"]),
        ("if 1:\n    y = f(1)\n    assert y\nassert y > 1", ["if 1:\n    y = f(1)\n    assert y\nassert y > 1"]),
        (
            "for x in [1]:\n    assert f(x)\nfor x in [2]:\n    assert f(x)",
            ["for x in [1]:\n    assert f(x)", "for x in [2]:\n    assert f(x)"],
        ),
        ("def test_f():\n    assert f(1)", ["def test_f():\n    assert f(1)"]),
        ("import math", ["import math"]),
        ("assert f(1)\n\nassert f(\r\nassert f(3)", ["assert f(1)", "assert f(", "assert f(3)"]),
        ("# nothing\n", []),
        ("", []),
        (None, None),
    ],
)
def test_a_text_has_a_test_in_each_statement_where_it_is_python(text: str | None, tests: list[str] | None) -> None:
    assert command.tests_in(text) == tests


def test_a_text_of_many_tests_is_read_in_one_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(ast, "get_source_segment")  # which takes a pass for each statement
    tests = [f"assert f('\u00fc\\u2028', {number}) == [\r\n {number}]" for number in range(5000)]
    assert command.tests_in("; ".join(tests[:2]) + "\r" + "\n".join(tests[2:])) == tests


def test_a_text_is_read_as_several_tests(spark: SparkSession, tmp_path: Path) -> None:
    write(tmp_path, [{"n": 1, "code": ADD, "tests": "assert add(1, 2) == 3\r\n\n   \nassert add(2, 2) == 5\n"}])
    run(spark, task(tmp_path))
    [row] = read_table(spark, str(tmp_path / "out")).collect()
    assert (row.tests_status, row.pass_rate) == (["passed", "failed"], 0.5)
    assert not (tmp_path / "out" / "_delta_log").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input": "nowhere.jsonl"}, "nowhere.jsonl: there is no such file"),
        ({"code": "body"}, r"t\.jsonl: there is no column 'body'; it has code, deep, n, tests"),
        ({"code": "n"}, "'n' must hold text, not bigint"),
        ({"tests": "suite"}, "no column 'suite'"),
        ({"tests": "n"}, "'n' must hold an array of texts or a text, not bigint"),
        ({"id": "key"}, "no column 'key'"),
        ({"id": "code"}, "'code' is null in 1 rows"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    spark: SparkSession, tmp_path: Path, options: dict[str, str], said: str
) -> None:
    write(tmp_path, ROWS)
    with pytest.raises(ConfigurationError, match=said):
        run(spark, task(tmp_path, **options))
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("taken", ["tests_status", "Pass_Rate", "sandbox_tier"])
def test_a_column_that_is_taken_is_named(spark: SparkSession, tmp_path: Path, taken: str) -> None:
    write(tmp_path, [{**ROWS[0], taken: 1}])
    with pytest.raises(
        ConfigurationError, match=f"column '{command.ADDED[0] if 'status' in taken else taken.lower()}'"
    ):
        run(spark, task(tmp_path))


def test_below_the_least_tier_nothing_is_run_and_what_is_missing_is_said(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path, ROWS[:2])
    take_landlock_away(spark, tmp_path / "workers", monkeypatch)
    with pytest.raises(SandboxError) as caught:
        run(spark, task(tmp_path), SETTINGS.model_copy(update={"least_tier": "landlock"}))
    assert str(caught.value).startswith("no code is run: the sandbox needs at least the tier landlock and does not")
    assert "Landlock comes with Linux 5.13" in str(caught.value) and "sandbox.least_tier says" in str(caught.value)
    assert "Traceback" not in str(caught.value)
    assert not (tmp_path / "out").exists()
    run(spark, task(tmp_path), SETTINGS)
    assert {row.sandbox_tier for row in read_table(spark, str(tmp_path / "out")).collect()} == {"no_files"}
