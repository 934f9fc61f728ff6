"""How hard an instruction is, as far as its solutions tell: how many of the Coder's samples pass its tests."""

from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.evolution.round import Round
from genetic_udfs.sandbox.spark import PASS_RATE
from genetic_udfs.store.schema import INSTRUCTION_KEY

# Why a solution that no test was run of would have passed none.
_NO_SOLUTION: Final = ("no_code", "syntax_error", "truncated", "entry_point_missing", "does_not_run")


def with_solve_rate(rows: DataFrame, this: Round) -> DataFrame:
    """Add `solve_rate`: the share of the Coder's samples of an instruction that pass all of its tests.

    It counts samples of which this is known: those that tests were run of, and those that are no solution at all. What
    the Judge or a test set has refused before, or an engine has not answered, says nothing. It is null without tests
    that count. A repaired solution has that of the samples before it.
    """
    config = this.run.config
    if this.attempt > 1 or (config.roles.tester is None and not config.compares_solutions):
        return rows
    of_instruction = Window.partitionBy(*INSTRUCTION_KEY)
    tested = F.count(PASS_RATE).over(of_instruction)
    solved = F.count_if(F.col(PASS_RATE) >= 1.0).over(of_instruction)
    none = F.count_if(F.col(PASS_RATE).isNull() & F.col("reason").isin(*_NO_SOLUTION)).over(of_instruction)
    return rows.withColumn("solve_rate", F.when(tested > 0, solved / (tested + none)))
