"""The quota of each colony: of the candidates that pass every stage of a round, the first in the order of slots."""

from collections.abc import Mapping
from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import LongType, StructField, StructType

from genetic_udfs.evolution.round import Round, not_rejected, reject
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store.schema import ACCEPTED, CANDIDATES_SCHEMA, OVER_QUOTA, REJECTED

# The last candidate that a colony accepts in a round, where it has more.
_ENDS: Final = StructType(
    [
        CANDIDATES_SCHEMA["colony"],
        StructField("last", StructType([CANDIDATES_SCHEMA["slot"], CANDIDATES_SCHEMA["item"]])),
        StructField("needed", LongType()),
    ]
)


def passed_by_colony(this: Round) -> dict[str, Column]:
    """Return how many of a round's candidates have passed, under the number of each colony that has slots."""
    return {str(colony): F.count_if((F.col("colony") == colony) & not_rejected()) for colony in this.slots}


def accept(candidates: DataFrame, passed: Mapping[int, int], needed: Mapping[int, int]) -> DataFrame:
    """Accept up to what each colony needs, in the order of slots; the surplus is `over_quota`.

    Args:
        candidates: with the columns of `candidates`.
        passed: how many of each colony have passed every stage.
        needed: how many each colony lacks.
    """
    last = _last_accepted(candidates, {colony: needed[colony] for colony in passed if passed[colony] > needed[colony]})
    if last:
        rows = [{"colony": colony, "last": place, "needed": needed[colony]} for colony, place in last.items()]
        ends = F.broadcast(local_frame(candidates.sparkSession, rows, _ENDS))
        surplus = F.struct(
            F.lit(OVER_QUOTA).alias("reason"),
            F.format_string("the colony needed %d more", "needed").alias("detail"),
        )
        is_later = F.struct("slot", "item") > F.col("last")
        rejected = candidates.join(ends, "colony", "left").transform(reject, F.when(is_later, surplus))
        candidates = rejected.select(*candidates.columns)
    return candidates.withColumn("status", F.when(not_rejected(), ACCEPTED).otherwise(REJECTED))


def _last_accepted(candidates: DataFrame, needed: Mapping[int, int]) -> dict[int, dict[str, int]]:
    """Return `slot` and `item` of the last candidate that some colonies need, in the order of slots.

    One task looks at a colony, so that it gets the keys of its rows alone.
    """
    if not needed:
        return {}
    number = F.coalesce(*(F.when(F.col("colony") == colony, count) for colony, count in needed.items()))
    places = F.sort_array(F.collect_list(F.struct("slot", "item")))
    found = (
        candidates.filter(not_rejected() & F.col("colony").isin(*needed))
        .groupBy("colony")
        .agg(places.alias("places"))
        .select("colony", F.get("places", number - 1).alias("last"))
    )
    return {row["colony"]: row["last"].asDict() for row in found.collect()}
