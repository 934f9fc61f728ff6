"""Preference pairs: of several solutions of one instruction, the accepted one and the worst of those that did worse."""

from typing import Final

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.export.formats import (
    REJECTED_CODE,
    REJECTED_FITNESS,
    REJECTED_ID,
    REJECTED_PASS_RATE,
    REJECTED_REASONING,
    REJECTED_RESPONSE,
)
from genetic_udfs.store.schema import INSTRUCTION_KEY, REJECTED

_REJECTED: Final = (
    REJECTED_ID,
    REJECTED_RESPONSE,
    REJECTED_CODE,
    REJECTED_REASONING,
    REJECTED_PASS_RATE,
    REJECTED_FITNESS,
)


def worse_solutions(pairs: DataFrame, candidates: DataFrame) -> DataFrame:
    """Return the solutions that did worse than the accepted one of their instruction.

    A solution did worse if it passed fewer of the tests, or as many and has a lower fitness; what neither tests nor a
    fitness tell apart is no preference.

    Args:
        pairs: rows of the population.
        candidates: rows of `candidates`.

    Returns:
        `id` of the pair, `solution`, and the columns of the worse solution.
    """
    place = candidates.select("id", *INSTRUCTION_KEY)
    others = (
        candidates.filter(F.col("status") == REJECTED)
        .filter(F.col("response").isNotNull() & (F.trim("response") != ""))
        .select(
            *INSTRUCTION_KEY, "solution", *(F.col(name.removeprefix("rejected_")).alias(name) for name in _REJECTED)
        )
    )
    passes = F.col("pass_rate").eqNullSafe(F.col(REJECTED_PASS_RATE))
    worse = (F.col(REJECTED_PASS_RATE) < F.col("pass_rate")) | (passes & (F.col(REJECTED_FITNESS) < F.col("fitness")))
    scores = pairs.select("id", "response", "pass_rate", "fitness")
    return (
        scores.join(place, "id")
        .join(others, list(INSTRUCTION_KEY))
        .filter(worse & (F.col("response") != F.col(REJECTED_RESPONSE)))
        .select("id", "solution", *_REJECTED)
    )


def with_rejected(pairs: DataFrame, worse: DataFrame, contaminated: DataFrame) -> DataFrame:
    """Return the pairs that have a worse solution, with the columns of one.

    It is the worst of those that hold no test item, of equals the first. Where all hold one it is one of these, so that
    the pair is found and counted as others are.

    Args:
        pairs: rows of the population.
        worse: as of `worse_solutions`.
        contaminated: `id` of the worse solutions that hold a test item.
    """
    tainted = contaminated.select(F.col("id").alias(REJECTED_ID), F.lit(True).alias("tainted")).distinct()
    worst_first = Window.partitionBy("id").orderBy(
        F.col("tainted").asc_nulls_first(),
        F.col(REJECTED_PASS_RATE).asc_nulls_last(),
        F.col(REJECTED_FITNESS).asc_nulls_last(),
        "solution",
        REJECTED_ID,
    )
    worst = (
        worse.join(tainted, REJECTED_ID, "left")
        .withColumn("at", F.row_number().over(worst_first))
        .filter(F.col("at") == 1)
        .select("id", *_REJECTED)
    )
    return pairs.drop(*_REJECTED).join(worst, "id")
