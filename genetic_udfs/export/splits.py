"""Splits of a data set that no lineage crosses: no pair's ancestor, and no descendant, is in another split.

Almost all pairs of a long run are relatives of each other by some crossover, so whole families cannot be kept apart. A
split therefore takes pairs without descendants, those with the fewest ancestors first, and their ancestors are in no
split: as few as possible are lost, and what is left is apart in both directions.
"""

import re
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.export.ranks import numbered
from genetic_udfs.export.selection import pairs_of
from genetic_udfs.runtime.checkpoint import Checkpoint

TRAIN: Final = "train"
# Ancestors that a pair of a split other than `train` may have: each costs the training split a pair.
MAX_ANCESTORS: Final = 8

_SPLIT: Final = re.compile(r"([A-Za-z][A-Za-z0-9_]*)=(\d*\.?\d+)")


def read_splits(given: Sequence[str]) -> dict[str, float]:
    """Read texts such as `test=0.02`: the names of splits and their shares of all pairs, without `train`.

    Raises:
        ConfigurationError: naming the one that is wrong.
    """
    shares: dict[str, float] = {}
    taken = {TRAIN: "is what the other splits leave", "all": "is what `datasets` calls all splits together"}
    for text in given:
        found = _SPLIT.fullmatch(text)
        share = float(found[2]) if found else 0.0
        if found is None or not 0 < share < 1:
            raise ConfigurationError(
                f"--split {text}: must be NAME=SHARE with a share above 0 and below 1, such as test=0.02"
            )
        folded = found[1].lower()  # files of names that differ by case alone are the same ones on some disks
        if folded in taken:
            raise ConfigurationError(f"--split {text}: {found[1]!r} {taken[folded]}; choose another name")
        taken[folded] = "is given twice"
        shares[found[1]] = share
    if sum(shares.values()) >= 1:
        raise ConfigurationError(f"--split: the shares sum up to {sum(shares.values()):g}, and leave nothing to train")
    return shares


def sizes_of(shares: Mapping[str, float], total: int) -> dict[str, int]:
    """Return how many of `total` pairs each split gets, one at least."""
    return {name: max(1, round(share * total)) for name, share in shares.items()}


def links_of(population: DataFrame) -> DataFrame:
    """Return who descends from whom, `child` and `parent` (ordinals), without seeds, which no data set holds.

    Args:
        population: `id`, `ordinal`, `generation` and `parents`.
    """
    pairs = pairs_of(population)
    known = pairs.select(F.col("id").alias("parent_id"), F.col("ordinal").alias("parent"))
    return (
        pairs.select(F.col("ordinal").alias("child"), F.explode("parents").alias("parent_id"))
        .join(known, "parent_id")
        .filter("parent < child")
        .select("child", "parent")
    )


