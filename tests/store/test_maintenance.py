"""OPTIMIZE and VACUUM with a guard, and what history says of a store from which files were taken."""

import io
import os
import shutil
import time
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands.history import print_history
from genetic_udfs.errors import StoreError
from genetic_udfs.reporting.history import generations, starts
from genetic_udfs.store.lease import LeaseError, lease_of
from genetic_udfs.store.maintenance import optimize, set_properties, unneeded_files, vacuum
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store
from tests.delta_rows import delta_rows

pytestmark = pytest.mark.slow


@pytest.fixture
def store(made: Store) -> Store:
    return made


@pytest.fixture(scope="module")
def optimized_once(spark: SparkSession, made_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = shutil.copytree(made_once, tmp_path_factory.mktemp("optimized") / "store")
    Store(spark, str(folder)).table(POPULATION).optimize().executeCompaction()
    return folder


@pytest.fixture
def optimized(spark: SparkSession, optimized_once: Path, tmp_path: Path) -> Store:
    """The store after an OPTIMIZE of its population, in a copy that a test may change."""
    return Store(spark, str(shutil.copytree(optimized_once, tmp_path / "optimized")))


def ids(store: Store, version: int | None = None) -> list[str]:
    """Read the ids of a version, in the order of ordinals, with the Rust reader."""
    found = delta_rows(Path(store.path(POPULATION)), version)
    return [row["id"] for row in sorted(found, key=lambda row: row["ordinal"])]


def told(store: Store) -> str:
    out = io.StringIO()
    print_history(generations(store), starts(store), out)
    return out.getvalue()


def test_history_lists_versions_costs_and_what_changed_between_runs(store: Store) -> None:
    text = told(store)
    rows = [line.split("│")[1:-1] for line in text.splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row[:2] + row[3:]] for row in rows] == [
        ["0", "0", "0", "3", "0", "3", "0", "0", "30", "run-1"],
        ["1", "1", "3", "2", "0", "5", "500", "50", "30", "run-1"],
        ["2", "2", "4", "3", "0", "8", "500", "50", "30", "run-2"],
    ]
    assert "  generations: 1 -> 2\n  roles.judge.temperature: 0.1 -> 0.0\n  version of vllm: 0.31 -> 0.32\n" in text
    assert "warning" not in text


def test_the_clauses_that_history_prints_read_that_generation(store: Store, spark: SparkSession) -> None:
    lines = [line for line in told(store).splitlines() if line.startswith("Read generation 1: ")]
    assert len(lines) == 2
    for line in lines:
        query = line.partition(": ")[2].replace("population", store.name(POPULATION))
        assert sorted(row["id"] for row in spark.sql(query).collect()) == ["a", "b", "seed-0", "seed-1", "seed-2"]


def test_readers_before_beside_and_after_maintenance_get_their_rows(store: Store) -> None:
    before = {version: ids(store, version) for version in range(3)}
    reader = store.read(POPULATION).toLocalIterator()
    first = next(reader)
    done = {one.table: (one.files_before, one.files_after) for one in optimize(store)}
    assert done[POPULATION] == (3, 1)
    assert store.version(POPULATION) == 3
    removed = vacuum(store, 168)
    assert not any(removed.values())
    assert store.version(POPULATION) == 3  # VACUUM, which would write two commits, did not run
    assert sorted([first["id"], *(row["id"] for row in reader)]) == sorted(before[2])
    assert {version: ids(store, version) for version in range(3)} == before
    assert sorted(row["id"] for row in store.read(POPULATION, 1).collect()) == sorted(before[1])
    assert ids(store) == before[2]
    assert [one.row["population_version"] for one in generations(store)] == [0, 1, 2]


