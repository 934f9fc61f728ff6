"""The data files of a table's versions: which a version needs, and which of them are there."""

from dataclasses import dataclass
from typing import Final

from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.session import file_system, java_class
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store

_LOG: Final = "/_delta_log/"
_NO_VERSION: Final = "DELTA_VERSION_NOT_FOUND"


@dataclass(frozen=True)
class File:
    """A file in a table's folder: its path as Hadoop has it, its bytes, and when it was changed (ms since 1970)."""

    path: str
    size: int
    changed: int


def files_there(store: Store, table: str) -> dict[str, File]:
    """Return the files in a table's folder but those of its log, by path; one listing of the folder."""
    spark = store.spark
    system, folder = file_system(spark, store.path(table))
    listing = system.listFiles(folder, True)
    found = {}
    while listing.hasNext():
        status = listing.next()
        path = status.getPath().toString()
        if _LOG not in path:
            found[path] = File(path, status.getLen(), status.getModificationTime())
    return found


def files_needed(store: Store, table: str, version: int) -> set[str] | None:
    """Return the paths of a version's files, read from the log alone; None if the log no longer reaches so far back.

    Raises:
        StoreError: if the log cannot be read for another reason.
    """
    try:
        with translate_table_errors(store.path(table)):
            files = store.read(table, version).inputFiles()
    except (StoreError, PySparkException) as error:
        if _NO_VERSION not in str(error):
            raise
        return None
    path, uri = (java_class(store.spark, name) for name in ("org.apache.hadoop.fs.Path", "java.net.URI"))
    return {str(path(uri(file)).toString()) for file in files}


def missing_files(store: Store, table: str, version: int, there: dict[str, File]) -> list[str] | None:
    """Return the paths of a version's files that are gone; None if not even the log tells which they were.

    Args:
        store: the store.
        table: name of the table.
        version: the version.
        there: what `files_there` says; files of a shallow clone lie elsewhere and are looked for one by one.
    """
    needed = files_needed(store, table, version)
    if needed is None:
        return None
    return sorted(path for path in needed - there.keys() if not _exists(store.spark, path))


def _exists(spark: SparkSession, path: str) -> bool:
    system, there = file_system(spark, path)
    return bool(system.exists(there))