def split_by_lineage(
    pairs: DataFrame, links: DataFrame, sizes: Mapping[str, int], seed: int, checkpoint: Checkpoint
) -> DataFrame:
    """Assign pairs to splits.

    Args:
        pairs: `ordinal` of each pair of the data set, once.
        links: as of `links_of`, of the whole population: an ancestor that is not in the data set leads to others.
        sizes: how many pairs each split other than `train` gets.
        seed: decides among pairs with as many ancestors.
        checkpoint: given rows and a name, stores them and returns what to read.

    Returns:
        `ordinal` and `split`, which is null for pairs that are in none because they are ancestors of one in a split.

    Raises:
        ConfigurationError: if so many pairs cannot be split off.
    """
    leaves = checkpoint(_without_descendants(pairs, links, checkpoint), "leaves")
    reached, barred = _ancestors(leaves, links, checkpoint)
    own = reached.join(pairs.select(F.col("ordinal").alias("ancestor")), "ancestor", "left_semi")
    costs = own.groupBy("leaf").agg(F.count(F.lit(1)).alias("cost"))
    order = F.xxhash64(F.lit(seed), F.lit("split"), "leaf")
    wanted = sum(sizes.values())
    chosen = checkpoint(
        leaves.join(barred, "leaf", "left_anti")
        .join(costs, "leaf", "left")
        .select("leaf", F.coalesce("cost", F.lit(0)).alias("cost"), order.alias("order"))
        .orderBy("cost", "order")
        .limit(wanted),
        "chosen",
    )
    if (there := chosen.count()) < wanted:
        asked = ", ".join(f"{name}: {size}" for name, size in sizes.items())
        raise ConfigurationError(
            f"--split: {wanted} pairs are wanted ({asked}), and {there} have no descendants here and at most"
            f" {MAX_ANCESTORS} ancestors; ask for a smaller share"
        )
    # By another order than that in which they were chosen, so that no split has all those with few ancestors.
    placed = numbered(chosen.select("leaf", "order"), ["order", "leaf"], "places", checkpoint)
    ends = list(accumulate(sizes.values()))
    split = F.coalesce(*(F.when(F.col("rank") < end, name) for name, end in zip(sizes, ends, strict=True)))
    assigned = placed.select(F.col("leaf").alias("ordinal"), split.alias("split"))
    lost = reached.join(chosen.select("leaf"), "leaf", "left_semi").select(F.col("ancestor").alias("ordinal"))
    return (
        pairs.select("ordinal")
        .join(assigned, "ordinal", "left")
        .join(lost.distinct().withColumn("lost", F.lit(True)), "ordinal", "left")
        .select("ordinal", F.coalesce("split", F.when(F.col("lost").isNull(), TRAIN)).alias("split"))
    )


def _without_descendants(pairs: DataFrame, links: DataFrame, checkpoint: Checkpoint) -> DataFrame:
    """Return `leaf`, the pairs from which none of the pairs descends, be it by way of others."""
    children = pairs.select(F.col("ordinal").alias("child"))
    marked, through, level = None, children, 0
    while marked is None or not through.isEmpty():
        parents = links.join(through, "child", "left_semi").select("parent").distinct()
        new = parents if marked is None else parents.join(marked, "parent", "left_anti")
        new = checkpoint(new, f"parents-{level}")
        marked = new if marked is None else marked.unionByName(new)
        # Lineages go on through those that are not in the data set; the parents of the others are marked already.
        through, level = new.withColumnRenamed("parent", "child").join(children, "child", "left_anti"), level + 1
    leaf = pairs.select(F.col("ordinal").alias("leaf"))
    return leaf.join(marked.withColumnRenamed("parent", "leaf"), "leaf", "left_anti")


def _ancestors(leaves: DataFrame, links: DataFrame, checkpoint: Checkpoint) -> tuple[DataFrame, DataFrame]:
    """Return `leaf` and `ancestor`, once each, and `leaf` of those that have more than `MAX_ANCESTORS`.

    Of the latter not all ancestors are among the former.
    """
    above = links.withColumnsRenamed({"child": "ancestor", "parent": "next"})
    reached = leaves.select("leaf", F.lit(None).cast("long").alias("ancestor")).limit(0)
    barred, frontier, level = leaves.limit(0), leaves.select("leaf", F.col("leaf").alias("ancestor")), 0
    while True:
        found = frontier.join(above, "ancestor").select("leaf", F.col("next").alias("ancestor")).distinct()
        new = checkpoint(found.join(reached, ["leaf", "ancestor"], "left_anti"), f"ancestors-{level}")
        # A leaf that it goes on with gains an ancestor in each step, so there are no more steps than ancestors.
        if new.isEmpty():
            return reached, barred
        reached = reached.unionByName(new)
        sizes = reached.groupBy("leaf").agg(F.count(F.lit(1)).alias("size"))
        barred = sizes.filter(F.col("size") > MAX_ANCESTORS).select("leaf")
        frontier, level = new.join(barred, "leaf", "left_anti"), level + 1
