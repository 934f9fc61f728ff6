"""How many of a round's slots may be used, where a generation's candidates are limited (`max_candidates`)."""

from collections.abc import Mapping

from pyspark.sql import SparkSession, Window
from pyspark.sql import functions as F

from genetic_udfs.config import Config
from genetic_udfs.operators.parents import with_operator
from genetic_udfs.operators.slots import slots
from genetic_udfs.schema import CROSSOVER


def most_candidates(config: Config) -> int:
    """Return how many candidates a crossover's slot bears at most: those asked for, and one for what is beyond."""
    return config.operators.crossover_instructions + 1


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
    if sum(counts.values()) * most_candidates(config) <= room:
        return dict(counts)
    bears = F.when(F.col("operator") == CROSSOVER, most_candidates(config)).otherwise(1)
    so_far = F.sum(bears).over(Window.orderBy("slot", "colony").rowsBetween(Window.unboundedPreceding, 0))
    kept = (
        slots(spark, counts, generation, round_)
        .transform(with_operator, config)
        .withColumn("so_far", so_far)
        .filter(F.col("so_far") <= room)
    )
    return {row["colony"]: row["count"] for row in kept.groupBy("colony").count().orderBy("colony").collect()}
