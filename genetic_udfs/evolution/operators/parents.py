"""Draws the operator, the task and the parents of every slot.

A colony draws from the population at the generation's start and from what it has accepted itself since: the indexes
0..N-1 are population ordinals, N and above count the colony's own. Each draw is a hash of what it is for (draws.py).
Selection is uniform, or by tournaments: each parent is the best of several that were drawn uniformly (selection.py).
"""

from typing import Final

from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Config
from genetic_udfs.config.operators import CROSSOVER, MUTATION
from genetic_udfs.evolution.operators.draws import distinct_indexes, draw, index_below, unit, weighted_choice
from genetic_udfs.evolution.operators.selection import Scores

SLOT_KEY: Final = ("generation", "round", "colony", "slot")
# A mutation needs a parent below the depth cap: so many are drawn, the first that is below it is taken. With half of
# a population at the cap, 12 draws miss once in 4,096 slots; that slot is rejected as `depth_cap`, visibly.
_TRIES: Final = 12
# Up to so many slots, what they draw goes to every executor: 12 tries of some 100 bytes each, 60 MB in all.
_MAX_BROADCAST_SLOTS: Final = 50_000
# What decides among those that are drawn.
_CONTESTANT: Final = ("id", "depth", "fitness")
# The owner of what all colonies draw from.
_EVERYBODY: Final = -1
# The score of an individual that has none, such as the fitness of a seed, which no judge has seen: below all others.
_UNSCORED: Final = float("-inf")


def with_operator(slots: DataFrame, config: Config) -> DataFrame:
    """Add `operator` (mutation or crossover) and `task` (null for crossover) to each slot."""
    settings = config.operators
    # In an order of their own: the same weights in another order of the YAML file give the same tasks.
    weights = dict(sorted(settings.weights().items()))
    crosses = unit(_draw(config.seed, "operator")) < settings.crossover_share
    task = weighted_choice(unit(_draw(config.seed, "task")), weights)
    return slots.withColumn("operator", F.when(crosses, CROSSOVER).otherwise(MUTATION)).withColumn(
        "task", F.when(F.col("operator") == MUTATION, task)
    )


def with_parents(
    slots: DataFrame,
    population: DataFrame,
    own: DataFrame,
    size: int,
    config: Config,
    scores: Scores | None = None,
    *,
    count: int,
) -> DataFrame:
    """Add `parents`, an array of (id, instruction, depth): one for a mutation, the configured number for a crossover.

    What is drawn carries no text until the parents are chosen: a mutation has twelve tries or more.

    Args:
        slots: the slot key and `operator`.
        population: `ordinal` (0..size-1), `id`, `instruction`, `depth`, `fitness` (null counts as the lowest).
        own: what the colonies accepted since: `colony`, `index` (0.. within the colony), and the others but `ordinal`.
        size: number of individuals in `population`.
        config: the run's configuration.
        scores: what a tournament is decided by; fitness without it. It knows nothing of what colonies accepted since.
        count: number of slots. Unless they are very many, the population is not shuffled.

    Returns:
        The slots; `parents` is empty for a mutation that found no parent below `operators.max_depth`.
    """
    drawn = _drawn(slots, population, own, size, config, count)
    if scores is None:
        drawn = drawn.withColumnRenamed("fitness", "score")
    else:
        drawn = drawn.join(scores(drawn.select("id", "fitness").distinct()), "id", "left")
    texts = population.select("id", "instruction").unionByName(own.select("id", "instruction"))
    parents = (
        texts.join(_small_side(_winners(drawn, config), count), "id")
        .groupBy(*SLOT_KEY)
        .agg(F.sort_array(F.collect_list(F.struct("place", "id", "instruction", "depth"))).alias("parents"))
    )
    without_place = F.transform("parents", lambda parent: parent.dropFields("place"))
    return (
        slots.join(parents, [*SLOT_KEY], "left")
        .withColumn("parents", F.coalesce(without_place, F.array()))
        .select(*slots.columns, "parents")
    )


def _drawn(slots: DataFrame, population: DataFrame, own: DataFrame, size: int, config: Config, count: int) -> DataFrame:
    """Return who was drawn for each slot, with `position`, the place in the order in which they were."""
    everybody = F.lit(_EVERYBODY).alias("owner")
    members = population.select(everybody, F.col("ordinal").alias("index"), *_CONTESTANT).unionByName(
        own.select(F.col("colony").alias("owner"), (F.col("index") + size).alias("index"), *_CONTESTANT)
    )
    sizes = own.groupBy("colony").agg(F.count(F.lit(1)).alias("own"))
    pool = F.lit(size) + F.coalesce(F.col("own"), F.lit(0))
    drawn = (
        slots.join(F.broadcast(sizes), "colony", "left")
        .withColumn("indexes", _indexes(config, pool))
        .select(*SLOT_KEY, "operator", F.posexplode("indexes").alias("position", "index"))
        .withColumn("owner", F.when(F.col("index") < size, _EVERYBODY).otherwise(F.col("colony")))
    )
    return members.join(_small_side(drawn, count), ["owner", "index"])


