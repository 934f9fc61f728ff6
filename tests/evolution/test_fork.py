"""A fork begins with a generation of another store, and what it makes from there is its own."""

import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from deltalake import DeltaTable
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.commands.export import items_to_check
from genetic_udfs.commands.export import run as run_export
from genetic_udfs.config import Config
from genetic_udfs.decontamination import read_items
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.evolution.fork import Origin, begin_fork, check_origin, read_origin
from genetic_udfs.export.formats import ExportFormat
from genetic_udfs.export.outcome import ExportOptions
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.reporting.report.aggregates import read_figures
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.evolution.test_evolution import evolve, seeds, settings
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.slow

# Crossovers alone: none of the scripted model's duplicates, so that most generations need one round.
QUICK = {"operators": {"crossover_share": 1.0, "crossover_instructions": 2}}
COPIED = ("population", "candidates", "replies", "generations", "runs")


class Source:
    """A store of two generations, and the server that played its models."""

    def __init__(self, store: Path, server: ScriptedServer, config: Config) -> None:
        self.store, self.server, self.config = store, server, config

    def config_of(self, fork: Path, **changes: Any) -> Config:
        return self.config.model_copy(update={"store": str(fork), **changes})

    def at(self, generation: int) -> Origin:
        return Origin(str(self.store), generation)


@pytest.fixture(scope="module")
def source(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Source]:
    store = tmp_path_factory.mktemp("source")
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        config = settings(store, server.url, colonies=2, samples_per_generation=4, **QUICK)
        evolve(spark, config)
        yield Source(store, server, config)


def fork(spark: SparkSession, config: Config, origin: Origin | None) -> None:
    """Make the fork and evolve nothing in it."""
    with Progress() as progress:
        run = new_run(spark, config, progress)
        check_origin(run, origin)
        begin_fork(run, origin)


def evolve_fork(spark: SparkSession, config: Config, origin: Origin | None) -> None:
    with Progress() as progress:
        run = new_run(spark, config, progress)
        evolve_recorded(run, seeds(), read_items(config.decontamination), origin=origin)


def table(store: Path, name: str, version: int | None = None) -> list[dict[str, Any]]:
    """Read a table in an order of its own."""
    rows = delta_rows(store / name, version)
    return sorted(rows, key=lambda row: [str(row.get(key)) for key in ("generation", "id", "request_id", "run_id")])


def made(store: Path, name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in row.items() if key != "run_id"} for row in table(store, name)]


