"""Draws the operator, the task and the parents of every slot.

A colony draws from the population at the generation's start and from what it has accepted itself since: the indexes
0..N-1 are population ordinals, N and above count the colony's own. Each draw is a hash of what it is for (draws.py).
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Config
from genetic_udfs.draws import distinct_indexes, draw, index_below, unit, weighted_choice
from genetic_udfs.schema import CROSSOVER, MUTATION

SLOT_KEY: Final = ("generation", "round", "colony", "slot")
# A mutation needs a parent below the depth cap: so many are drawn, the first that is below it is taken. With half of
# a population at the cap, 12 draws miss once in 4,096 slots; that slot is rejected as `depth_cap`, visibly.
_TRIES: Final = 12


def with_operator(slots: DataFrame, config: Config) -> DataFrame:
    """Add `operator` (mutation or crossover) and `task` (null for crossover) to each slot."""
    settings = config.operators
    weights = {str(task): weight for task, weight in settings.mutation_tasks.items()}
    crosses = unit(_draw(config.seed, "operator")) < settings.crossover_share
    task = weighted_choice(unit(_draw(config.seed, "task")), weights)
    return slots.withColumn("operator", F.when(crosses, CROSSOVER).otherwise(MUTATION)).withColumn(
        "task", F.when(F.col("operator") == MUTATION, task)
    )


def with_parents(slots: DataFrame, population: DataFrame, own: DataFrame, size: int, config: Config) -> DataFrame:
    """Add `parents`, an array of (id, instruction, depth): one for a mutation, the configured number for a crossover.

    Args:
        slots: the slot key and `operator`.
        population: `ordinal` (0..size-1), `id`, `instruction`, `depth`.
        own: what the colonies accepted since: `colony`, `index` (0.. within the colony), `id`, `instruction`, `depth`.
        size: number of individuals in `population`.
        config: the run's configuration.

    Returns:
        The slots; `parents` is empty for a mutation that found no parent below `operators.max_depth`.
    """
    sizes = own.groupBy("colony").agg(F.count(F.lit(1)).alias("own"))
    pool = F.lit(size) + F.coalesce(F.col("own"), F.lit(0))
    drawn = (
        slots.join(F.broadcast(sizes), "colony", "left")
        .withColumn("indexes", _indexes(config, pool))
        .select(*slots.columns, F.posexplode("indexes").alias("position", "index"))
    )
    individual = F.struct("position", "id", "instruction", "depth").alias("parent")
    from_population = drawn.filter(F.col("index") < size).join(
        population.select(F.col("ordinal").alias("index"), "id", "instruction", "depth"), "index"
    )
    from_own = drawn.filter(F.col("index") >= size).join(
        own.select("colony", (F.col("index") + size).alias("index"), "id", "instruction", "depth"),
        ["colony", "index"],
    )
    found = from_population.select(*slots.columns, individual).unionByName(from_own.select(*slots.columns, individual))
    gathered = found.groupBy(*slots.columns).agg(F.sort_array(F.collect_list("parent")).alias("parents"))
    below_cap = F.filter("parents", lambda parent: parent["depth"] < config.operators.max_depth)
    chosen = F.when(F.col("operator") == MUTATION, F.slice(below_cap, 1, 1)).otherwise(F.col("parents"))
    return gathered.withColumn("parents", F.transform(chosen, lambda parent: parent.dropFields("position")))


def _indexes(config: Config, pool: Column) -> Column:
    several = distinct_indexes(
        lambda step: _draw(config.seed, "crossover", step), pool, config.operators.crossover_parents
    )
    tries = F.transform(
        F.sequence(F.lit(1), F.lit(_TRIES)),
        lambda step: index_below(_draw(config.seed, "mutation", step), pool),
    )
    return F.when(F.col("operator") == CROSSOVER, several).otherwise(tries)


def _draw(seed: int, purpose: str, *step: Column) -> Column:
    return draw(seed, purpose, *(F.col(name) for name in SLOT_KEY), *step)
