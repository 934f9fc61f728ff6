"""Stores that are none, that somebody has damaged, or that cannot be written to: said, and gone on with then."""

import re
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
from genetic_udfs.store.schema import REPLIES
from genetic_udfs.store.write_access import write_access
from tests import scripted_model
from tests.durability.conftest import Undisturbed
from tests.durability.small_run import (
    COMMITTED_AT_THE_END,
    copy_of,
    evolve,
    ledger,
    population,
    settings,
    settle,
    table,
    table_path,
    without_generation_1,
)
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

NOBODY = "http://127.0.0.1:9/v1"  # all is answered, so nobody is asked


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


def begin(spark: SparkSession, config: Config) -> None:
    """Do what a start does before it goes on: take the lease, look through the store."""
    with Progress() as progress:
        run = new_run(spark, config, progress)
        with translated_errors(run), write_access(run.store, run.lease, run.id):
            prepare(run, check_seeds(config), None)


def test_missing_files_and_rows_edited_by_hand_are_named_and_the_run_goes_on_when_they_are_as_they_were(
    spark: SparkSession, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    """`tests/store/test_integrity.py` has each rule that edited rows break."""
    config = settings(copy_of(undisturbed.config, tmp_path / "run"), NOBODY)
    for name in ("population", "generations", "runs"):
        file = Path(DeltaTable(table_path(config, name)).file_uris()[0])
        shutil.move(file, tmp_path / file.name)
        with pytest.raises(StoreError, match=rf"/{name}\b.*: a file of this table is missing: {file.name}"):
            begin(spark, config)
        shutil.move(tmp_path / file.name, file)

    edits = "parents = IF(ordinal = 9, array('nobody'), parents), id = IF(ordinal > 10, 'same', id)"
    spark.sql(f"UPDATE delta.`{config.store}/population` SET {edits}")
    spark.sql(f"DELETE FROM delta.`{config.store}/population` WHERE ordinal = 13")
    with pytest.raises(StoreError) as refused:
        begin(spark, config)
    *rules, way = str(refused.value).splitlines()[1:]
    assert [re.sub(r"id '\w{32}'|\(.*\)", "...", rule) for rule in rules] == [
        "  generation 1: the population had 14 rows ..., and has 13",
        "  id 'same': stands in 2 rows",
        "  ...: its parent 'nobody' is not in the population",
    ]
    spark.sql(way[way.index("RESTORE") : way.index(" with jobs/sql.py")])
    begin(spark, config)
    assert population(config) == population(undisturbed.config)


def test_a_clock_that_jumps_back_changes_nothing_but_times(
    spark: SparkSession, tmp_path: Path, undisturbed: Undisturbed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The run goes on from one that was killed when all was answered, before the commit of `candidates`."""
    calls = [0]

    class Clock(datetime):
        """Each look at it is an hour before the last."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Any:
            calls[0] += 1
            return datetime.now(tz) - timedelta(hours=calls[0])

    folder = without_generation_1(copy_of(undisturbed.config, tmp_path), *COMMITTED_AT_THE_END)
    for module in (accounting, lease, runs):
        monkeypatch.setattr(module, "datetime", Clock)
    config = settings(folder, NOBODY, max_rounds=1)
    rows = evolve(spark, config)
    assert calls[0] > 4
    expected = undisturbed.first_round()
    assert population(config) == expected.population
    assert [row["accepted"] for row in rows] == [8, len(expected.population) - 8]
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
        expected = undisturbed.first_round()

        def fill(request: Request) -> Answer:
            if "You review answers" in request.prompt and not filler.exists():
                fill_up(filler)
            return scripted_model.answer(request)

        with ScriptedServer(fill, model="scripted") as server:
            folder = without_generation_1(copy_of(undisturbed.config, disk / "run"), REPLIES, *COMMITTED_AT_THE_END)
            config = settings(folder, server.url, max_rounds=1)
            with pytest.raises(StoreError, match=r"run/store cannot be written to: the disk is full; make room"):
                evolve(spark, config)
            settle(spark, server)
            fill_up(disk / "more")  # what the run had kept in its scratch space is free again
            kept, asked = ledger(config), server.calls.total()
            assert kept.items() <= expected.replies.items()
            with pytest.raises(StoreError, match="the disk is full"):
                evolve(spark, config, take_over=True)
            assert server.calls.total() == asked
            filler.unlink()
            (disk / "more").unlink()
            server.answer = scripted_model.answer
            evolve(spark, config, take_over=True)
            assert server.calls.total() - asked == len(expected.replies) - len(kept)
        assert population(config) == expected.population

    def test_a_read_only_store_is_said_and_the_run_goes_on_when_it_is_writable(
        self, spark: SparkSession, disk: Path, undisturbed: Undisturbed
    ) -> None:
        config = settings(copy_of(undisturbed.config, disk / "run"), NOBODY)
        subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
        with pytest.raises(StoreError, match="run/store cannot be written to: it is read-only; make it writable"):
            begin(spark, config)
        subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
        assert [row["generation"] for row in evolve(spark, config)] == [0, 1]
        assert population(config) == population(undisturbed.config)


def fill_up(file: Path) -> None:
    with file.open("wb", buffering=0) as out:
        for size in (65536, 512):
            try:
                while True:
                    out.write(b"\0" * size)
            except OSError:
                continue
