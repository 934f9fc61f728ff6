"""Computes a report's figures with Spark: a scan or two of each table, of which only counts and the draws come back."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from genetic_udfs.reporting.amounts import money_of
from genetic_udfs.reporting.report.figures import (
    BINS,
    CONFIGURATION_LETTERS,
    MAX_STAGES,
    RELATIVE_LETTERS,
    Cost,
    Distance,
    Diversity,
    GenerationFigures,
    Length,
    Outcome,
    Seed,
    Stage,
    StoreFigures,
    Use,
)
from genetic_udfs.reporting.report.samples import drawn_samples
from genetic_udfs.store.costs import by_stage
from genetic_udfs.store.presence import last_generation, require
from genetic_udfs.store.schema import (
    ACCEPTED,
    CANDIDATES,
    CONTAMINATED,
    GENERATIONS,
    POPULATION,
    REJUDGE,
    REPLIES,
    RUNS,
    SEMANTIC_DUPLICATE,
)
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store

_SEEDS: Final = 15
_ITEMS: Final = 20  # of test sets
_ITEM_LETTERS: Final = 200


def read_figures(store: Store, samples: int) -> StoreFigures:
    """Return what a report shows of a store's finished generations.

    Args:
        store: the store.
        samples: how many accepted pairs, and how many rejected candidates, are drawn.

    Raises:
        StoreError: if the store has no finished generation but the seeds, or files of it are gone.
    """
    up_to = F.col("generation") <= last_generation(store)
    require(store, CANDIDATES)
    with translate_table_errors():
        return _figures(store, up_to, samples)


def _figures(store: Store, up_to: Column, samples: int) -> StoreFigures:
    candidates = store.read_complete(CANDIDATES).filter(up_to)
    population = store.read_complete(POPULATION).filter(up_to)
    replies = store.read_complete(REPLIES).filter(up_to & (F.col("role") != REJUDGE))
    generations = store.read_complete(GENERATIONS).filter(up_to).orderBy("generation").collect()
    runs = {row["run_id"]: row for row in store.read(RUNS).collect()}
    last = runs.get(generations[-1]["run_id"])
    return StoreFigures(
        root=store.root,
        configuration=last["configuration"][:CONFIGURATION_LETTERS] if last else "",
        versions=dict(sorted((last["versions"] or {}).items())) if last else {},
        generations=[
            GenerationFigures(
                row["generation"],
                row["asked"],
                row["accepted"] if row["generation"] else 0,
                row["shortfall"],
                row["population_size"],
                row["seconds"],
            )
            for row in generations
        ],
        outcomes=_outcomes(candidates),
        fitness=_fitness(candidates),
        similarities=_bins(
            candidates.filter(F.col("similarity").isNotNull() & (F.col("reason") != SEMANTIC_DUPLICATE)),
            F.col("similarity"),
        ),
        contaminated=_contaminated(candidates),
        audits=[
            (row["generation"], row["audit"]["pairs"], row["audit"]["caught"]) for row in generations if row["audit"]
        ],
        diversity=[_diversity(row["generation"], row["diversity"]) for row in generations if row["diversity"]],
        costs=[_cost(row["generation"], cost) for row in generations for cost in row["costs"] or []],
        stages=_stages(replies),
        uses=[use for row in generations for use in _uses(row["generation"], row["engines"] or [])],
        models=_models(replies),
        lengths=_lengths(population.filter("generation > 0")),
        depths={
            (row["generation"], row["depth"]): row["count"]
            for row in population.filter("generation > 0").groupBy("generation", "depth").count().collect()
        },
        seeds=_seeds(population, candidates),
        samples=drawn_samples(population, candidates, samples),
    )


def _outcomes(candidates: DataFrame) -> list[Outcome]:
    rows = (
        candidates.groupBy("generation", "operator", "task", "reason")
        .agg(
            F.count(F.lit(1)).alias("number"),
            F.sum("fitness").alias("fitness"),
            F.count("fitness").alias("rated"),
            F.count("judge_request").alias("judged"),
        )
        .orderBy("generation", "operator", "task", "reason")
        .collect()
    )
    return [
        Outcome(
            row["generation"],
            row["operator"],
            row["task"],
            row["reason"],
            row["number"],
            row["fitness"] or 0.0,
            row["rated"],
            row["judged"],
        )
        for row in rows
    ]


def _bin(value: Column) -> Column:
    return F.least(F.floor(value * BINS), F.lit(BINS - 1)).cast("int")


def _bins(rows: DataFrame, value: Column) -> list[int]:
    counts = {row["bin"]: row["count"] for row in rows.groupBy(_bin(value).alias("bin")).count().collect()}
    return [counts.get(number, 0) for number in range(BINS)]


def _fitness(candidates: DataFrame) -> dict[bool, list[int]]:
    rated = candidates.filter(F.col("fitness").isNotNull())
    is_accepted = (F.col("status") == ACCEPTED).alias("accepted")
    found = rated.groupBy(is_accepted, _bin(F.col("fitness")).alias("bin")).count().collect()
    counts = {(row["accepted"], row["bin"]): row["count"] for row in found}
    return {accepted: [counts.get((accepted, number), 0) for number in range(BINS)] for accepted in (True, False)}


def _contaminated(candidates: DataFrame) -> list[tuple[str, int]]:
    detail = F.substring("detail", 1, _ITEM_LETTERS).alias("detail")
    found = candidates.filter(F.col("reason") == CONTAMINATED).groupBy(detail).count()
    rows = found.orderBy(F.desc("count"), "detail").limit(_ITEMS).collect()
    return [(row["detail"] or "?", row["count"]) for row in rows]


def _diversity(generation: int, found: Row) -> Diversity:
    return Diversity(
        generation,
        found["sample"],
        found["model"],
        found["distinct_3"],
        getattr(found, "distinct_3_low", None),  # an earlier release has no interval
        getattr(found, "distinct_3_high", None),
        _distance(found["nearest_other"]),
        _distance(found["nearest_earlier"]),
        found["topics"],
        found["gini"],
        found["lineage_entropy"],
    )


def _distance(found: Row | None) -> Distance | None:
    return None if found is None else Distance(found["mean"], found["low"], found["high"], found["p5"])


def _cost(generation: int, cost: Row) -> Cost:
    names = ("requests", "errors", "prompt_tokens", "completion_tokens", "seconds")
    return Cost(generation, cost["role"], **{name: cost[name] or 0 for name in names}, money=money_of(cost))


def _stages(replies: DataFrame) -> list[Stage]:
    """Return the last stages in the order they were asked; a reply outside rounds is of none."""
    summed = ("requests", "errors", "prompt_tokens", "completion_tokens", "seconds", "money")
    of_rounds = by_stage(replies.filter("round IS NOT NULL")).withColumn("stage", F.coalesce("stage", "role"))
    stages = of_rounds.groupBy("generation", "round", "role", "stage")
    order = map(F.desc, ("generation", "round", "began", "stage"))
    last = stages.agg(F.min("began").alias("began"), *(F.sum(name).alias(name) for name in summed)).orderBy(*order)
    rows = reversed(last.limit(MAX_STAGES).collect())
    return [Stage(row["round"], row["stage"], _cost(row["generation"], row)) for row in rows]


def _uses(generation: int, stages: Sequence[Row]) -> list[Use]:
    by_role: dict[str, list[Row]] = {}
    for stage in stages:
        by_role.setdefault(stage["role"], []).append(stage)
    found = []
    for role, own in sorted(by_role.items()):
        seconds = sum(stage["seconds"] for stage in own)

        def mean(name: str, own: Sequence[Row] = own, seconds: float = seconds) -> float:
            return sum(stage[name] * stage["seconds"] for stage in own) / seconds if seconds else 0.0

        most = {name: max(stage[name] for stage in own) for name in ("servers", "max_num_seqs", "kv_cache_usage")}
        found.append(
            Use(
                generation,
                role,
                most["servers"],
                most["max_num_seqs"],
                mean("running"),
                mean("tokens_per_second"),
                most["kv_cache_usage"],
            )
        )
    return found


def _models(replies: DataFrame) -> list[tuple[str, str, int]]:
    rows = replies.groupBy("role", "model").count().orderBy("role", "model").collect()
    return [(row["role"], row["model"] or "?", row["count"]) for row in rows]


def _lengths(pairs: DataFrame) -> list[Length]:
    def words(name: str) -> Column:
        return F.percentile_approx(F.size(F.split(F.trim(name), r"\s+")), F.array(F.lit(0.5), F.lit(0.9))).alias(name)

    rows = pairs.groupBy("generation").agg(words("instruction"), words("response")).orderBy("generation").collect()
    return [
        Length(row["generation"], tuple(row["instruction"] or (0, 0)), tuple(row["response"] or (0, 0))) for row in rows
    ]


def _seeds(population: DataFrame, candidates: DataFrame) -> list[Seed]:
    seeds = population.filter("generation = 0").select(
        "id", F.substring("instruction", 1, RELATIVE_LETTERS).alias("text")
    )
    children = candidates.select(F.explode("parents").alias("id"), (F.col("status") == ACCEPTED).alias("accepted"))
    counts = children.groupBy("id").agg(F.count(F.lit(1)).alias("tried"), F.count_if("accepted").alias("accepted"))
    best = seeds.join(counts.filter("accepted > 0"), "id").orderBy(F.desc("accepted"), "tried", "id").limit(_SEEDS)
    return [Seed(row["id"], row["text"] or "", row["tried"], row["accepted"]) for row in best.collect()]