def test_a_generation_made_in_a_fork_by_the_same_configuration_is_that_of_the_source(
    source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    config = source.config_of(tmp_path)
    before = {name: table(source.store, name) for name in COPIED}
    asked = source.server.calls.copy()
    evolve_fork(spark, config, source.at(1))
    for name in ("population", "candidates"):
        assert made(tmp_path, name) == made(source.store, name)
    again = source.server.calls - asked
    requests = {row["request_id"] for row in before["replies"] if row["generation"] == 2}
    assert again.total() == len(requests)
    assert {row["request_id"] for row in table(tmp_path, "replies")} == {row["request_id"] for row in before["replies"]}
    assert {name: table(source.store, name) for name in COPIED} == before

    generations = table(tmp_path, "generations")
    assert [row["generation"] for row in generations] == [0, 1, 2]
    for row in generations:
        there = table(tmp_path, "population", row["population_version"])
        assert [row["id"] for row in there] == [
            row["id"] for row in table(source.store, "population", row["generation"])
        ]
    marks = {row["run_id"]: row["forked_from"] for row in table(tmp_path, "runs")}
    assert marks.pop(before["runs"][0]["run_id"]) == f"{source.store}@1"
    assert list(marks.values()) == [None]


def test_a_fork_resumable_under_other_settings_which_bind_it_from_then_on(
    source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    changes: dict[str, Any] = {"seed": 6, "colonies": 1, "dedup": source.config.dedup.model_copy(
        update={"threshold": 0.9, "bands": 9, "rows": 14}
    )}  # fmt: skip
    config = source.config_of(tmp_path, **changes)
    evolve_fork(spark, config, source.at(1))
    population = {row["id"]: row for row in table(tmp_path, "population")}
    assert {key: row for key, row in population.items() if row["generation"] < 2} == {
        row["id"]: row for row in table(source.store, "population") if row["generation"] < 2
    }
    own = [row for row in population.values() if row["generation"] == 2]
    assert len(own) == 4
    assert {row["colony"] for row in own} == {0}
    assert all(parent in population for row in population.values() for parent in row["parents"])
    assert {generation for row in own for generation in (population[p]["generation"] for p in row["parents"])} & {0, 1}

    fork(spark, config, source.at(1))
    fork(spark, config, None)
    assert len(table(tmp_path, "population")) == len(population)
    with pytest.raises(ConfigurationError, match="seed: 6 in the store, 5 in the configuration"):
        evolve_fork(spark, config.model_copy(update={"seed": 5}), None)


def test_a_fork_that_is_killed_at_any_commit_resumable_with_the_same_command(
    source: Source, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, original, killed = source.config_of(tmp_path / "killed"), Store.append, 0
    for commits in (1, 3, 5, 7, 20):  # more in each attempt, and those of the attempts before are skipped
        left = commits

        def append(store: Store, name: str, rows: DataFrame, **options: Any) -> None:
            nonlocal left
            if left == 0:
                raise KeyboardInterrupt
            left -= 1
            original(store, name, rows, **options)

        monkeypatch.setattr(Store, "append", append)
        try:
            fork(spark, config, source.at(2))
            break
        except KeyboardInterrupt:
            killed += 1
            with pytest.raises(StoreError, match=f"is a fork of {source.store}@2 that was not finished; start with"):
                fork(spark, config, None)
    monkeypatch.undo()
    assert killed == 4  # commits are: runs, three of the population, two of candidates, replies, generations
    fork(spark, source.config_of(tmp_path / "whole"), source.at(2))
    for name in COPIED:
        assert table(tmp_path / "killed", name) == table(tmp_path / "whole", name)
    for generation in (0, 1, 2):
        assert table(tmp_path / "killed", "population", generation) == table(source.store, "population", generation)


def test_a_fork_of_a_fork_has_all_of_it(source: Source, spark: SparkSession, tmp_path: Path) -> None:
    fork(spark, source.config_of(tmp_path / "first"), source.at(2))
    fork(spark, source.config_of(tmp_path / "second"), Origin(str(tmp_path / "first"), 1))
    assert table(tmp_path / "second", "population") == [
        row for row in table(source.store, "population") if row["generation"] < 2
    ]
    assert {row["forked_from"] for row in table(tmp_path / "second", "runs")} == {f"{tmp_path / 'first'}@1"}
    shutil.rmtree(tmp_path / "first")
    fork(spark, source.config_of(tmp_path / "second"), Origin(str(tmp_path / "first"), 1))


def test_a_fork_is_reported_and_exported_with_the_pairs_that_it_has_taken_over(
    source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    config = source.config_of(tmp_path / "fork")
    fork(spark, config, source.at(2))
    there, origin = (read_figures(Store(spark, root), samples=9) for root in (config.store, str(source.store)))
    assert replace(there, root="") == replace(origin, root="")
    assert there.accepted == 8

    options = ExportOptions(ExportFormat.OPEN_CODE_GENETIC_INSTRUCT, str(tmp_path / "out"))
    with Progress() as progress:
        done = run_export(spark, config, options, {}, items_to_check(config), progress)
    assert (done.pairs, done.rows) == (8, 8)
    written = pq.read_table(tmp_path / "out" / "data").to_pylist()
    assert {row["id"] for row in written} == {
        row["id"] for row in table(source.store, "population") if row["generation"] > 0
    }
    assert {row["generation_model"] for row in written} == {"scripted"}
    assert f"those of another store, `{source.store}@2`" in (tmp_path / "out" / "README.md").read_text()


def test_an_origin_that_is_not_there_is_refused_and_nothing_is_written(
    source: Source, spark: SparkSession, tmp_path: Path
) -> None:
    (tmp_path / "text").mkdir()
    (tmp_path / "text" / "notes.txt").write_text("no store")
    config = source.config_of(tmp_path / "fork")
    with pytest.raises(ConfigurationError, match=r"text is no store, or has no finished generation"):
        evolve_fork(spark, config, Origin(str(tmp_path / "text"), 0))
    with pytest.raises(ConfigurationError, match=f"--fork-from {source.store}@7: .* has generations 0 to 2"):
        evolve_fork(spark, config, source.at(7))
    assert not (tmp_path / "fork").exists()


def test_a_version_whose_files_are_gone_is_refused(source: Source, spark: SparkSession, tmp_path: Path) -> None:
    shutil.copytree(source.store, tmp_path / "copy")
    for file in DeltaTable(tmp_path / "copy" / "population", version=0).file_uris():
        Path(file).unlink()
    with pytest.raises(StoreError, match=r"version 1 of .*/copy/population cannot be read: a VACUUM has taken"):
        evolve_fork(spark, source.config_of(tmp_path / "fork"), Origin(str(tmp_path / "copy"), 1))
    assert not (tmp_path / "fork").exists()


def test_a_store_that_has_tables_is_no_place_for_a_fork(source: Source, spark: SparkSession, tmp_path: Path) -> None:
    fork(spark, source.config_of(tmp_path), source.at(0))
    with pytest.raises(StoreError, match=f"is a fork of {source.store}@0; name a new folder as the store"):
        fork(spark, source.config_of(tmp_path), source.at(1))
    with pytest.raises(StoreError, match="has tables already; name a new folder as the store"):
        fork(spark, source.config, Origin(str(tmp_path), 0))


@pytest.mark.parametrize("text", ["runs/first", "@3", "runs/first@", "runs/first@last", "runs/first@-1"])
def test_an_origin_of_another_form_is_a_mistake_of_the_command(text: str) -> None:
    with pytest.raises(ConfigurationError, match="must have the form STORE@GENERATION"):
        read_origin(text, "/elsewhere")


def test_an_origin_is_taken_from_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert read_origin("runs/a@b@3", "/elsewhere") == Origin(str(tmp_path / "runs" / "a@b"), 3)
    assert read_origin("s3a://bucket/run@0", "/elsewhere") == Origin("s3a://bucket/run", 0)
    with pytest.raises(ConfigurationError, match="is the configuration's own store"):
        read_origin("here@3", str(tmp_path / "here"))
