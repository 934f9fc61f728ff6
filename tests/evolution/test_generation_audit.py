"""The audit of a generation: what it looks at, and that it tells of what was missed."""

from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.commands.evolve import new_run
from genetic_udfs.config import Config
from genetic_udfs.dedup.audit import Audit
from genetic_udfs.evolution.audit import audit_generation
from genetic_udfs.evolution.population_index import index_of, update_index
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import CANDIDATES, CANDIDATES_SCHEMA, POPULATION, POPULATION_SCHEMA
from genetic_udfs.store.tables import Store
from tests.dedup.corpora import planted
from tests.evolution.test_population_index import settings

SEED, OTHER, THIRD = planted(3, seed=4, share=0.0)


def run_with(spark: SparkSession, config: Config, candidates: list[tuple[str, str | None]]) -> Run:
    """Commit two seeds that are near each other, and candidates with a reason or without."""
    with Progress() as progress:
        run = new_run(spark, config, progress)
    seeds = [
        {"id": f"seed-{n}", "generation": 0, "instruction": text, "depth": 0, "ordinal": n}
        for n, text in enumerate((SEED, f"{SEED} again"))
    ]
    run.store.append(POPULATION, spark.createDataFrame(seeds, POPULATION_SCHEMA), transaction="generation", version=0)
    update_index(run.store, config, run.id)
    rows = [
        {
            "id": f"candidate-{n}",
            "generation": 1,
            "instruction": text,
            "status": "rejected" if reason else "accepted",
            "reason": reason,
        }
        for n, (text, reason) in enumerate(candidates)
    ]
    run.store.append(CANDIDATES, spark.createDataFrame(rows, CANDIDATES_SCHEMA), transaction="generation", version=1)
    names = ("id", "generation", "instruction")
    accepted = [
        {**{name: row[name] for name in names}, "depth": 0, "ordinal": 2 + n}
        for n, row in enumerate(rows)
        if row["status"] == "accepted"
    ]
    made = spark.createDataFrame(accepted, POPULATION_SCHEMA)
    run.store.append(POPULATION, made, transaction="generation", version=1)
    update_index(run.store, config, run.id)
    return run


@pytest.mark.parametrize(
    ("candidates", "expected"),
    [
        pytest.param([(f"{SEED} now", "near_duplicate"), (OTHER, None)], Audit(4, 2, 2), id="found"),
        pytest.param([(f"{SEED} now", None), (OTHER, None)], Audit(4, 2, 0), id="missed beside the population"),
        pytest.param([(OTHER, None), (f"{OTHER} now", None)], Audit(2, 1, 0), id="missed among each other"),
        pytest.param([(OTHER, None), (f"{OTHER} now", "judged_no")], Audit(1, 0, 0), id="rejected for another reason"),
        pytest.param([], Audit(0, 0, 0), id="nothing"),
    ],
)
def test_pairs_of_which_neither_is_gone_were_missed(
    spark: SparkSession,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    candidates: list[tuple[str, str | None]],
    expected: Audit,
) -> None:
    """Seeds are not compared with each other, so the two that are near are no miss."""
    run = run_with(spark, settings(tmp_path), candidates)
    signed: list[str] = []

    def index_of_some(store: Store, config: Config, some: DataFrame) -> DataFrame:
        signed.extend(row["instruction"] for row in some.collect())
        return index_of(store, config, some)

    monkeypatch.setattr("genetic_udfs.evolution.audit.index_of", index_of_some)
    assert audit_generation(run, 1) == expected
    assert signed == [text for text, reason in candidates if reason == "near_duplicate"]  # the index has the others


def test_there_is_no_audit_of_seeds_nor_where_it_is_off(spark: SparkSession, tmp_path: Path) -> None:
    run = run_with(spark, settings(tmp_path, dedup={"audit": 0}), [(THIRD, None)])
    assert audit_generation(run, 1) is None
    assert audit_generation(run_with(spark, settings(tmp_path / "on"), []), 0) is None
