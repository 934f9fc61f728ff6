"""Splits by lineage: what is asked for, and that no lineage crosses them, on a family drawn at random."""

import random

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.export.splits import MAX_ANCESTORS, links_of, read_splits, sizes_of, split_by_lineage


def test_a_split_is_a_name_and_a_share() -> None:
    assert read_splits(["test=0.02", "validation=.1"]) == {"test": 0.02, "validation": 0.1}
    assert sizes_of({"test": 0.02, "validation": 0.001}, 200) == {"test": 4, "validation": 1}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["test"], "must be NAME=SHARE"),
        (["test=2"], "above 0 and below 1"),
        (["test=0"], "above 0 and below 1"),
        (["../x=0.1"], "must be NAME=SHARE"),
        (["train=0.5"], "is what the other splits leave"),
        (["Train=0.5"], "is what the other splits leave"),
        (["all=0.1"], "is what `datasets` calls all splits together; choose another name"),
        (["ALL=0.1"], "is what `datasets` calls all splits together"),
        (["test=0.1", "Test=0.1"], "is given twice"),
        (["a=0.5", "b=0.5"], "leave nothing to train"),
    ],
)
def test_what_is_no_split_is_named(given: list[str], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read_splits(given)


def family(seed: int, size: int) -> dict[int, list[int]]:
    """Parents by ordinal; the first 20 are seeds, the others have one to three parents among all before them."""
    draws = random.Random(seed)
    parents: dict[int, list[int]] = {ordinal: [] for ordinal in range(20)}
    for ordinal in range(20, size):
        parents[ordinal] = draws.sample(range(ordinal), draws.choice([1, 1, 3]))
    return parents


def ancestors(parents: dict[int, list[int]], ordinal: int) -> set[int]:
    found: set[int] = set()
    waiting = list(parents[ordinal])
    while waiting:
        one = waiting.pop()
        if one not in found and parents[one]:
            found.add(one)
            waiting += parents[one]
    return found


def test_no_lineage_crosses_the_splits(spark: SparkSession) -> None:
    parents = family(seed=5, size=200)
    rows = [(f"i{n}", n, 1 if of else 0, [f"i{p}" for p in of]) for n, of in parents.items()]
    links = links_of(spark.createDataFrame(rows, "id string, ordinal long, generation int, parents array<string>"))
    draws = random.Random(1)
    exported = [n for n, of in parents.items() if of and draws.random() < 0.7]  # lineages go on through the others
    pairs = spark.createDataFrame([(n,) for n in exported], "ordinal long")

    sizes = {"test": 6, "validation": 3}
    found = split_by_lineage(pairs, links.cache(), sizes, 1, lambda rows, name: rows.localCheckpoint())
    of = {row.ordinal: row.split for row in found.collect()}
    assert sorted(of) == exported
    sides = {name: {n for n, split in of.items() if split == name} for name in ("train", "test", "validation", None)}
    assert (len(sides["test"]), len(sides["validation"])) == (6, 3)
    above = {n: ancestors(parents, n) & set(exported) for n in exported}
    for n, split in of.items():
        assert split is None or {of[ancestor] for ancestor in above[n]} <= {split, None}, n
    apart = sides["test"] | sides["validation"]
    assert sides[None] == set().union(*(above[n] for n in apart))
    assert max(len(ancestors(parents, n)) for n in apart) <= MAX_ANCESTORS
