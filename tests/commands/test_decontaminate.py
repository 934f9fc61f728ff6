"""`jobs/decontaminate.py`: every row of any table comes out, tagged; what is wrong is said before work is done."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
import typer
from pyspark.sql import SparkSession
from rich.console import Console
from typer.testing import CliRunner

from genetic_udfs.commands import decontaminate as command
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.cli.decontaminate import decontaminate
from genetic_udfs.commands.input_table import read_table
from genetic_udfs.config import Config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.progress import Progress
from tests.decontamination.tiny_model import make_tiny_model
from tests.scripted_server import Answer, ScriptedServer

PROBLEM = "Tell which two rivers of a list of rivers with their lengths differ the least in their length"


def config(folder: Path, url: str = "http://127.0.0.1:9/v1", **decontamination: Any) -> Config:
    """A test set of one problem, and HumanEval."""
    (folder / "set.jsonl").write_text(json.dumps({"name": "rivers", "text": PROBLEM}) + "\n")
    benchmark = {"path": str(folder / "set.jsonl"), "id": "name", "instructions": ["text"]}
    return Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "m", "url": url}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
            "decontamination": {"benchmarks": {"mine": benchmark}, **decontamination},
        }
    )


def run(spark: SparkSession, settings: Config, folder: Path, **options: Any) -> None:
    given: dict[str, Any] = {
        "input": str(folder / "docs.jsonl"),
        "columns": ["text"],
        "id": "n",
        "output": str(folder / "out"),
        "format": TableFormat.PARQUET,
        **options,
    }
    with Progress() as progress:
        items = command.checked_items(settings)
        command.run(spark, settings, items, command.DecontaminateOptions(**given), progress)


def documents(folder: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"n": 1, "text": "Sort a list of pears by weight.", "code": None, "deep": {"x": [1]}},
        {"n": 2, "text": PROBLEM, "code": "pass", "deep": None},
        {"n": 3, "text": "  ", "code": f"# {PROBLEM}\npass", "deep": {"x": []}},
        {"n": 4, "text": None, "code": "Return sum of all even numbers; add two numbers x and y: x + y"},
    ]
    (folder / "docs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))


def test_every_row_comes_out_tagged(spark: SparkSession, tmp_path: Path) -> None:
    documents(tmp_path)
    run(spark, config(tmp_path), tmp_path, columns=["text", "code"], format=TableFormat.DELTA)
    assert (tmp_path / "out" / "_delta_log").is_dir()
    before, after = read_table(spark, str(tmp_path / "docs.jsonl")), read_table(spark, str(tmp_path / "out"))
    tags = ["contaminated_by", "contaminated_item", "contamination_rule"]
    assert after.columns == [*before.columns, *tags]
    assert after.drop(*tags).orderBy("n").collect() == before.orderBy("n").collect()
    assert [tuple(row) for row in after.orderBy("n").select(*tags).collect()] == [
        (None, None, None),
        ("mine", "rivers", "ngram"),
        ("mine", "rivers", "ngram"),
        ("humaneval", "HumanEval/53", "containment"),
    ]
    console = Console(width=100, record=True, quiet=False)
    with console.capture() as shown:
        command.print_summary(console, after, "out")
    lines = shown.get().splitlines()
    assert [line.split() for line in lines if "humaneval" in line or "mine" in line] == [
        ["│", "humaneval", "│", "0", "│", "1", "│", "1", "│"],
        ["│", "mine", "│", "2", "│", "0", "│", "2", "│"],
    ]
    assert lines[-1] == "4 rows, 3 of them contaminated, written to out"


def test_paraphrases_are_asked_about_and_the_answer_is_kept(spark: SparkSession, tmp_path: Path) -> None:
    documents(tmp_path)
    tiny_model = make_tiny_model(tmp_path / "model")
    with ScriptedServer(lambda request: Answer("\\boxed{Yes}" if PROBLEM in request.prompt else "?")) as server:
        wanted = {"model": str(tiny_model), "nearest": 1, "similarity": -1.0}
        run(spark, config(tmp_path, server.url, human_eval=False, paraphrases=wanted), tmp_path)
    rows = {
        row.n: (row.contaminated_item, row.contamination_rule)
        for row in read_table(spark, str(tmp_path / "out")).collect()
    }
    assert rows == {1: ("rivers", "paraphrase"), 2: ("rivers", "ngram"), 3: (None, None), 4: (None, None)}
    assert len(server.requests) == 1 and "Sort a list of pears" in server.requests[0].prompt
    assert sorted(file.name for file in tmp_path.iterdir()) == ["docs.jsonl", "model", "out", "set.jsonl"]
    assert not (tmp_path / "out" / "_delta_log").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"input": "nowhere.jsonl"}, "nowhere.jsonl: there is no such file"),
        ({"columns": ["text", "body"]}, "no column 'body'; it has code, deep, n, text"),
        ({"columns": ["n"]}, "'n' must hold text, not bigint"),
        ({"id": "key"}, "no column 'key'"),
        ({"id": "code"}, "'code' is null in 1 rows"),
        ({"id": "deep"}, "'deep' must hold a text or a whole number"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    spark: SparkSession, tmp_path: Path, options: dict[str, Any], said: str
) -> None:
    documents(tmp_path)
    with pytest.raises(ConfigurationError, match=said):
        run(spark, config(tmp_path), tmp_path, **options)
    assert not (tmp_path / "out").exists()


def test_an_output_that_is_there_is_refused_before_anything_is_read(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "precious").write_text("x")
    with pytest.raises(ConfigurationError, match="out: is there already"):
        run(spark, config(tmp_path), tmp_path, input="nowhere")
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["precious"]


def test_an_input_with_the_tags_already_is_refused(spark: SparkSession, tmp_path: Path) -> None:
    documents(tmp_path)
    run(spark, config(tmp_path), tmp_path)
    with pytest.raises(ConfigurationError, match="column 'contaminated_by' already"):
        run(spark, config(tmp_path), tmp_path, input=str(tmp_path / "out"), output=str(tmp_path / "again"))


def test_test_sets_are_checked_in_a_second_and_without_spark(tmp_path: Path) -> None:
    begun = time.monotonic()
    settings = config(tmp_path)
    assert len(command.checked_items(settings)) == 165
    (tmp_path / "set.jsonl").write_text("{}\n")
    with pytest.raises(ConfigurationError, match=r"decontamination: test set 'mine': .*line 1: has no field"):
        command.checked_items(settings)
    with pytest.raises(ConfigurationError, match="there is no test set"):
        command.checked_items(config(tmp_path, human_eval=False, benchmarks={}))
    with pytest.raises(ConfigurationError, match=r"decontamination\.paraphrases\.model"):
        command.checked_items(
            config(tmp_path, human_eval=True, benchmarks={}, paraphrases={"model": "bundled:nothing"})
        )
    assert time.monotonic() - begun < 5


def test_an_unknown_format_and_a_missing_option_are_wrong_usage(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(decontaminate)
    usual = ["c.yaml", "--input", "i", "--column", "text", "--id", "id", "--output", "o"]
    shown = CliRunner().invoke(app, [*usual, "--format", "csv"])
    assert shown.exit_code == 2 and "csv" in shown.output
    assert CliRunner().invoke(app, usual[:-2]).exit_code == 2


def test_the_configuration_refuses_what_cannot_be_meant(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="'humaneval' is the bundled test set's name"):
        config(tmp_path, benchmarks={"humaneval": {"path": "x", "instructions": ["text"]}})
    with pytest.raises(ValueError, match="human_eval_solutions"):
        config(tmp_path, human_eval=False, human_eval_solutions=True)
    with pytest.raises(
        ValueError, match=r"paraphrases\.judge\.engine: no engine is named 'none'; engines has \['any'\]"
    ):
        config(tmp_path, paraphrases={"judge": {"engine": "none"}})
