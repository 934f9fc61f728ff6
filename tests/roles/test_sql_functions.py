"""The roles as SQL functions, on a table that is not ours."""

import pytest
from pyspark.sql import Row, SparkSession

from genetic_udfs.config import Config
from genetic_udfs.roles.prompts import MUTATION_TASKS
from genetic_udfs.roles.sql_functions import register_functions
from tests.scripted_server import Answer, Request, ScriptedServer

CODE = "def double(x):\n    return 2 * x"


def answer(request: Request) -> Answer:
    if "double" not in request.prompt:
        return Answer(status=400, message="not today")
    if "boxed" in request.prompt:
        return Answer("\\boxed{Yes}", tops=[[("\\boxed{", 0.0)], [("Yes", -0.1), ("No", -3.0)], [("}", 0.0)]])
    if "code block" in request.prompt.lower() or "```" in request.prompt:
        return Answer(f"Here:\n```python\n{CODE}\n```")
    return Answer("Write a function that doubles every number in a list, in place.")


def config_for(server: ScriptedServer) -> Config:
    return Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "m", "url": server.url}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        }
    )


@pytest.fixture
def spark(spark: SparkSession) -> SparkSession:
    """A session whose functions and views no other test sees."""
    return spark.newSession()


@pytest.fixture
def problems(spark: SparkSession) -> None:
    rows = [(1, "Write a function that doubles a number."), (2, "double it"), (3, None), (4, "Sort a list.")]
    spark.createDataFrame(rows, "id int, problem string").createOrReplaceTempView("problems")


def test_solve_gives_code_or_says_why_not(spark: SparkSession, problems: None) -> None:
    with ScriptedServer(answer) as server:
        register_functions(spark, config_for(server))
        rows = sorted(spark.sql("SELECT id, s.* FROM (SELECT id, solve(problem) AS s FROM problems)").collect())
    assert [row.code for row in rows] == [CODE, CODE, None, None]
    assert [row.reason for row in rows] == [None, None, None, "engine_error"]
    assert rows[3].detail == "HTTP 400: not today"
    assert rows[0].reply.startswith("Here:") and rows[0].completion_tokens > 0
    assert rows[2] == Row(3, None, None, None, None, None, None, None)
    assert set(server.calls.values()) == {1}


def test_judge_gives_the_verdict_and_the_probability_of_yes(spark: SparkSession, problems: None) -> None:
    with ScriptedServer(answer) as server:
        register_functions(spark, config_for(server))
        [row] = spark.sql(
            "SELECT j.* FROM (SELECT judge(problem, 'x = 2 * x') AS j FROM problems WHERE id = 2)"
        ).collect()
        [null] = spark.sql("SELECT judge('double', CAST(null AS string)).verdict AS v").collect()
    assert (row.verdict, row.reason) == (True, None)
    assert 0.9 < row.fitness < 1
    assert null.v is None


def test_instruct_mutates_by_a_task_of_ones_own_or_one_drawn(spark: SparkSession, problems: None) -> None:
    query = "SELECT i.* FROM (SELECT instruct(problem{}) AS i FROM problems WHERE id = {})"
    with ScriptedServer(answer) as server:
        register_functions(spark, config_for(server))
        drawn = [spark.sql(query.format("", 1)).collect()[0] for _ in range(2)]
        [given] = spark.sql(query.format(", 'reasoning'", 2)).collect()
        [unknown] = spark.sql(query.format(", 'poetry'", 2)).collect()
    assert drawn[0].task == drawn[1].task and drawn[0].task in MUTATION_TASKS
    assert drawn[0].instruction.startswith("Write a function that doubles every number")
    assert (given.task, given.reason) == ("reasoning", None)
    assert (unknown.instruction, unknown.reason) == (None, "unknown_task")
    assert "'poetry'" in unknown.detail and "reasoning" in unknown.detail


def test_what_is_no_text_is_not_asked_about(spark: SparkSession) -> None:
    query = "SELECT n, solve(n) AS s, instruct('double', 'complexity') AS i FROM VALUES (1), (null) AS t(n)"
    with ScriptedServer(lambda request: Answer(status=400, message="no")) as server:
        register_functions(spark, config_for(server))
        rows = {row.n: row for row in spark.sql(query).collect()}
    assert (rows[1].s.reason, rows[None].s.reason) == ("not_text", None)
    assert "cast it to string" in rows[1].s.detail
    assert (rows[1].i.task, rows[1].i.reason) == ("complexity", "engine_error")
    assert all("Solve the programming problem" not in prompt for prompt in server.calls)


def test_blank_texts_are_not_asked_about_and_arguments_are_counted(spark: SparkSession) -> None:
    with ScriptedServer(answer) as server:
        register_functions(spark, config_for(server))
        [row] = spark.sql("SELECT solve('  ').reason AS s, judge('double', '').reason AS j").collect()
        with pytest.raises(Exception, match="the function takes 2 arguments, not 1"):
            spark.sql("SELECT judge('double') AS j").collect()
        with pytest.raises(Exception, match="the function takes 1 argument, not 2"):
            spark.sql("SELECT solve('double', 'x') AS j").collect()
    assert (row.s, row.j) == ("blank", "blank")
    assert server.calls.total() == 0


def test_one_function_takes_what_another_gives(spark: SparkSession, problems: None) -> None:
    query = "SELECT id, judge(problem, solve(problem).code).verdict AS v FROM problems WHERE id < 3"
    with ScriptedServer(answer) as server:
        register_functions(spark, config_for(server))
        rows = spark.sql(query).collect()
    assert [row.v for row in rows] == [True, True]
    assert set(server.calls.values()) == {1}


def test_a_sort_of_the_replies_asks_once_behind_a_repartition(spark: SparkSession, problems: None) -> None:
    query = "SELECT * FROM (SELECT /*+ REPARTITION(4) */ id, solve(problem).code FROM problems) ORDER BY id DESC"
    with ScriptedServer(answer) as server:
        register_functions(spark, config_for(server))
        assert [row.id for row in spark.sql(query).collect()] == [4, 3, 2, 1]
    assert set(server.calls.values()) == {1}


def test_the_results_stand_in_the_order_of_the_rows(spark: SparkSession) -> None:
    with ScriptedServer(lambda request: Answer(request.prompt, after=hash(request.prompt) % 50 / 1000)) as server:
        register_functions(spark, config_for(server))
        spark.range(0, 600, 1, 3).createOrReplaceTempView("numbers")
        rows = spark.sql("SELECT id, solve(concat('number <', id, '>')).reply AS reply FROM numbers").collect()
    assert len(rows) == 600
    assert all(f"<{row.id}>" in row.reply for row in rows)


def test_the_functions_ask_with_prompts_of_ones_own(spark: SparkSession, problems: None) -> None:
    def with_own(server: ScriptedServer, role: str, text: str) -> Config:
        data = config_for(server).model_dump()
        data["roles"][role]["prompt"] = {"path": f"{role}.j2", "text": text}
        return Config.model_validate(data)

    with ScriptedServer(answer) as server:
        register_functions(spark, with_own(server, "coder", "Mine: {{ instruction }} ```"))
        [solved] = spark.sql("SELECT solve(problem).code AS code FROM problems WHERE id = 2").collect()
        register_functions(spark, with_own(server, "judge", "Mine: {{ instruction }} = {{ response }}? boxed"))
        [judged] = spark.sql("SELECT judge(problem, 'x').verdict AS v FROM problems WHERE id = 2").collect()
    assert (solved.code, judged.v) == (CODE, True)
    assert set(server.calls) == {"Mine: double it ```", "Mine: double it = x? boxed"}