def test_vacuum_takes_what_no_generation_needs_and_nothing_else(optimized: Store) -> None:
    store = optimized
    folder = Path(store.path(POPULATION))
    orphan = folder / "part-00000-of-a-run-that-was-killed.snappy.parquet"
    orphan.write_bytes(b"x" * 100)
    young = folder / "part-00001-of-a-run-under-way.snappy.parquet"
    young.write_bytes(b"y")
    long_ago = time.time() - 200 * 3600
    os.utime(orphan, (long_ago, long_ago))
    before = {version: ids(store, version) for version in range(3)}
    assert {Path(file.path).name for file in unneeded_files(store, POPULATION)} == {orphan.name, young.name}
    assert [file.size for file in vacuum(store, 168, dry_run=True)[POPULATION]] == [100]
    assert orphan.exists()
    vacuum(store, 168)
    assert (orphan.exists(), young.exists()) == (False, True)
    # Not even at once: the versions of the generations stay.
    vacuum(store, 0)
    assert not young.exists()
    assert {version: ids(store, version) for version in range(3)} == before
    assert all(one.warning is None for one in generations(store))


def test_forgetting_generations_is_reported_by_history(optimized: Store) -> None:
    latest = ids(optimized)
    orphan = Path(optimized.path(CANDIDATES)) / "part-00000-of-a-run-that-was-killed.snappy.parquet"
    orphan.write_bytes(b"x")
    removed = vacuum(optimized, 0, forget=True)
    assert {table: len(files) for table, files in removed.items()} == {POPULATION: 3, CANDIDATES: 1, REPLIES: 0}
    assert not orphan.exists()
    assert ids(optimized) == latest
    assert [one.missing for one in generations(optimized)] == [1, 2, 3]
    text = told(optimized)
    assert "1 (gone)" in text
    assert "warning: generation 1: version 1 of population cannot be read, 2 of its files are gone" in text
    assert "SELECT * FROM population WHERE generation <= 1" in text
    with pytest.raises(StoreError, match="a file of this table is missing: part-"), translate_table_errors():
        optimized.read(POPULATION, 1).collect()


def test_an_older_store_gets_its_properties_unless_a_run_is_under_way(store: Store, spark: SparkSession) -> None:
    assert set_properties(store) == []
    name = store.name(POPULATION)
    spark.sql(f"ALTER TABLE {name} UNSET TBLPROPERTIES ('delta.logRetentionDuration')")
    with lease_of(store.spark, store.root, "run-2").held(), pytest.raises(LeaseError, match="written to by run run-2"):
        set_properties(store)
    assert set_properties(store) == [POPULATION]
    properties = store.table(POPULATION).detail().collect()[0]["properties"]
    assert properties["delta.logRetentionDuration"] == "interval 3650 days"


def test_history_promises_no_rows_that_the_latest_version_has_lost(store: Store, spark: SparkSession) -> None:
    (gone,) = set(store.read(POPULATION, 2).inputFiles()) - set(store.read(POPULATION, 1).inputFiles())
    Path(gone.removeprefix("file:")).unlink()
    text = told(store)
    assert "warning: generation 2: version 2 of population cannot be read, 1 of its files are gone" in text
    assert f"latest version of population cannot be read either, it lacks {Path(gone).name}; put it back" in text
    assert "rows are still" not in text


def test_a_log_that_has_lost_a_file_is_said(store: Store, spark: SparkSession) -> None:
    # A checkpoint later than the file, as in a log of more than ten versions.
    spark.sql(f"ALTER TABLE {store.name(POPULATION)} SET TBLPROPERTIES ('delta.checkpointInterval' = '1')")
    log = Path(store.path(POPULATION)) / "_delta_log"
    assert [*log.glob("*.checkpoint*.parquet")]
    (log / f"{1:020}.json").unlink()
    spark._jvm.org.apache.spark.sql.delta.DeltaLog.clearCache()  # type: ignore[union-attr] # as in another session
    with pytest.raises(StoreError, match=f"{store.path(POPULATION)}: files of its _delta_log are missing or damaged"):
        generations(store)


def test_generations_whose_rows_were_taken_out_are_not_forgotten(store: Store, spark: SparkSession) -> None:
    spark.sql(f"DELETE FROM {store.name(POPULATION)} WHERE generation = 2")
    with pytest.raises(StoreError, match=r"generation 2: the population had 8 rows .*, and has 5"):
        vacuum(store, 0, forget=True)
    assert len(ids(store, 2)) == 8


def test_nothing_is_removed_where_the_table_of_generations_is_lost(optimized: Store) -> None:
    shutil.rmtree(optimized.path(GENERATIONS))
    with pytest.raises(StoreError, match="the table generations is missing"):
        vacuum(optimized, 0)
    assert len(ids(optimized, 1)) == 5
