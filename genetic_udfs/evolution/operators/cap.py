"""How many of a round's slots may be used, where a generation's candidates are limited (`max_candidates`)."""

from collections.abc import Mapping

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from genetic_udfs.config import Config
from genetic_udfs.config.operators import CROSSOVER
from genetic_udfs.evolution.operators.parents import with_operator
from genetic_udfs.evolution.operators.slots import slots


def max_candidates_per_slot(config: Config) -> tuple[int, int]:
    """Return how many candidates a mutation's and a crossover's slot bear at most.

    Each instruction becomes as many as the Coder gives solutions, and one more if one of them is repaired; what a
    crossover's reply holds beyond the instructions asked for is one.
    """
    coder = config.roles.coder
    each = coder.samples + (1 if coder.repair else 0)
    return each, config.operators.crossover_instructions * each + 1


def within_cap(
    spark: SparkSession, counts: Mapping[int, int], room: int, generation: int, round_: int, config: Config
) -> dict[int, int]:
    """Cut the slots of a round so that its candidates fit into the room that is left, whatever the replies hold.

    Which slots are crossovers is drawn, and so known before anything is asked. Colonies take turns.

    Args:
        spark: the session.
        counts: how many slots each colony would have.
        room: how many candidates the round may have at most.
        generation: part of what is drawn for a slot.
        round_: as well.
        config: the run's configuration.

    Returns:
        How many slots each colony has; a colony without any is left out.
    """
    of_mutation, of_crossover = max_candidates_per_slot(config)
    if sum(counts.values()) * max(of_mutation, of_crossover) <= room:
        return dict(counts)
    bears = F.when(F.col("operator") == CROSSOVER, of_crossover).otherwise(of_mutation)
    so_far = F.sum(bears).over(Window.orderBy("slot", "colony").rowsBetween(Window.unboundedPreceding, 0))
    within_room = (
        slots(spark, counts, generation, round_)
        .transform(with_operator, config)
        .withColumn("so_far", so_far)
        .filter(F.col("so_far") <= room)
    )
    return {row["colony"]: row["count"] for row in within_room.groupBy("colony").count().orderBy("colony").collect()}
