"""How many offspring a round asks for. A slot is one request to the Instructor, for one colony."""

import math
from collections.abc import Mapping
from typing import Final

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import IntegerType, StructField, StructType

from genetic_udfs.runtime.arrow import local_frame

# A yield that was seen to be tiny would ask for a flood; surplus is money spent on pairs over the quota.
_MIN_YIELD: Final = 0.1

_COUNTS: Final = StructType([StructField("colony", IntegerType()), StructField("slots", IntegerType())])


def quotas(samples: int, colonies: int) -> dict[int, int]:
    """Share out a generation's samples: equal parts, the first colonies taking one more where it does not divide."""
    share, rest = divmod(samples, colonies)
    return {colony: share + (colony < rest) for colony in range(colonies)}


def slots_by_colony(
    needed: Mapping[int, float], accepted: float, used: int, before: tuple[float, int] = (0, 0)
) -> dict[int, int]:
    """Return how many slots each colony gets, so that it is expected to reach what it still needs.

    `accepted` of `used` slots have borne a pair in this generation so far, over all colonies, and `before` says the
    same of the generation before, by which its first round goes. Where nothing is known, a slot is taken to bear one.
    """
    passed, taken = (accepted, used) if used else before
    observed = passed / taken if taken else 1.0
    rate = min(max(observed, _MIN_YIELD), 1.0)
    return {colony: math.ceil(count / rate) for colony, count in needed.items() if count > 0}


def slots(spark: SparkSession, counts: Mapping[int, int], generation: int, round_: int) -> DataFrame:
    """Return one row for each slot: `generation`, `round`, `colony`, `slot` (0.. within the colony)."""
    rows = local_frame(spark, [{"colony": colony, "slots": count} for colony, count in sorted(counts.items())], _COUNTS)
    return rows.select(
        F.lit(generation).alias("generation"),
        F.lit(round_).alias("round"),
        "colony",
        F.explode(F.sequence(F.lit(0), F.col("slots") - 1)).alias("slot"),
    )
