"""Two stores side by side: their sizes, what was accepted and why not, what a pair cost, what they have in common.

Only generations that are finished count: of one under way, tables have what was committed so far.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from pyspark.sql import Column
from pyspark.sql import functions as F

from genetic_udfs.reporting.labels import operator_label
from genetic_udfs.store.presence import finished_generation
from genetic_udfs.store.schema import ACCEPTED, CANDIDATES, POPULATION, REJUDGE, REPLIES
from genetic_udfs.store.tables import Store


@dataclass(frozen=True)
class StoreSummary:
    """What is compared of a store; seeds are counted apart from pairs.

    `reasons` are rejected candidates by reason, `operators` candidates and accepted ones by operator and task; tokens
    and seconds are the requests' own.
    """

    root: str
    generations: int
    seeds: int
    pairs: int
    candidates: int
    accepted: int
    fitness: float | None
    reasons: Mapping[str, int]
    operators: Mapping[str, tuple[int, int]]
    tokens: int
    request_seconds: float


@dataclass(frozen=True)
class Overlap:
    """How many instructions two stores share by content hash, among seeds and among pairs, and how many pairs by id."""

    seeds: int
    pairs: int
    same_ids: int


def summarize_store(store: Store, last: int | None = None) -> StoreSummary:
    """Return what is compared of a store's generations up to the `last`, by default the last that is finished.

    Raises:
        StoreError: if it is no store.
    """
    last = finished_generation(store) if last is None else last
    up_to = F.col("generation") <= last
    is_seed = F.col("generation") == 0
    (people,) = (
        store.read(POPULATION)
        .filter(up_to)
        .agg(F.count_if(is_seed).alias("seeds"), F.count_if(~is_seed).alias("pairs"), F.avg("fitness").alias("fitness"))
        .collect()
    )
    groups = (
        store.read(CANDIDATES)
        .filter(up_to)
        .groupBy("operator", "task", "reason")
        .agg(F.count(F.lit(1)).alias("number"), F.count_if(F.col("status") == ACCEPTED).alias("accepted"))
        .collect()
    )
    reasons: dict[str, int] = {}
    operators: dict[str, tuple[int, int]] = {}
    for row in groups:
        if row["reason"] is not None:
            reasons[row["reason"]] = reasons.get(row["reason"], 0) + row["number"]
        name = operator_label(row["operator"], row["task"])
        asked, accepted = operators.get(name, (0, 0))
        operators[name] = (asked + row["number"], accepted + row["accepted"])
    tokens = F.sum(F.coalesce("prompt_tokens", F.lit(0)) + F.coalesce("completion_tokens", F.lit(0)))
    replies = store.read(REPLIES).filter(up_to & (F.col("role") != REJUDGE))
    (cost,) = replies.agg(tokens.alias("tokens"), F.sum("seconds").alias("seconds")).collect()
    return StoreSummary(
        root=store.root,
        generations=last,
        seeds=people["seeds"],
        pairs=people["pairs"],
        candidates=sum(asked for asked, _ in operators.values()),
        accepted=sum(accepted for _, accepted in operators.values()),
        fitness=people["fitness"],
        reasons=reasons,
        operators=operators,
        tokens=cost["tokens"] or 0,
        request_seconds=cost["seconds"] or 0.0,
    )


def overlap(one: Store, other: Store, lasts: tuple[int, int]) -> Overlap:
    """Return what two stores have in common up to the last generation of each; a fork shares ids with its origin."""
    columns: list[Column | str] = ["content_hash", (F.col("generation") == 0).alias("is_seed")]
    populations = [
        store.read(POPULATION).filter(F.col("generation") <= last)
        for store, last in zip((one, other), lasts, strict=True)
    ]
    mine, theirs = (population.select(*columns).distinct() for population in populations)
    shared = mine.join(theirs, ["content_hash", "is_seed"])
    (both,) = shared.agg(F.count_if("is_seed").alias("seeds"), F.count_if(~F.col("is_seed")).alias("pairs")).collect()
    my_pairs, their_pairs = (population.filter("generation > 0").select("id") for population in populations)
    same = my_pairs.join(their_pairs, "id").count()
    return Overlap(both["seeds"], both["pairs"], same)
