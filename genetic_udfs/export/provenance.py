"""How a store's pairs came about, as a dataset card tells it: read of the tables, in plain values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import yaml
from pyspark.sql import functions as F

from genetic_udfs.store.schema import GENERATIONS, REJUDGE, REPLIES, RUNS, TEST_SET
from genetic_udfs.store.tables import Store


@dataclass(frozen=True)
class Asked:
    """A role's model and prompt, by the prompt's version, and how many replies it gave."""

    role: str
    model: str
    template: str
    replies: int


@dataclass(frozen=True)
class Made:
    """A generation: how many candidates there were, how many were accepted, and the population after it."""

    generation: int
    candidates: int
    accepted: int
    population: int


@dataclass(frozen=True)
class Provenance:
    """How pairs came about.

    `settings` is the configuration of the run that finished the last of the generations, `reasons` are rejected
    candidates by reason, `test_sets` what the items of each were in that run.
    """

    generations: Sequence[Made]
    reasons: Mapping[str, int]
    asked: Sequence[Asked]
    settings: Mapping[str, Any] = field(default_factory=dict)
    test_sets: Mapping[str, str] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    forked_from: str | None = None
    configurations: int = 1

    def setting(self, path: str) -> Any:
        """Return a setting by its YAML key with dots, None where there is none."""
        found: Any = self.settings
        for key in path.split("."):
            found = found.get(key) if isinstance(found, Mapping) else None
        return found


def names_of_test_sets(store: Store) -> set[str]:
    """Return the names of the test sets that any run of a store has checked its candidates against."""
    runs = store.read(RUNS).select("versions").collect()
    return {key.removeprefix(TEST_SET) for row in runs for key in row["versions"] or {} if key.startswith(TEST_SET)}


def read_provenance(store: Store, generation: int) -> Provenance:
    """Read how the pairs of a store came about, up to a generation."""
    up_to = F.col("generation") <= generation
    rows = store.read(GENERATIONS).filter(up_to).orderBy("generation").collect()
    reasons: dict[str, int] = {}
    for row in rows:
        for reason, count in (row["reasons"] or {}).items():
            reasons[reason] = reasons.get(reason, 0) + count
    asked = (
        store.read(REPLIES)
        .filter(up_to & (F.col("role") != REJUDGE) & F.col("error").isNull())
        .groupBy("role", "model", "template")
        .count()
        .orderBy("role", "model", "template")
        .collect()
    )
    runs = [row.asDict() for row in store.read(RUNS).collect()]
    forks = {row["forked_from"] for row in runs if row.get("forked_from")}  # an earlier release has no such column
    last = next((row for row in runs if rows and row["run_id"] == rows[-1]["run_id"]), None)
    versions = {} if last is None else dict(last["versions"] or {})
    return Provenance(
        generations=[Made(row["generation"], row["asked"], row["accepted"], row["population_size"]) for row in rows],
        reasons=reasons,
        asked=[Asked(row["role"], row["model"] or "?", row["template"] or "-", row["count"]) for row in asked],
        settings={} if last is None else yaml.safe_load(last["configuration"]) or {},
        test_sets={key.removeprefix(TEST_SET): value for key, value in versions.items() if key.startswith(TEST_SET)},
        versions={key: value for key, value in versions.items() if not key.startswith(TEST_SET)},
        forked_from=min(forks, default=None),
        configurations=len({row["fingerprint"] for row in rows if row["generation"] > 0}) or 1,
    )
