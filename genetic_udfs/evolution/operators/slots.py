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

# A colony's slots that one task draws for, and whose accepted candidates one task orders.
SLOTS_A_TASK: Final = 50_000

_RANGES: Final = StructType([StructField(name, IntegerType()) for name in ("colony", "first", "last")])


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
    ranges = [
        {"colony": colony, "first": first, "last": min(first + SLOTS_A_TASK, count) - 1}
        for colony, count in sorted(counts.items())
        for first in range(0, count, SLOTS_A_TASK)
    ]
    return local_frame(spark, ranges, _RANGES).select(
        F.lit(generation).alias("generation"),
        F.lit(round_).alias("round"),
        "colony",
        F.explode(F.sequence("first", "last")).alias("slot"),
    )