def _winners(drawn: DataFrame, config: Config) -> DataFrame:
    """Return who becomes a parent of each slot, with `place` among its parents."""
    contestant = F.struct("position", "id", "depth", "score").alias("parent")
    gathered = (
        drawn.select(*SLOT_KEY, "operator", contestant)
        .groupBy(*SLOT_KEY, "operator")
        .agg(F.sort_array(F.collect_list("parent")).alias("parents"))
    )
    chosen = F.when(F.col("operator") == MUTATION, _mutated(config)).otherwise(_crossed(config))
    return gathered.select(*SLOT_KEY, F.posexplode(chosen).alias("place", "parent")).select(
        *SLOT_KEY, "place", "parent.id", "parent.depth"
    )


def _small_side(rows: DataFrame, slots: int) -> DataFrame:
    """Say how rows are joined with a population; Spark takes what is exploded for as small as what it came from."""
    return rows.hint("merge") if slots > _MAX_BROADCAST_SLOTS else F.broadcast(rows)


def _indexes(config: Config, pool: Column) -> Column:
    """Return what is drawn for a slot: for a crossover the contestants of each tournament, then different parents."""
    number, size = config.operators.crossover_parents, config.operators.tournament_size

    def drawn(purpose: str, times: int) -> Column:
        steps = F.sequence(F.lit(1), F.lit(times))
        return F.transform(steps, lambda step: index_below(_draw(config.seed, purpose, step), pool))

    different = distinct_indexes(lambda step: _draw(config.seed, "crossover", step), pool, number)
    if size is None:
        return F.when(F.col("operator") == CROSSOVER, different).otherwise(drawn("mutation", _TRIES))
    crossed = F.concat(drawn("tournament", number * size), different)
    return F.when(F.col("operator") == CROSSOVER, crossed).otherwise(drawn("mutation", _TRIES + size - 1))


def _mutated(config: Config) -> Column:
    """Choose, of what was drawn, the first below the depth cap, or the best of so many as a tournament has."""
    below_cap = F.filter("parents", lambda parent: parent["depth"] < config.operators.max_depth)
    size = config.operators.tournament_size
    if size is None:
        return F.slice(below_cap, 1, 1)
    return F.filter(F.array(_best(F.slice(below_cap, 1, size))), lambda parent: parent.isNotNull())


def _crossed(config: Config) -> Column:
    """Choose a crossover's parents: all that was drawn, or the winner of one tournament after another.

    Who is a parent already takes no part in later tournaments. Where that leaves nobody, which takes a tiny population,
    the first of the different ones that were drawn beside them becomes a parent.
    """
    number, size = config.operators.crossover_parents, config.operators.tournament_size
    if size is None:
        return F.col("parents")
    beside = F.lit(number * size)

    def add(chosen: Column, turn: Column) -> Column:
        def contests(parent: Column) -> Column:
            at = parent["position"]
            return (at >= turn * size) & (at < (turn + 1) * size) & _is_new(parent, chosen)

        spare = F.filter("parents", lambda parent: (parent["position"] >= beside) & _is_new(parent, chosen))
        return F.array_append(chosen, F.coalesce(_best(F.filter("parents", contests)), F.get(spare, F.lit(0))))

    nobody = F.filter("parents", lambda parent: F.lit(False))
    return F.aggregate(F.sequence(F.lit(0), F.lit(number - 1)), nobody, add)


def _is_new(parent: Column, chosen: Column) -> Column:
    return ~F.exists(chosen, lambda other: other["id"] == parent["id"])


def _best(contestants: Column) -> Column:
    """Return the one with the highest score, of equal ones the first that was drawn; null where there is none."""

    def ranked(parent: Column) -> Column:
        score = F.coalesce(parent["score"], F.lit(_UNSCORED))
        return F.struct(score.alias("score"), (-parent["position"]).alias("place"), parent.alias("parent"))

    return F.array_max(F.transform(contestants, ranked))["parent"]


def _draw(seed: int, purpose: str, *step: Column) -> Column:
    return draw(seed, purpose, *(F.col(name) for name in SLOT_KEY), *step)
