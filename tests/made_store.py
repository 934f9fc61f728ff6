"""A store whose rows are written down here: two generations of five pairs, from three seeds, in two runs.

a <- seed-0            c <- a, b, seed-0      d <- a
b <- seed-1, seed-2    e <- c                 rejected: x <- seed-0, y <- a, b
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store import schema
from genetic_udfs.store.tables import SCHEMAS, Store

BEGAN: Final = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
_CONFIGURATION: Final = (
    "generations: {generations}\nroles:\n  judge: {{engine: one, temperature: {temperature}}}\nspark: {{}}\n"
)


def _pair(id_: str, generation: int, parents: str, operator: str, task: str | None, fitness: float) -> dict[str, Any]:
    return {
        "id": id_,
        "generation": generation,
        "colony": 0,
        "instruction": f"Write a function that does {id_}",
        "response": f"```python\ndef {id_}(): ...\n```",
        "code": f"def {id_}(): ...",
        "parents": parents.split(),
        "operator": operator,
        "task": task,
        "depth": 1 if operator == "mutation" else 0,
        "verdict": True,
        "fitness": fitness,
        "content_hash": f"hash of {id_}",
        "run_id": f"run-{generation}",
    }


SEEDS: Final = [
    {
        "id": f"seed-{i}",
        "generation": 0,
        "instruction": f"Write seed {i}",
        "parents": [],
        "operator": "seed",
        "depth": 0,
        "content_hash": f"hash of seed {i}",
        "run_id": "run-1",
    }
    for i in range(3)
]
PAIRS: Final = [
    {**_pair("a", 1, "seed-0", "mutation", "complexity", 0.9), "pass_rate": 1.0},
    _pair("b", 1, "seed-1 seed-2", "crossover", None, 0.8),
    {**_pair("c", 2, "a b seed-0", "crossover", None, 0.7), "pass_rate": 1.0},
    {**_pair("d", 2, "a", "mutation", "reasoning", 0.6), "pass_rate": 0.5},
    _pair("e", 2, "c", "mutation", "constraints", 0.5),
]
REJECTED: Final = [
    {
        **_pair("x", 1, "seed-0", "mutation", "complexity", 0.1),
        "reason": "judged_no",
        "verdict": False,
        "pass_rate": 0.0,
    },
    {**_pair("y", 2, "a b", "crossover", None, 0.0), "reason": "duplicate", "verdict": None, "response": None},
]


def make_store(spark: SparkSession, root: str, **changed: Any) -> Store:
    """Write the store; `changed` are columns of a row of the population, by the row's id."""
    store = Store(spark, root)
    _runs(store)
    population = _population(changed)
    for generation in range(3):
        _append(store, schema.POPULATION, [row for row in population if row["of"] == generation], generation)
        if generation:
            _attempts(store, generation)
        _append(store, schema.GENERATIONS, [_generation(generation, store.version(schema.POPULATION))], generation)
    return store


def edit(store: Store, **changed: Any) -> Store:
    """Change columns of rows of the population as somebody does by hand, and return the store."""
    rows = _frame(store, schema.POPULATION, _population(changed))
    rows.write.format("delta").mode("overwrite").save(store.path(schema.POPULATION))
    return store


def _population(changed: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the rows, each with the generation that it was written `of`, which may differ from what it says."""
    rows = enumerate([*SEEDS, *PAIRS])
    return [{**row, "ordinal": ordinal, "of": row["generation"], **changed.get(row["id"], {})} for ordinal, row in rows]


def _attempts(store: Store, generation: int) -> None:
    candidates, replies = [], []
    for number, row in enumerate([*PAIRS, *REJECTED]):
        if row["generation"] != generation:
            continue
        asked = ["instructor", "coder", "judge"] if row["response"] else ["instructor"]
        requests = {f"{role}_request": f"{role} {row['id']}" for role in asked}
        status = "rejected" if row.get("reason") else "accepted"
        detail = "similarity 1.000 with a" if row.get("reason") else None
        candidates.append(
            {"detail": detail, **row, **requests, "status": status, "round": 0, "slot": number, "item": 0}
        )
        replies += [
            {
                "request_id": f"{role} {row['id']}",
                "role": role,
                "generation": generation,
                "round": 0,
                "stage": _stage(role, row),
                "engine": "one",
                "model": "org/judge" if role == "judge" else "org/writer",
                "prompt_tokens": 100,
                "completion_tokens": 10,
                "sent_at": BEGAN + timedelta(minutes=generation, seconds=second),
                "seconds": 0.5,
                "run_id": row["run_id"],
            }
            for second, role in enumerate(asked)
        ]
    _append(store, schema.CANDIDATES, candidates, generation)
    _append(store, schema.REPLIES, replies, generation)


def _stage(role: str, row: Mapping[str, Any]) -> str | None:
    """Return the stage of a reply: generation 1 is from before stages were kept, and `e` has a stage to itself."""
    if row["generation"] == 1:
        return None
    return "judge of repaired solutions" if (role, row["id"]) == ("judge", "e") else role


_DISTANCE: Final = {"mean": 0.3, "low": 0.2, "high": 0.4, "p5": 0.1}
DIVERSITY: Final = {
    "sample": 3,
    "model": "org/embedder",
    "distinct_3": 0.9,
    "distinct_3_low": 0.85,
    "distinct_3_high": 0.95,
    "nearest_other": _DISTANCE,
    "nearest_earlier": None,
    "topics": 1.0,
    "gini": 0.25,
    "lineage_entropy": 1.5,
}


def _generation(generation: int, version: int) -> dict[str, Any]:
    accepted, reasons = [(3, {}), (2, {"judged_no": 1}), (3, {"duplicate": 1})][generation]
    cost = {"requests": 5, "errors": 0, "prompt_tokens": 500, "completion_tokens": 50, "seconds": 2.0}
    return {
        "generation": generation,
        "population_version": version,
        "population_size": [3, 5, 8][generation],
        "run_id": f"run-{max(generation, 1)}",
        "fingerprint": f"print-{max(generation, 1)}",
        "rounds": min(generation, 1),
        "asked": accepted + sum(reasons.values()) if generation else 0,
        "accepted": accepted,
        "shortfall": 0,
        "reasons": reasons,
        "costs": [{"role": "coder", **cost, "request_seconds": 2.5}] if generation else [],
        "engines": [],
        "diversity": DIVERSITY if generation == 2 else None,
        "seconds": 30.0,
        "finished_at": BEGAN + timedelta(minutes=generation),
    }


def _runs(store: Store) -> None:
    for number in (1, 2):
        row = {
            "run_id": f"run-{number}",
            "started_at": BEGAN + timedelta(hours=number),
            "ended_at": BEGAN + timedelta(hours=number, minutes=2),
            "fingerprint": f"print-{number}",
            "configuration": _CONFIGURATION.format(generations=number, temperature=0.1 if number == 1 else 0.0),
            "fixed": "{}",
            "versions": {"vllm": f"0.{30 + number}"},
            "outcome": "finished",
        }
        _append(store, schema.RUNS, [row], number)


def _append(store: Store, table: str, rows: list[dict[str, Any]], number: int) -> None:
    store.append(table, _frame(store, table, rows), transaction="made", version=number, generation=number)


def _frame(store: Store, table: str, rows: list[dict[str, Any]]) -> DataFrame:
    named = [{name: row.get(name) for name in SCHEMAS[table].fieldNames()} for row in rows]
    return local_frame(store.spark, named, SCHEMAS[table]).coalesce(1)
