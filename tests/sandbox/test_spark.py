"""Outcomes as a column of a real Spark job."""

from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Sandbox
from genetic_udfs.sandbox.spark import outcome_of
from genetic_udfs.sandbox.tiers import Tier

# Generous: the machine may be busy.
SETTINGS = Sandbox(least_tier="no_files", cpu_seconds=20, wall_seconds=120.0, memory_mb=256, decided_by="together")
ROWS = [
    ("right", "def f(x): return x + 1", ["assert f(1) == 2", "assert f(2) == 3"]),
    ("half", "def f(x): return 2", ["assert f(1) == 2", "assert f(2) == 3"]),
    ("broken", "def f(x)", ["assert f(1) == 2"]),
    ("alone", "x = 1", []),
    ("without tests", "import not_installed_anywhere", None),
    ("a null among the tests", "def f(x): return 2", [None, "assert f(1) == 2"]),
    ("nothing", None, ["assert f(1) == 2"]),
]


def outcomes(spark: SparkSession) -> dict[str, Row]:
    rows = spark.createDataFrame(ROWS, "id string, code string, tests array<string>").repartition(2)
    outcome = outcome_of("code", "tests", SETTINGS).alias("outcome")
    return {row.id: row for row in rows.select("id", outcome).select("id", "outcome.*").collect()}


def test_each_row_has_its_outcome(spark: SparkSession) -> None:
    found = outcomes(spark)
    tier = found["right"].sandbox_tier
    assert tier in list(Tier)
    assert found["right"][1:] == ("passed", ["passed", "passed"], ["", ""], ["outside"] * 2, 2, 1.0, tier)
    assert found["half"][1:] == ("passed", ["passed", "failed"], ["", "f(2) is 2"], ["outside"] * 2, 1, 0.5, tier)
    assert found["broken"].code_status == "error:SyntaxError"
    assert found["broken"].tests_status == ["error:SyntaxError"]
    assert found["alone"][1:] == ("passed", [], [], [], 0, None, tier)
    assert found["without tests"].code_status == "error:ModuleNotFoundError"
    assert found["a null among the tests"].tests_status == ["unsupported", "passed"]
    assert found["a null among the tests"].tests_decided_by == [None, "outside"]
    assert set(found["nothing"][1:]) == {None}


def test_bytes_that_are_no_text_have_a_status(spark: SparkSession) -> None:
    rows = spark.range(1).select(
        F.expr("cast(X'6162ff' as string)").alias("code"), F.expr("array(cast(X'ff' as string))").alias("tests")
    )
    [row] = rows.select(outcome_of("code", "tests", SETTINGS).alias("v")).select("v.*").collect()
    assert row.code_status == "error:SyntaxError"
    assert row.tests_status == ["error:SyntaxError"]


def test_a_row_is_run_once_however_often_its_outcome_is_used(spark: SparkSession) -> None:
    rows = spark.range(20).select(
        F.lit("def f(x): return 2").alias("code"), F.array(F.lit("assert f(1) == 2")).alias("tests")
    )
    judged = rows.select(outcome_of("code", "tests", SETTINGS).alias("v"))
    plan = judged.where("v.tests_passed = 1").select("v.pass_rate", "v.tests_status")
    assert plan._jdf.queryExecution().executedPlan().toString().count("ArrowEvalPython") == 1
    assert plan.count() == 20
