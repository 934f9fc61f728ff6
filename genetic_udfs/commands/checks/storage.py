"""The store: whether tables can be written there by the executors and read back, and how much room there is."""

import shutil
import socket
import uuid
from pathlib import Path
from typing import Any, Final

from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.finding import LITTLE_SPACE, Finding, cause_of, failed, gib, ok, warning
from genetic_udfs.commands.checks.reach import run_on_all
from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.session import file_system, spark_settings, task_slots
from genetic_udfs.store.lease import LEASE_FOLDER
from genetic_udfs.store.location import resolve_path

# Delta reads a table's log in fifty tasks, which are for tables a million times as large.
_FEW_PARTITIONS: Final = {"spark.databricks.delta.snapshotPartitions": "2"}


def is_writable(spark: SparkSession, store: str) -> Finding:
    """Write a small Delta table with all executors, read it back, and leave nothing behind."""
    name, fix = "store", "name a folder that driver and executors can write to: --set store=PATH_OR_URI"
    slots = task_slots(spark)
    try:
        folder = f"{resolve_path(spark, store)}/_doctor-{uuid.uuid4().hex[:12]}"
        root, system = _locate(spark, store)
        was_there = system.exists(root)
    except Exception as error:
        return failed(name, f"{store} cannot be looked at: {cause_of(error)}", fix)
    try:
        with spark_settings(spark, _FEW_PARTITIONS):
            spark.range(0, slots, 1, slots).write.format("delta").save(folder)
            if blind := _blind_hosts(spark, folder, "_delta_log"):
                return failed(name, f"{store} is another folder on {blind} than on the driver", fix)
            count = spark.read.format("delta").load(folder).repartition(slots).count()
    except Exception as error:
        return failed(name, f"{store} cannot be written to and read back: {cause_of(error)}", fix)
    finally:
        _clear(spark, folder, store, was_there)
    if count != slots:
        return failed(name, f"{store} gave back {count} of {slots} rows", fix)
    return ok(name, f"{store} is written to and read back by the executors")


def check_is_shared(spark: SparkSession, store: str) -> None:
    """Check that executors see a store in a local folder, which is there; on one machine they do.

    Raises:
        StoreError: naming the hosts that do not.
    """
    if blind := _blind_hosts(spark, store, LEASE_FOLDER):
        raise StoreError(
            f"store: {store} is another folder on {blind} than on the driver; name one that all of them share, such as"
            " a mount, hdfs://... or s3a://..."
        )


def space(spark: SparkSession, store: str) -> Finding:
    """Check the free disk space of a store in a local folder."""
    folder = _local_folder(spark, store)
    if folder is None:
        return ok("store's disk", "not a local folder")
    while not folder.exists():
        folder = folder.parent
    return check_free(str(folder), shutil.disk_usage(folder).free)


def check_free(folder: str, free: int) -> Finding:
    """Check a number of free bytes."""
    if free < LITTLE_SPACE:
        return warning("store's disk", f"{gib(free)} free in {folder}", "make room, or name another store")
    return ok("store's disk", f"{gib(free)} free in {folder}")


def _blind_hosts(spark: SparkSession, path: str, inner: str) -> str:
    """Return the hosts of executors that do not see a local folder and what it holds."""
    folder = _local_folder(spark, path)
    if folder is None or spark.sparkContext._jsc.isLocal():
        return ""
    wanted = folder / inner

    def look() -> str:
        return "" if wanted.is_dir() else socket.gethostname()

    return ", ".join(sorted(set(run_on_all(spark, look)) - {""}))


def _clear(spark: SparkSession, folder: str, store: str, was_there: bool) -> None:
    try:
        path, system = _locate(spark, folder)
        system.delete(path, True)
        root, _ = _locate(spark, store)
        if not was_there and system.exists(root) and len(system.listStatus(root)) == 0:
            system.delete(root, False)
    except Exception:
        return  # what stood in the way of writing stands in the way of clearing


def _local_folder(spark: SparkSession, path: str) -> Path | None:
    try:
        found, system = _locate(spark, path)
    except Exception:
        return None
    return Path(str(found.toUri().getPath())) if system.getScheme() == "file" else None


def _locate(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """Return a path, or that of a schema, and its file system, as Hadoop has them."""
    system, found = file_system(spark, resolve_path(spark, path))
    return system.makeQualified(found), system
