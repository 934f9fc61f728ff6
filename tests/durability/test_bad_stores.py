"""Stores that are none, that somebody has damaged, or that cannot be written to: said, and gone on with then."""

import shutil
import subprocess
from collections.abc import Iterator
from datetime import datetime, timedelta, tzinfo
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.preflight import check_seeds, check_store
from genetic_udfs.commands.evolve import new_run, prepare, translated_errors
from genetic_udfs.config import Config
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.evolution import accounting
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store import lease, runs
from genetic_udfs.store.write_access import write_access
from tests import scripted_model
from tests.durability.conftest import Undisturbed
from tests.durability.small_run import copy_of, evolve, ledger, population, settings, settle, table, table_path
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

NOBODY = "http://127.0.0.1:9/v1"  # generation 1 is done, so nobody is asked


class TestPlace:
    def test_a_file_is_no_store(self, tmp_path: Path) -> None:
        (tmp_path / "store").write_text("text")
        with pytest.raises(ConfigurationError, match=r"store: .*/store is a file; name a folder"):
            check_store(str(tmp_path / "store"))

    @pytest.mark.parametrize("scheme", ["", "file:", "file://"])
    def test_a_folder_of_other_things_is_no_store_and_they_are_named(self, tmp_path: Path, scheme: str) -> None:
        for name in ("thesis.tex", "photos", "a.txt", "z"):
            (tmp_path / name).touch()
        with pytest.raises(ConfigurationError, match=r"contains other files \(a.txt, photos, thesis.tex and 1 more\)"):
            check_store(f"{scheme}{tmp_path}")

    def test_a_new_folder_an_empty_one_a_store_and_what_is_elsewhere_are_fine(
        self, tmp_path: Path, undisturbed: Undisturbed
    ) -> None:
        for store in (str(tmp_path / "new"), str(tmp_path), undisturbed.config.store, "s3a://bucket/store"):
            check_store(store)


def test_a_place_where_no_folder_can_be_made_is_named(spark: SparkSession, tmp_path: Path) -> None:
    config = settings(tmp_path, NOBODY).model_copy(update={"store": "/proc/store"})
    with pytest.raises(StoreError, match="store: /proc/store cannot be created or written to: its file system"):
        evolve(spark, config)


def restart(spark: SparkSession, config: Config) -> None:
    """Start a finished run again: it goes through all checks, and asks nothing."""
    assert [row["generation"] for row in evolve(spark, config)] == [0, 1]


def begin(spark: SparkSession, config: Config) -> None:
    """Do what a start does before it goes on: take the lease, look through the store."""
    with Progress() as progress:
        run = new_run(spark, config, progress)
        with translated_errors(run), write_access(run.store, run.lease, run.id):
            prepare(run, check_seeds(config), None)


class TestDamage:
    @pytest.fixture
    def config(self, tmp_path: Path, undisturbed: Undisturbed) -> Config:
        return settings(copy_of(undisturbed.config, tmp_path / "run"), NOBODY)

    @pytest.mark.parametrize("name", ["population", "generations", "runs"])
    def test_a_missing_file_is_named_and_the_run_goes_on_when_it_is_back(
        self, spark: SparkSession, config: Config, tmp_path: Path, name: str
    ) -> None:
        file = Path(DeltaTable(table_path(config, name)).file_uris()[0])
        before = population(config)
        shutil.move(file, tmp_path / file.name)
        with pytest.raises(StoreError, match=rf"/{name}\b.*: a file of this table is missing: {file.name}"):
            begin(spark, config)
        shutil.move(tmp_path / file.name, file)
        begin(spark, config)
        assert population(config) == before

    @pytest.mark.parametrize(
        ("edit", "message"),
        [
            (
                "SET parents = array('nobody') WHERE ordinal = 9",
                r"id '\w+': its parent 'nobody' is not in the",
            ),
            ("SET id = 'same' WHERE ordinal > 11", r"id 'same': stands in 2 rows"),
        ],
    )
    def test_a_row_edited_by_hand_is_named_and_the_way_back_works(
        self, spark: SparkSession, config: Config, edit: str, message: str
    ) -> None:
        before = population(config)
        spark.sql(f"UPDATE delta.`{config.store}/population` {edit}")
        with pytest.raises(StoreError, match=message) as refused:
            begin(spark, config)
        (way,) = [line for line in str(refused.value).splitlines() if "RESTORE TABLE" in line]
        spark.sql(way[way.index("RESTORE") : way.index(" with jobs/sql.py")])
        begin(spark, config)
        assert population(config) == before

    def test_rows_taken_out_are_noticed(self, spark: SparkSession, config: Config) -> None:
        spark.sql(f"DELETE FROM delta.`{config.store}/population` WHERE ordinal = 13")
        with pytest.raises(StoreError, match=r"generation 1: the population had 14 rows .*, and has 13"):
            begin(spark, config)


