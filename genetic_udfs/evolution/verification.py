"""The stages that run code: whether it can be imported, which of its tests it passes, which solution is the best.

Tests are generated, so they are tried too: a suite that a solution without any content passes, or that no solution
passes any test of, is rejected, and nothing is said of the code. A test that the sandbox could decide of no solution is
left out; one that it cannot decide of this solution is not passed.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.evolution.round import Round, asked, checkpoint, not_rejected, reject, with_prompt
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.roles.prompts import prompt_version
from genetic_udfs.sandbox.reports import PASSED, UNSUPPORTED
from genetic_udfs.sandbox.spark import (
    CODE_STATUS,
    PASS_RATE,
    SANDBOX_TIER,
    TESTS_DECIDED_BY,
    TESTS_MESSAGE,
    TESTS_PASSED,
    TESTS_STATUS,
    outcome_of,
)
from genetic_udfs.sandbox.stages import spread
from genetic_udfs.store.schema import FAILED_TESTS, INSTRUCTION_KEY

_RESULTS: Final = (TESTS_STATUS, TESTS_DECIDED_BY, TESTS_MESSAGE, TESTS_PASSED, PASS_RATE)
# What is computed again of a solution that is repaired.
_OF_AN_ATTEMPT: Final = (
    *("response", "code", "language", "code_lines", "code_branches", "reasoning"),
    *("verdict", "fitness", "coder_request", "judge_request"),
    *(*_RESULTS, SANDBOX_TIER, CODE_STATUS, "fault", "agreeing", "failure"),
)


def check_runs(rows: DataFrame, this: Round) -> DataFrame:
    """Reject code that cannot be imported within its limits, if the settings ask for that."""
    settings = this.run.config.sandbox
    if not this.run.config.checks_runs:
        return rows
    status = F.col("imported")[CODE_STATUS]
    said = F.concat(F.lit("importing it ended as "), status)
    found = F.struct(F.lit("does_not_run").alias("reason"), said.alias("detail"))
    rows = checkpoint(rows, this, "reading solutions")
    return (
        spread(rows, this.run.scratch.count(rows))
        .withColumn("imported", outcome_of(F.when(not_rejected(), F.col("code")), None, settings))
        .transform(checkpoint, this, "importing", takes_seconds=True)
        .withColumn(SANDBOX_TIER, F.col("imported")[SANDBOX_TIER])
        .transform(reject, F.when(status != PASSED, found))
        .drop("imported")
    )


def verify(rows: DataFrame, this: Round) -> DataFrame:
    """Have tests written for solutions, run them, and reject by them if the settings say so.

    Adds `tests`, `tests_status`, `tests_decided_by`, `tests_passed`, `pass_rate` and `sandbox_tier`, and for the stages
    that follow `fault` (why there are no tests that count), `agreeing` (how many solutions of the instruction pass the
    same ones) and `failure` (the first test that failed).
    """
    if this.run.config.roles.tester is None:
        return rows
    tested = rows if this.attempt > 1 else ask_tester(rows, this)
    ran = tested.transform(run_tests, this).transform(drop_unsupported, this)
    return ran.transform(reject_tests, this).transform(reject_failed, this)


def ask_tester(rows: DataFrame, this: Round) -> DataFrame:
    """Ask for tests of each solution, and add `tests`: all that were written for solutions of its instruction."""
    settings = this.run.config.roles.tester
    assert settings is not None
    prompt = role_columns.tester_prompt("instruction", "code", settings)
    prompts = with_prompt(rows, prompt, prompt_version("tester", settings.prompt))
    read = asked(prompts, this, "tester").withColumn(
        "read", F.when(not_rejected(), role_columns.tests_of("reply", "code", settings))
    )
    ordered = (
        Window.partitionBy(*INSTRUCTION_KEY)
        .orderBy("solution")
        .rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    )
    shared = F.array_distinct(F.flatten(F.collect_list("read.tests").over(ordered)))
    return (
        read.withColumn("tests", F.when(not_rejected() & (F.size(shared) > 0), shared))
        .withColumn("fault", F.when(F.col("tests").isNull(), _reason(F.col("read.reason"), F.col("read.detail"))))
        .withColumn("null_code", F.when(F.col("tests").isNotNull(), role_columns.null_solution_of("code")))
        .withColumnRenamed("request_id", "tester_request")
        .drop("read", "reply")
    )


def run_tests(rows: DataFrame, this: Round) -> DataFrame:
    """Add how the tests ended, and as `nothing`, at the first attempt, how they end for code that does nothing."""
    settings = this.run.config.sandbox
    rows = checkpoint(rows, this, "reading tests")
    imported_by = F.col(SANDBOX_TIER) if this.run.config.checks_runs else F.lit(None)
    code = F.when(not_rejected() & F.col("tests").isNotNull(), F.col("code"))
    ran = spread(rows, this.run.scratch.count(rows)).withColumn("ran", outcome_of(code, "tests", settings))
    if this.attempt == 1:
        ran = ran.withColumn("nothing", outcome_of("null_code", "tests", settings)[TESTS_STATUS]).drop("null_code")
    return (
        ran.transform(checkpoint, this, "running tests", takes_seconds=True)
        .withColumns({name: F.col("ran")[name] for name in (*_RESULTS, CODE_STATUS)})
        .withColumn(SANDBOX_TIER, F.coalesce(F.col("ran")[SANDBOX_TIER], imported_by))
        .drop("ran")
    )


def drop_unsupported(rows: DataFrame, this: Round) -> DataFrame:
    """Leave out tests that are `unsupported` for every solution of their instruction, and for code that does nothing.

    What such code returns makes no test `unsupported`, so the test itself does. Otherwise a solution could have the
    tests left out that it fails, as by returning what cannot be compared.
    """
    if this.attempt > 1:  # they were left out with the first attempt
        return rows
    imported = F.when(F.col(CODE_STATUS) == PASSED, F.col(TESTS_STATUS))
    statuses = F.collect_list(F.array(imported, "nothing")).over(Window.partitionBy(*INSTRUCTION_KEY))
    decided = F.filter(
        F.sequence(F.lit(0), F.size("tests") - 1),
        lambda at: F.exists("statuses", lambda ended: F.get(ended, at) != UNSUPPORTED),
    )
    found = rows.withColumn("statuses", F.flatten(statuses)).withColumn(
        "decided", F.when(F.col(TESTS_STATUS).isNotNull(), decided)
    )
    left = {name: _at("decided", name) for name in ("tests", TESTS_STATUS, TESTS_DECIDED_BY, TESTS_MESSAGE, "nothing")}
    rate = F.when(F.size("decided") > 0, F.col(TESTS_PASSED) / F.size("decided"))
    return found.withColumns({**left, PASS_RATE: rate}).drop("statuses", "decided")


def reject_tests(rows: DataFrame, this: Round) -> DataFrame:
    """Take tests away that say nothing of the code, with the `fault` that they have; add `agreeing`."""
    count = F.size("tests")
    passed = F.transform(TESTS_STATUS, lambda status: status == PASSED)
    agreeing = F.count(TESTS_STATUS).over(Window.partitionBy(*INSTRUCTION_KEY, passed))
    if this.attempt > 1:  # they were tried with the first attempt
        return rows.withColumn("fault", _reason(F.lit(None), F.lit(None))).withColumn("agreeing", agreeing)
    empty = F.format_string("a solution that returns nothing passes all %d tests", count)
    useless = F.format_string("no solution passes any of the %d tests", count)
    best = F.max(TESTS_PASSED).over(Window.partitionBy(*INSTRUCTION_KEY))
    imported = F.max(F.col(CODE_STATUS) == PASSED).over(Window.partitionBy(*INSTRUCTION_KEY))
    unusable = F.lit("the sandbox can decide none of the tests")
    nothing = F.size(F.filter("nothing", lambda status: status == PASSED))
    found = F.when(count == 0, unusable).when(nothing == count, empty).when(imported & (best == 0), useless)
    faulty = rows.withColumn("found", F.when(F.col(TESTS_STATUS).isNotNull(), found))
    fault = F.when(F.col("found").isNotNull(), _reason(F.lit("tests_rejected"), F.col("found")))
    return (
        faulty.withColumn("fault", F.coalesce(fault, "fault"))
        .withColumns({name: F.when(F.col("found").isNull(), F.col(name)) for name in ("tests", *_RESULTS)})
        .drop("found", "nothing")
        .withColumn("agreeing", agreeing)
    )


def reject_failed(rows: DataFrame, this: Round) -> DataFrame:
    """Add `failure`, and where tests decide, reject what failed one of them or has none that count."""
    at = (F.array_position(F.transform(TESTS_STATUS, lambda status: status != PASSED), True) - 1).cast("int")
    failure = F.struct(
        F.get("tests", at).alias("test"),
        F.get(TESTS_STATUS, at).alias("status"),
        F.get(TESTS_MESSAGE, at).alias("message"),
    )
    failed = rows.withColumn("failure", F.when(F.col(PASS_RATE) < 1.0, failure)).drop(TESTS_MESSAGE)
    if not this.run.config.accepts_by_tests:
        return failed
    detail = F.format_string(
        "%d of %d tests passed; %s: %s %s",
        *(F.col(TESTS_PASSED), F.size("tests"), "failure.test", "failure.status", "failure.message"),
    )
    return failed.transform(reject, F.col("fault")).transform(
        reject, F.when(F.col("failure").isNotNull(), _reason(F.lit(FAILED_TESTS), F.trim(detail)))
    )


def failed_solutions(rows: DataFrame, this: Round) -> DataFrame:
    """Return the best solution of each instruction whose solutions have all failed, to be repaired.

    Its columns are as before the Coder was asked, but for the tests, and `repair_prompt`.
    """
    none_passed = ~F.max(not_rejected()).over(Window.partitionBy(*INSTRUCTION_KEY))
    failed = F.col("reason") == FAILED_TESTS
    place = F.row_number().over(Window.partitionBy(*INSTRUCTION_KEY, failed).orderBy(*_best_first()))
    own = this.run.config.roles.coder.repair_prompt
    prompt = role_columns.repair_prompt("instruction", "code", "failure.test", "failure.status", "failure.message", own)
    identity = F.substring(F.sha2(F.concat_ws("/", "id", F.lit("attempt"), F.lit(2)), 256), 1, 32)
    return (
        rows.withColumn("is_repaired", none_passed & failed & (place == 1))
        .filter("is_repaired")
        .withColumn("repair_prompt", prompt)
        .withColumn("id", identity)
        .withColumn("attempt", F.lit(2))
        .withColumns({name: F.lit(None).cast("string") for name in ("reason", "detail")})
        .drop("is_repaired", *_OF_AN_ATTEMPT)
    )


def choose(rows: DataFrame, this: Round) -> DataFrame:
    """Of several solutions of an instruction go on with the best, by dual agreement (CodeT, arXiv 2207.10397).

    Solutions that pass the same tests, or return the same for the same arguments, agree. The best passes the most
    tests, or answers the most calls, in the largest company: the product of both decides, then the order in which they
    were asked for.
    """
    if this.run.config.roles.coder.samples == 1:
        return rows
    by_tests = this.run.config.roles.tester is not None
    points = F.col(TESTS_PASSED if by_tests else "answered")
    rows = rows.withColumn("points", points)
    among_not_rejected = Window.partitionBy(*INSTRUCTION_KEY, not_rejected()).orderBy(*_best_first("points"))
    chosen = F.first(F.struct("solution", "points", "agreeing")).over(among_not_rejected)
    done = "passes %d tests" if by_tests else "answers %d calls"
    detail = F.when(
        F.col("chosen.points").isNotNull(),
        F.format_string(
            f"solution %d was chosen: it {done}, with %d solutions in all, this one %d, with %d",
            *(F.col("chosen.solution"), F.col("chosen.points"), F.col("chosen.agreeing")),
            *(F.coalesce("points", F.lit(0)), F.coalesce("agreeing", F.lit(0))),
        ),
    ).otherwise(F.format_string("solution %d was chosen, since no tests tell them apart", F.col("chosen.solution")))
    return (
        rows.withColumn("place", F.row_number().over(among_not_rejected))
        .withColumn("chosen", chosen)
        .transform(reject, F.when(F.col("place") > 1, _reason(F.lit("not_chosen"), detail)))
        .drop("place", "chosen", "points")
    )


def _at(places: str, name: str) -> Column:
    """Return what an array has at some places; null where these are null."""
    return F.transform(places, lambda at: F.get(name, at))


def _best_first(points: str = TESTS_PASSED) -> tuple[Column, Column]:
    return (F.col("agreeing") * F.col(points)).desc_nulls_last(), F.col("solution").asc()


def _reason(reason: Column, detail: Column) -> Column:
    return F.struct(reason.cast("string").alias("reason"), detail.cast("string").alias("detail"))
