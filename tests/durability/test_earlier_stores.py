"""A store and a configuration that an earlier release wrote are read and gone on with.

`earlier_store.tar.gz` has what 0.1.0 made of 8 seeds: one generation of 6 pairs, and its YAML file.
"""

import tarfile
from pathlib import Path

import pyarrow.parquet as pq
from pyspark.sql import SparkSession

from genetic_udfs import read_generation
from genetic_udfs.commands.checks.preflight import check_seeds
from genetic_udfs.commands.evolve import new_run
from genetic_udfs.commands.explain import state_of
from genetic_udfs.commands.export import items_to_check
from genetic_udfs.commands.export import run as export
from genetic_udfs.commands.rejudge import rejudge_generation
from genetic_udfs.config.file import load_config
from genetic_udfs.export.formats import ExportFormat
from genetic_udfs.export.outcome import ExportOptions
from genetic_udfs.reporting.history import generations
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.reporting.report.aggregates import read_figures
from genetic_udfs.reporting.report.page import page
from genetic_udfs.store.schema import POPULATION_SCHEMA
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.durability.small_run import evolve, ledger, population, table
from tests.scripted_server import ScriptedServer

EARLIER = Path(__file__).with_name("earlier_store.tar.gz")


def test_a_store_of_an_earlier_release_is_exported_as_it_is(spark: SparkSession, tmp_path: Path) -> None:
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path, filter="data")
    config = load_config(tmp_path / "run.yaml")
    options = ExportOptions(ExportFormat.PARQUET, str(tmp_path / "out"))
    with Progress() as progress:
        done = export(spark, config, options, {}, items_to_check(config), progress)
    written = pq.read_table(tmp_path / "out" / "data")
    assert written.column_names == POPULATION_SCHEMA.names
    of_store = [row for row in population(config) if row["generation"] == 1]
    assert [row["id"] for row in written.to_pylist()] == [row["id"] for row in of_store]
    assert (done.rows, done.languages, written["reasoning"].null_count) == (6, {"python": 6}, 6)
    session = spark.newSession()
    Store(session, config.store).register()  # its generations have no `diversity`, its candidates no `pass_rate`
    assert [session.table(view).isEmpty() for view in ("costs", "diversity", "judge_calibration")] == [
        False,
        True,
        True,
    ]


def test_a_store_of_an_earlier_release_is_judged_again(spark: SparkSession, tmp_path: Path) -> None:
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path, filter="data")
    with ScriptedServer(scripted_model.answer, model="scripted") as server, Progress() as progress:
        more = [f"engines.scripted.url={server.url}", "roles.judge.temperature=0.1"]
        config = load_config(tmp_path / "run.yaml", more)
        found = rejudge_generation(new_run(spark, config, progress), check_seeds(config), 1)
        assert found.asked == server.calls.total() == len(table(config, "verdicts")) == found.agreement.total == 6


def test_a_store_and_a_configuration_of_an_earlier_release_go_on(spark: SparkSession, tmp_path: Path) -> None:
    with tarfile.open(EARLIER) as archive:
        archive.extractall(tmp_path, filter="data")
    earlier = read_figures(Store(spark, str(tmp_path / "store")), samples=3)
    assert [(one.number, one.accepted, one.population) for one in earlier.generations] == [(0, 0, 8), (1, 6, 14)]
    assert {stage.cost.money for stage in earlier.stages} == {None} and len(earlier.samples) >= 3
    assert "6 pairs were accepted" in page([earlier])
    seen = state_of(Store(spark, str(tmp_path / "store"))).seen
    assert seen is not None and seen.pair_bytes > 500
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        more = [f"engines.scripted.url={server.url}", "generations=2", "samples_per_generation=2"]
        config = load_config(tmp_path / "run.yaml", more)
        before, replies = population(config), ledger(config)
        assert [row["generation"] for row in before] == [0] * 8 + [1] * 6
        rows = evolve(spark, config)
        asked = server.calls.total()
    assert [row["accepted"] for row in rows] == [8, 6, 2]
    kept = population(config)[:14]
    new = set(kept[0]) - set(before[0])  # null in rows that were made before there were such columns
    assert kept == [{**row, **dict.fromkeys(new)} for row in before]
    assert replies.items() <= ledger(config).items()
    assert asked == len(ledger(config)) - len(replies)
    assert [run["outcome"] for run in table(config, "runs")] == ["finished"] * 2
    store = Store(spark, config.store)
    assert [one.row["accepted"] for one in generations(store)] == [8, 6, 2]
    assert read_generation(spark, config.store, 1).count() == 14
