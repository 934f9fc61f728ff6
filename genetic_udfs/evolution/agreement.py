"""Where no Tester writes tests: the examples that a problem gives itself, and what its solutions agree on.

Solutions of an instruction that return the same for arguments which are drawn for their types agree (dual agreement
without tests; CodeT, arXiv 2207.10397, draws its from generated ones). Nobody says what is right, but wrong solutions
are wrong in many ways.
"""

from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.evolution.round import Round, checkpoint, not_rejected, reject
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.sandbox.outcome_columns import answers_of, outcome_of, spread
from genetic_udfs.sandbox.outcomes import PASSED
from genetic_udfs.sandbox.spark import PASS_RATE, SANDBOX_TIER, TESTS_PASSED, TESTS_STATUS
from genetic_udfs.store.schema import FAILED_TESTS, INSTRUCTION_KEY

# So many solutions have to return the same, and so many values have to differ: one that always returns the same is
# no solution, or the arguments are none of the problem's.
_MIN_AGREEING: Final = 2
_MIN_VALUES: Final = 2


def compare(rows: DataFrame, this: Round) -> DataFrame:
    """Run the examples of problems, have solutions answer drawn calls, and reject by both if the settings say so.

    Adds `tests` and how they ended as a Tester's would be, `agreement` (the share of the instruction's solutions that
    return the same as this one), and for `choose` `agreeing` (their number) and `answered` (the calls that returned).
    """
    config = this.run.config
    if not config.compares_solutions:
        return rows
    ordered = Window.partitionBy(*INSTRUCTION_KEY).orderBy("solution")
    whole = ordered.rowsBetween(Window.unboundedPreceding, Window.unboundedFollowing)
    code = F.when(not_rejected(), F.col("code"))
    imported_by = F.col(SANDBOX_TIER) if SANDBOX_TIER in rows.columns else F.lit(None)
    rows = checkpoint(rows, this, "solutions to compare")
    planned = (
        rows.withColumn("sample_code", F.first(code, ignorenulls=True).over(whole))
        .withColumn("tests", F.when(not_rejected(), role_columns.examples_of("instruction")))
        .withColumn("calls", F.when(not_rejected(), role_columns.calls_of("instruction", "sample_code", "code")))
    )
    ran = (
        spread(planned, this.run.scratch.count(rows))
        .withColumn("ran", outcome_of(F.when(F.size("tests") > 0, code), "tests", config.sandbox))
        .withColumn("answers", answers_of(code, "calls", config.sandbox))
        .transform(checkpoint, this, "comparing solutions")
    )
    counts = F.count(F.when(F.col("answers").isNotNull(), 1)).over(Window.partitionBy(*INSTRUCTION_KEY, "answers"))
    returned = F.filter("answers", lambda answer: answer.isNotNull())
    found = (
        ran.withColumns({name: F.col("ran")[name] for name in (TESTS_STATUS, TESTS_PASSED, PASS_RATE)})
        .withColumn("tests", F.when(F.col(TESTS_STATUS).isNotNull(), F.col("tests")))
        .withColumn(SANDBOX_TIER, F.coalesce(F.col("ran")[SANDBOX_TIER], imported_by))
        .withColumn("agreeing", F.when(F.col("answers").isNotNull(), counts))
        .withColumn("agreement", F.col("agreeing") / config.roles.coder.samples)
        .withColumn("answered", F.size(returned))
        .withColumn("values", F.size(F.array_distinct(returned)))
        .drop("sample_code", "ran", "answers")
    )
    return (found.transform(_reject, this) if config.accepts_by_execution else found).drop("calls", "values")


def _reject(rows: DataFrame, this: Round) -> DataFrame:
    """Reject what fails an example of its problem, and what agrees with no other solution."""
    failed = F.array_position(F.transform(TESTS_STATUS, lambda status: status == PASSED), False)
    test = F.get("tests", (failed - 1).cast("int"))
    status = F.get(TESTS_STATUS, (failed - 1).cast("int"))
    example = F.struct(
        F.lit(FAILED_TESTS).alias("reason"),
        F.format_string("the problem's example %s: %s", test, status).alias("detail"),
    )
    said = (
        F.when(F.size("calls") == 0, F.lit("it defines no function of arguments that can be drawn"))
        .when(F.col("answered") == 0, F.lit("it returns no value for any of the arguments that were drawn"))
        .when(F.col("values") < _MIN_VALUES, F.lit("it returns the same for all arguments that were drawn"))
        .when(
            F.col("agreeing") < _MIN_AGREEING,
            F.format_string(
                f"none of the other {this.run.config.roles.coder.samples - 1} solutions returns the same; it returned"
                " values for %d of %d calls",
                F.col("answered"),
                F.size("calls"),
            ),
        )
    )
    disagreed = F.struct(F.lit("no_agreement").alias("reason"), said.alias("detail"))
    return rows.transform(reject, F.when(failed > 0, example)).transform(reject, F.when(said.isNotNull(), disagreed))
