"""Keeping a store's tables fast and small, without taking from a generation what it is read back from.

OPTIMIZE writes small files together, in a commit that changes no row. VACUUM removes what nothing needs: files of
commits that never came about, and files that OPTIMIZE replaced where no generation's version of the population is
read from them.
"""

import contextlib
import time
from dataclasses import dataclass
from typing import Final

from pyspark.errors import PySparkException

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.session import spark_settings
from genetic_udfs.store.files import File, files_needed, files_there
from genetic_udfs.store.integrity import check_integrity
from genetic_udfs.store.lease import lease_of
from genetic_udfs.store.presence import refuse_lost_tables
from genetic_udfs.store.schema import CANDIDATES, DEDUP_INDEX, EMBEDDINGS, GENERATIONS, POPULATION, REPLIES
from genetic_udfs.store.tables import PROPERTIES, Store
from genetic_udfs.store.write_access import write_access

# The other tables are a row a generation or a run, and rows of `runs` are changed in place: an OPTIMIZE beside that
# would make one of the two fail.
TABLES: Final = (POPULATION, CANDIDATES, REPLIES, DEDUP_INDEX, EMBEDDINGS)
MIN_HOURS: Final = 168
_INVENTORY: Final = "genetic_udfs_vacuum_inventory"
_INVENTORY_COLUMNS: Final = "path string, length long, isDir boolean, modificationTime long"
_SETTINGS: Final = {
    # The retention of the population is for whoever calls VACUUM by hand. What is removed here is listed file by file.
    "spark.databricks.delta.retentionDurationCheck.enabled": "false",
    # Else Delta 4.4 takes the table's retention, whatever hours the command names, unless these are 0.
    "spark.databricks.delta.vacuum.retentionWindowIgnore.enabled": "false",
    # Delta spreads even a few files over so many tasks; Spark's default is 10,000.
    "spark.sql.sources.parallelPartitionDiscovery.parallelism": "8",
}


@dataclass(frozen=True)
class Optimized:
    """What was done to a table: files before and after, and bytes of the files after."""

    table: str
    files_before: int
    files_after: int
    bytes_after: int


def set_properties(store: Store) -> list[str]:
    """Give tables of an older store the properties that tables are made with now; return the tables that lacked some.

    Raises:
        LeaseError: if a table lacks some and a run writes to the store, which this would make fail.
    """
    lacking = []
    for table, wanted in PROPERTIES.items():
        if not store.exists(table):
            continue
        there = store.table(table).detail().select("properties").first()
        assert there is not None
        if missing := {key: value for key, value in wanted.items() if key not in there["properties"]}:
            lacking.append((table, missing))
    lease = lease_of(store.spark, store.root, "maintenance")
    with write_access(store, lease, "maintenance") if lacking else contextlib.nullcontext():
        for table, missing in lacking:
            values = ", ".join(f"'{key}' = '{value}'" for key, value in missing.items())
            store.spark.sql(f"ALTER TABLE {store.name(table)} SET TBLPROPERTIES ({values})")
    return [table for table, _ in lacking]


def optimize(store: Store) -> list[Optimized]:
    """Write the small files of the large tables together; readers and runs go on meanwhile."""
    done = []
    for table in filter(store.exists, TABLES):
        before = len(store.read(table).inputFiles())
        store.table(table).optimize().executeCompaction()
        detail = store.table(table).detail().select("numFiles", "sizeInBytes").first()
        assert detail is not None
        done.append(Optimized(table, before, detail["numFiles"], detail["sizeInBytes"]))
    return done


def unneeded_files(store: Store, table: str, *, forget: bool = False) -> list[File]:
    """Return the files of a table that neither its latest version nor, for the population, a generation needs.

    Args:
        store: the store.
        table: name of the table.
        forget: leave generations out of account but the last, whose files are the latest version's.
    """
    there = files_there(store, table)
    versions = [store.version(table)]
    if table == POPULATION and not forget:
        versions += [
            row["population_version"] for row in store.read(GENERATIONS).select("population_version").collect()
        ]
    needed: set[str] = set()
    for version in versions:
        needed |= files_needed(store, table, version) or set()
    return [file for path, file in sorted(there.items()) if path not in needed]


def vacuum(store: Store, hours: int, *, forget: bool = False, dry_run: bool = False) -> dict[str, list[File]]:
    """Remove what nothing needs and what is older than so many hours; return it by table.

    A reader that began before an OPTIMIZE still reads the files of then, and a run writes files before it commits
    them: hence the hours.

    Args:
        store: the store; its views and other users' queries go on meanwhile.
        hours: how old a file, or its removal from the table, must be.
        forget: also remove what only earlier generations' versions of the population need.
        dry_run: remove nothing.

    Raises:
        StoreError: if VACUUM fails; if a table is missing, such as the one that says which versions are needed; if
            generations are to be forgotten whose files may be the last with rows that somebody has taken out.
    """
    if forget:
        check_integrity(store)
    else:
        refuse_lost_tables(store)
    removed: dict[str, list[File]] = {}
    latest = time.time() * 1000 - hours * 3_600_000
    with spark_settings(store.spark, _SETTINGS):
        for table in filter(store.exists, TABLES):
            files = unneeded_files(store, table, forget=forget)
            unneeded = {file.path: file for file in files if file.changed <= latest}
            if not unneeded:  # VACUUM writes two commits, whether it removes anything or not
                removed[table] = []
                continue
            rows = [(file.path, file.size, False, file.changed) for file in unneeded.values()]
            inventory = store.spark.createDataFrame(rows, _INVENTORY_COLUMNS)
            inventory.createOrReplaceTempView(_INVENTORY)
            command = f"VACUUM {store.name(table)} USING INVENTORY (SELECT * FROM {_INVENTORY}) RETAIN {hours} HOURS"
            try:
                gone = unneeded.keys() & _vacuumed(store, table, command, dry_run)
            except PySparkException as error:
                raise StoreError(f"{store.path(table)}: VACUUM failed: {error}") from None
            finally:
                store.spark.catalog.dropTempView(_INVENTORY)
            removed[table] = [unneeded[path] for path in sorted(gone)]
    return removed


def _vacuumed(store: Store, table: str, command: str, dry_run: bool) -> set[str]:
    """Run a VACUUM, or have Delta say what it would remove; return the paths."""
    if dry_run:
        return {row["path"] for row in store.spark.sql(f"{command} DRY RUN").collect()}
    before = files_there(store, table)
    store.spark.sql(command)
    return before.keys() - files_there(store, table).keys()