def test_a_clock_that_jumps_back_changes_nothing_but_times(
    spark: SparkSession, tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = [0]

    class Clock(datetime):
        """Each look at it is an hour before the last."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            calls[0] += 1
            return datetime.now(tz) - timedelta(hours=calls[0])

    for module in (accounting, lease, runs):
        monkeypatch.setattr(module, "datetime", Clock)
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        config = settings(copy_of(undisturbed.config, tmp_path), server.url, generations=2, samples_per_generation=2)
        rows = evolve(spark, config)
    assert calls[0] > 4
    assert [row["accepted"] for row in rows] == [8, 6, 2]
    assert all(row["seconds"] > 0 for row in rows)
    assert all(cost["seconds"] >= 0 for row in rows for cost in row["costs"])
    assert [run["outcome"] for run in table(config, "runs")] == ["finished"] * 2


class TestDisk:
    @pytest.fixture
    def disk(self, tmp_path: Path) -> Iterator[Path]:
        """A file system of its own of 6 MB."""
        folder = tmp_path / "disk"
        folder.mkdir()
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=6m", "tmpfs", folder], capture_output=True)
        if mounted.returncode:
            pytest.skip(f"needs a file system of its own: {mounted.stderr.decode().strip()}")
        yield folder
        subprocess.run(["umount", "-l", folder], check=True)

    def test_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(
        self, spark: SparkSession, disk: Path, undisturbed: Undisturbed
    ) -> None:
        filler = disk / "filler"

        def fill(request: Request) -> Answer:
            if "You review answers" in request.prompt and not filler.exists():
                fill_up(filler)
            return scripted_model.answer(request)

        with ScriptedServer(fill, model="scripted") as server:
            config = settings(disk / "run", server.url)
            with pytest.raises(StoreError, match=r"run/store cannot be written to: the disk is full; make room"):
                evolve(spark, config)
            settle(spark, server)
            fill_up(disk / "more")  # what the run had kept in its scratch space is free again
            kept, asked = ledger(config), server.calls.total()
            assert kept.items() <= ledger(undisturbed.config).items()
            with pytest.raises(StoreError, match="the disk is full"):
                evolve(spark, config, take_over=True)
            assert server.calls.total() == asked
            filler.unlink()
            (disk / "more").unlink()
            server.answer = scripted_model.answer
            evolve(spark, config, take_over=True)
            assert server.calls.total() - asked == undisturbed.requests - len(kept)
        assert population(config) == population(undisturbed.config)

    def test_a_read_only_store_is_said_and_the_run_goes_on_when_it_is_writable(
        self, spark: SparkSession, disk: Path, undisturbed: Undisturbed
    ) -> None:
        config = settings(copy_of(undisturbed.config, disk / "run"), NOBODY)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StoreError, match="run/store cannot be written to: it is read-only; make it writable"):
            restart(spark, config)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        restart(spark, config)
        assert population(config) == population(undisturbed.config)


def fill_up(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        for size in (65536, 512):
            try:
                while True:
                    out.write(b"\0" * size)
            except OSError:
                continue
