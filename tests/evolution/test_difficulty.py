"""The share of an instruction's solutions that pass its tests, of those of which it is known."""

from types import SimpleNamespace
from typing import Any

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.evolution.accounting import judge_and_tests
from genetic_udfs.evolution.difficulty import with_solve_rate
from genetic_udfs.evolution.operators.parents import SLOT_KEY


def round_of(attempt: int = 1, tester: object = "asked", compares: bool = False) -> Any:
    config = SimpleNamespace(roles=SimpleNamespace(tester=tester), compares_solutions=compares)
    return SimpleNamespace(attempt=attempt, run=SimpleNamespace(config=config))


def test_solve_rate_counts_the_samples_whose_tests_are_known(spark: SparkSession) -> None:
    rows = [
        ("half", 1.0, None),
        ("half", 0.9, "failed_tests"),
        ("no solution at all is one that fails", 1.0, None),
        ("no solution at all is one that fails", 1.0, None),
        ("no solution at all is one that fails", None, "syntax_error"),
        ("no solution at all is one that fails", None, "does_not_run"),
        ("what the judge refused or nobody answered is not known", 1.0, None),
        ("what the judge refused or nobody answered is not known", None, "judged_no"),
        ("what the judge refused or nobody answered is not known", None, "engine_error"),
        ("never", 0.0, "failed_tests"),
        ("no tests that count", None, "tests_rejected"),
        ("no code", None, "no_code"),
    ]
    frame = spark.createDataFrame(rows, "item string, pass_rate double, reason string").select(
        *(F.lit(0).alias(name) for name in SLOT_KEY), "*"
    )
    found = {row["item"]: row["solve_rate"] for row in with_solve_rate(frame, round_of()).collect()}
    assert found == {
        "half": 0.5,
        "no solution at all is one that fails": 0.5,
        "what the judge refused or nobody answered is not known": 1.0,
        "never": 0.0,
        "no tests that count": None,
        "no code": None,
    }
    assert with_solve_rate(frame, round_of(attempt=2)) is frame
    assert with_solve_rate(frame, round_of(tester=None)) is frame
    assert "solve_rate" in with_solve_rate(frame, round_of(tester=None, compares=True)).columns


def counted(*counts: int, rated: int = 0, squares: float = 0.0) -> Row:
    names = ("yes_passed", "yes_failed", "no_passed", "no_failed")
    return Row(**dict(zip(names, counts, strict=True)), rated=rated, squares=squares)


def test_the_judge_is_held_against_tests() -> None:
    assert judge_and_tests([]) is None
    assert judge_and_tests([counted(0, 0, 0, 0)]) is None
    # 20 of both kinds for each of the two, of which 15 agree: half of it is chance.
    found = judge_and_tests([counted(10, 5, 2, 1, rated=4, squares=0.5), counted(5, 0, 3, 14, rated=6, squares=0.5)])
    assert found == {
        "yes_passed": 15,
        "yes_failed": 5,
        "no_passed": 5,
        "no_failed": 15,
        "kappa": pytest.approx(0.5),
        "brier": pytest.approx(0.1),
    }
    found = judge_and_tests([counted(7, 3, 0, 0)])
    assert found is not None and (found["kappa"], found["brier"]) == (None, None)
