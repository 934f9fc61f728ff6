"""Where no Tester writes tests: the examples that a problem gives itself, and what its solutions agree on.

Solutions of an instruction that return the same for arguments which are drawn for their types agree (dual agreement
without tests; CodeT, arXiv 2207.10397, draws its from generated ones). Nobody says what is right, but wrong solutions
are wrong in many ways. Two instructions whose solutions return the same ask for the same function, whatever they call
it.
"""

from typing import Final

from pyspark.sql import Column, DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.evolution.round import Round, checkpoint, not_rejected, reject
from genetic_udfs.roles import columns as role_columns
from genetic_udfs.sandbox.reports import PASSED
from genetic_udfs.sandbox.spark import (
    PASS_RATE,
    SANDBOX_TIER,
    TESTS_DECIDED_BY,
    TESTS_PASSED,
    TESTS_STATUS,
    answers_of,
    outcome_of,
)
from genetic_udfs.sandbox.stages import spread
from genetic_udfs.store.schema import FAILED_TESTS, INSTRUCTION_KEY, SAME_BEHAVIOUR

# So many values have to differ: what always returns the same is no solution, or the arguments are not the problem's.
_MIN_VALUES: Final = 2
_RESULTS: Final = (TESTS_STATUS, TESTS_DECIDED_BY, TESTS_PASSED, PASS_RATE)


def compare(rows: DataFrame, this: Round) -> DataFrame:
    """Run the examples of problems, have solutions answer drawn calls, and reject by both if the settings say so.

    Adds `tests` and how they ended as a Tester's would be, `agreement` (the share of the instruction's solutions that
    return the same as this one), `behaviour` (a hash of the calls and of what they return), and for `choose` `agreeing`
    (their number) and `answered` (the calls that returned).
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
        .transform(checkpoint, this, "comparing solutions", takes_seconds=True)
    )
    counts = F.count(F.when(F.col("answers").isNotNull(), 1)).over(Window.partitionBy(*INSTRUCTION_KEY, "answers"))
    returned = F.filter("answers", lambda answer: answer.isNotNull())
    found = (
        ran.withColumns({name: F.col("ran")[name] for name in _RESULTS})
        .withColumn("tests", F.when(F.col(TESTS_STATUS).isNotNull(), F.col("tests")))
        .withColumn(SANDBOX_TIER, F.coalesce(F.col("ran")[SANDBOX_TIER], imported_by))
        .withColumn("agreeing", F.when(F.col("answers").isNotNull(), counts))
        .withColumn("agreement", F.col("agreeing") / config.roles.coder.samples)
        .withColumn("answered", F.size(returned))
        .withColumn("values", F.size(F.array_distinct(returned)))
        .withColumn("behaviour", F.when(F.col("values") >= _MIN_VALUES, behaviour_of("calls", "answers")))
        .drop("sample_code", "ran", "answers")
    )
    return (found.transform(_reject, this) if config.accepts_by_execution else found).drop("calls", "values")


def behaviour_of(calls: str, answers: str) -> Column:
    """Return a hash of the arguments of calls and of what they returned, an array of texts with nulls; null without.

    What is called is left out: it is the same function under another name.
    """
    arguments = F.transform(calls, lambda call: F.regexp_replace(call, r"^\w+", ""))
    said = F.transform(answers, lambda answer: F.coalesce(F.concat(F.lit("="), answer), F.lit("!")))
    return F.when(
        F.col(answers).isNotNull(),
        F.substring(
            F.sha2(F.concat_ws("\x1e", F.array_join(arguments, "\x1f"), F.array_join(said, "\x1f")), 256), 1, 32
        ),
    )


def reject_same_behaviour(rows: DataFrame, this: Round) -> DataFrame:
    """Where execution decides, reject the solution of an instruction that returns the same as an accepted pair's.

    Of several in one round the first is kept, in an order that is drawn.
    """
    if not this.run.config.accepts_by_execution:
        return rows
    known = (
        this.population.select("id", "behaviour")
        .unionByName(this.accepted.select("id", "behaviour"))
        .filter(F.col("behaviour").isNotNull())
        .groupBy("behaviour")
        .agg(F.min("id").alias("same_as"))
    )
    # Rows without one are told apart, or one task would have them all.
    key = F.coalesce("behaviour", "id")
    first = F.first("id").over(Window.partitionBy(key, not_rejected()).orderBy("content_hash", "id"))
    other = F.coalesce(
        "same_as", F.when(F.col("behaviour").isNotNull() & not_rejected() & (first != F.col("id")), first)
    )
    said = F.format_string("returns the same for all arguments that were drawn as the solution of %s", other)
    found = F.struct(F.lit(SAME_BEHAVIOUR).alias("reason"), said.alias("detail"))
    return (
        rows.withColumn("key", key)
        .join(known.withColumnRenamed("behaviour", "key"), "key", "left")
        .transform(reject, F.when(other.isNotNull(), found))
        .drop("key", "same_as")
    )


def _reject(rows: DataFrame, this: Round) -> DataFrame:
    """Reject what fails an example of its problem, and what agrees with no other solution."""
    failed = F.array_position(F.transform(TESTS_STATUS, lambda status: status == PASSED), False)
    test = F.get("tests", (failed - 1).cast("int"))
    status = F.get(TESTS_STATUS, (failed - 1).cast("int"))
    example = F.struct(
        F.lit(FAILED_TESTS).alias("reason"),
        F.format_string("the problem's example %s: %s", test, status).alias("detail"),
    )
    others = this.run.config.roles.coder.samples - 1
    said = (
        F.when(F.size("calls") == 0, F.lit("it defines no function of arguments that can be drawn"))
        .when(F.col("answered") == 0, F.lit("it returns no value for any of the arguments that were drawn"))
        .when(F.col("values") < _MIN_VALUES, F.lit("it returns the same for all arguments that were drawn"))
        .when(
            F.col("agreeing") < this.run.config.min_agreeing,
            F.format_string(
                f"%d of the other {others} solutions return the same, {this.run.config.min_agreeing - 1} are needed; it"
                " returned values for %d of %d calls",
                *(F.col("agreeing") - 1, F.col("answered"), F.size("calls")),
            ),
        )
    )
    disagreed = F.struct(F.lit("no_agreement").alias("reason"), said.alias("detail"))
    return rows.transform(reject, F.when(failed > 0, example)).transform(reject, F.when(said.isNotNull(), disagreed))
