"""Numbered records of which each can be added by one process alone, wherever a store lies.

They are written through Delta's LogStore, by which Delta itself makes sure that one of two commits at once wins: a
conditional write, a rename, or a table beside the bucket, as the storage has it. No Spark job is run for them, so they
are written in time even when every task slot is taken.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from py4j.protocol import Py4JError, Py4JJavaError
from pyspark.sql import SparkSession

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.session import java_class

_NAME: Final = re.compile(r"(\d{20})\.json")
# What reading a record can end in while it is replaced: on a local disk Hadoop puts its checksum beside it.
_REPLACED: Final = ("java.io.FileNotFoundException", "org.apache.hadoop.fs.ChecksumException")


@dataclass(frozen=True)
class NumberedLog:
    """The records of a folder, each a JSON object in a file named by its number, from 0 on."""

    spark: SparkSession
    folder: str

    def latest(self) -> int | None:
        """Return the number of the last record, or None where there is none.

        Raises:
            StoreError: if the folder cannot be read.
        """
        try:
            files = self._java.asJava(self._logs.listFrom(self._path(0), self._hadoop))
            names = [file.getPath().getName() for file in files]
        except Py4JJavaError as error:
            if _is(error, "java.io.FileNotFoundException"):
                return None
            raise self._error("be read", error) from None
        except Py4JError as error:
            raise self._error("be read", error) from None
        return max((int(found[1]) for name in names if (found := _NAME.fullmatch(name))), default=None)

    def read(self, number: int) -> dict[str, Any] | None:
        """Return a record; None if it is gone, or is being written at this moment.

        Raises:
            StoreError: if the folder cannot be read.
        """
        try:
            text = "\n".join(self._java.asJava(self._logs.read(self._path(number), self._hadoop)))
            record = json.loads(text)
        except Py4JJavaError as error:
            if _is(error, *_REPLACED):
                return None
            raise self._error("be read", error) from None
        except Py4JError as error:
            raise self._error("be read", error) from None
        except ValueError:
            return None
        return record if isinstance(record, dict) else None

    def add(self, number: int, record: dict[str, Any]) -> bool:
        """Add a record under a number that has none; return False if another process has added one.

        Raises:
            StoreError: if the folder cannot be written to.
        """
        try:
            self._make_folder(self._path(number).getParent())
            self._write(number, record, overwrite=False)
        except Py4JJavaError as error:
            if _is(error, "java.nio.file.FileAlreadyExistsException"):
                return False
            raise self._error("be written", error) from None
        except Py4JError as error:
            raise self._error("be written", error) from None
        return True

    def replace(self, number: int, record: dict[str, Any]) -> None:
        """Replace a record; only the process that has added it does so.

        Raises:
            StoreError: if the folder cannot be written to.
        """
        try:
            self._write(number, record, overwrite=True)
        except Py4JError as error:
            raise self._error("be written", error) from None

    def _write(self, number: int, record: dict[str, Any], *, overwrite: bool) -> None:
        lines = java_class(self.spark, "java.util.ArrayList")()
        lines.add(json.dumps(record))
        self._logs.write(self._path(number), self._java.asScala(lines.iterator()), overwrite, self._hadoop)

    def _make_folder(self, folder: Any) -> None:
        """Make the folder, unless it is there; Hadoop's local file system does not say why it could not."""
        if not folder.getFileSystem(self._hadoop).mkdirs(folder):
            raise StoreError(
                f"store: {folder.getParent().toString()} cannot be created or written to: its file system makes no"
                " folder there; name another one as the store, or let this user write there"
            )

    def _path(self, number: int) -> Any:
        return java_class(self.spark, "org.apache.hadoop.fs.Path")(f"{self.folder}/{number:020d}.json")

    def _error(self, what: str, error: Py4JError) -> StoreError:
        said = error.java_exception.toString() if isinstance(error, Py4JJavaError) else str(error)
        return StoreError(f"{self.folder}: cannot {what}: {said}")

    @cached_property
    def _hadoop(self) -> Any:
        return self.spark._jsparkSession.sessionState().newHadoopConf()

    @cached_property
    def _logs(self) -> Any:
        return java_class(self.spark, "org.apache.spark.sql.delta.storage.LogStore").apply(self.spark._jsparkSession)

    @cached_property
    def _java(self) -> Any:
        return java_class(self.spark, "scala.jdk.javaapi.CollectionConverters")


def _is(error: Py4JJavaError, *names: str) -> bool:
    """Tell whether Java's exception, or one that caused it, is of one of some classes."""
    cause = error.java_exception
    while cause is not None:
        if cause.getClass().getName() in names:
            return True
        cause = cause.getCause()
    return False
