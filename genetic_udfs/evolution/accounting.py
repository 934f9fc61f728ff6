"""What a generation came to, read from the tables: counts by reason, costs by role, the audit of near-duplicates."""

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import yaml
from pyspark.sql import Column
from pyspark.sql import functions as F

from genetic_udfs.data.seeds import Seed
from genetic_udfs.evolution.audit import audit_generation
from genetic_udfs.evolution.diversity.meter import DRAWN, MEMBERS, DiversityMeter
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.judge_agreement import Agreement
from genetic_udfs.store.costs import by_stage
from genetic_udfs.store.schema import ACCEPTED, CANDIDATES, ENGINE_USE, POPULATION, REPLIES, RUNS

_role: Final = itemgetter("role")


def generation_row(
    run: Run, generation: int, before: int, started: float, meter: DiversityMeter, seeds: Sequence[Seed]
) -> dict[str, Any]:
    """Return the row of `generations` for a generation whose population is committed.

    Args:
        run: the run.
        generation: its number.
        before: the population's size without it.
        started: when this run began with it, by `time.monotonic`: the wall clock may be set back meanwhile.
        meter: measures diversity.
        seeds: those of generation 0, where this is its row.
    """
    candidates = run.store.read(CANDIDATES).filter(F.col("generation") == generation)
    members = meter.columns(F.col("status") == ACCEPTED, before + run.config.samples_per_generation)
    collected = (
        candidates.groupBy("reason", "round", "run_id")
        .agg(F.count(F.lit(1)).alias("count"), *_judge_and_tests(), *members)
        .toArrow()
    )
    attempts = collected.drop_columns([name for name in collected.column_names if name in (MEMBERS, DRAWN)]).to_pylist()
    reasons: Counter[str | None] = Counter()
    for attempt in attempts:
        reasons[attempt["reason"]] += attempt["count"]
    of_no_reason = reasons.pop(None, 0)
    accepted = of_no_reason if generation else run.store.read(POPULATION).filter("generation = 0").count()
    fingerprint, samples = _decided_under(run, {attempt["run_id"] for attempt in attempts})
    return {
        "generation": generation,
        "population_version": run.store.version(POPULATION),
        "population_size": before + accepted,
        "run_id": run.id,
        "fingerprint": fingerprint,
        "rounds": len({attempt["round"] for attempt in attempts}),
        "asked": sum(attempt["count"] for attempt in attempts),
        "accepted": accepted,
        "shortfall": samples - accepted if generation else 0,
        "reasons": dict(reasons),
        "costs": costs(run, generation),
        "engines": engines(run, generation),
        "judge": judge_and_tests(attempts),
        "diversity": meter.measure(generation, collected) if generation else meter.measure_seeds(seeds),
        "audit": found._asdict() if (found := audit_generation(run, generation)) is not None else None,
        "seconds": time.monotonic() - started,
        "finished_at": datetime.now(UTC),
    }


def _judge_and_tests() -> list[Column]:
    """Count candidates by what the Judge and tests said of them, and sum up how far P(Yes) was off."""
    passed = F.col("pass_rate") >= 1.0
    both = F.col("verdict").isNotNull() & passed.isNotNull()
    rated = F.when(both, F.col("fitness"))
    return [
        F.count_if(F.col("verdict") & passed).alias("yes_passed"),
        F.count_if(F.col("verdict") & ~passed).alias("yes_failed"),
        F.count_if(~F.col("verdict") & passed).alias("no_passed"),
        F.count_if(~F.col("verdict") & ~passed).alias("no_failed"),
        F.count(rated).alias("rated"),
        F.coalesce(F.sum((rated - passed.cast("double")) ** 2), F.lit(0.0)).alias("squares"),
    ]


def judge_and_tests(attempts: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return a `schema.JUDGE_AND_TESTS` of counts as `_judge_and_tests`, None where tests decided nothing judged.

    A Judge who refuses what is then not tested has no kappa: of its No nothing is known.
    """
    names = ("yes_passed", "yes_failed", "no_passed", "no_failed")
    counts = {name: sum(attempt[name] for attempt in attempts) for name in names}
    agreement = Agreement(*counts.values())
    if not agreement.total:
        return None
    rated = sum(attempt["rated"] for attempt in attempts)
    squares = sum(attempt["squares"] for attempt in attempts)
    has_both = counts["no_passed"] + counts["no_failed"] not in (0, agreement.total)
    return {**counts, "kappa": agreement.kappa if has_both else None, "brier": squares / rated if rated else None}


def costs(run: Run, generation: int) -> list[dict[str, Any]]:
    """Return a `schema.ROLE_COST` for each role that was asked in a generation, in alphabetical order.

    A role's seconds run from the first request of each of its stages to the last reply, so time between the stages of a
    run, or between two runs, is not counted.
    """
    replies = run.store.read(REPLIES).filter(F.col("generation") == generation)
    stages = by_stage(replies).collect()
    summed = ("requests", "errors", "prompt_tokens", "completion_tokens", "seconds", "request_seconds")
    costs_by_role = []
    for role, group in groupby(sorted(stages, key=_role), _role):
        of_role = list(group)
        money = [stage["money"] for stage in of_role if stage["money"] is not None]
        sums = {name: sum(stage[name] or 0 for stage in of_role) for name in summed}
        costs_by_role.append({"role": role, **sums, "money": sum(money) if money else None})
    return costs_by_role


def engines(run: Run, generation: int) -> list[dict[str, Any]]:
    """Return a `schema.ENGINE_USE` for each stage of a generation whose engine was heard of in this run."""
    return [
        {name: value for name, value in {**vars(stage), **vars(stage.use)}.items() if name in ENGINE_USE.names}
        for stage in run.stage_utilization
        if stage.generation == generation
    ]


def _decided_under(run: Run, deciding: set[str]) -> tuple[str, int]:
    """Return fingerprint and samples of the configuration of the run that decided a generation; none decides seeds.

    The run that completes a generation's commits may be another than the one that decided it, under another one.
    """
    if deciding <= {run.id}:
        return run.config.fingerprint(), run.config.samples_per_generation
    (row,) = run.store.read(RUNS).filter(F.col("run_id").isin(*deciding)).collect()
    return row["fingerprint"], yaml.safe_load(row["configuration"])["samples_per_generation"]
