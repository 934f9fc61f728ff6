"""Preference pairs: of several solutions of one instruction, the accepted one and the worst of those that did worse."""

from pyspark.sql import DataFrame, Window
from pyspark.sql import functions as F

from genetic_udfs.export.formats import (
    REJECTED_CODE,
    REJECTED_FITNESS,
    REJECTED_ID,
    REJECTED_PASS_RATE,
    REJECTED_RESPONSE,
)
from genetic_udfs.store.schema import INSTRUCTION_KEY, REJECTED


def with_rejected(pairs: DataFrame, candidates: DataFrame) -> DataFrame:
    """Return the pairs that have another solution which did worse, with that one's columns.

    A solution did worse if it passed fewer of the tests, or as many and has a lower fitness; what neither tests nor a
    fitness tell apart is no preference. Of several the worst is taken, of equals the first.

    Args:
        pairs: rows of the population.
        candidates: rows of `candidates`.
    """
    place = candidates.select("id", *INSTRUCTION_KEY)
    others = (
        candidates.filter(F.col("status") == REJECTED)
        .filter(F.col("response").isNotNull() & (F.trim("response") != ""))
        .select(
            *INSTRUCTION_KEY,
            "solution",
            F.col("id").alias(REJECTED_ID),
            F.col("response").alias(REJECTED_RESPONSE),
            F.col("code").alias(REJECTED_CODE),
            F.col("pass_rate").alias(REJECTED_PASS_RATE),
            F.col("fitness").alias(REJECTED_FITNESS),
        )
    )
    passes = F.col("pass_rate").eqNullSafe(F.col(REJECTED_PASS_RATE))
    worse = (F.col(REJECTED_PASS_RATE) < F.col("pass_rate")) | (passes & (F.col(REJECTED_FITNESS) < F.col("fitness")))
    worst_first = Window.partitionBy("id").orderBy(
        F.col(REJECTED_PASS_RATE).asc_nulls_last(), F.col(REJECTED_FITNESS).asc_nulls_last(), "solution", REJECTED_ID
    )
    scores = pairs.select("id", "response", "pass_rate", "fitness")
    worst = (
        scores.join(place, "id")
        .join(others, list(INSTRUCTION_KEY))
        .filter(worse & (F.col("response") != F.col(REJECTED_RESPONSE)))
        .withColumn("at", F.row_number().over(worst_first))
        .filter("at = 1")
        .select("id", REJECTED_ID, REJECTED_RESPONSE, REJECTED_CODE, REJECTED_PASS_RATE, REJECTED_FITNESS)
    )
    return pairs.join(worst, "id")
