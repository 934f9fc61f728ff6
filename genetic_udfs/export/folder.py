"""A folder that gets its name when it is whole, and the files in it with their hashes."""

from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import SparkSession

from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.runtime.session import file_system, java_class

DATA: Final = "data"


@dataclass(frozen=True)
class File:
    """A file of a data set: where it is in the folder, its rows and bytes, and the SHA-256 of the latter."""

    path: str
    rows: int
    bytes: int
    sha256: str


class Folder:
    """A folder in the making, in whatever file system Spark knows; it gets its name when it is whole."""

    def __init__(self, spark: SparkSession, path: str) -> None:
        self.path = path
        self._spark = spark
        system, self._there = file_system(spark, path)
        # Hadoop's local file system keeps a hidden checksum beside each file, which nobody asked for.
        local = java_class(spark, "org.apache.hadoop.fs.FileSystem").getLocal(system.getConf())
        self._system: Any = local.getRawFileSystem() if system.getUri().getScheme() == "file" else system
        self._system.mkdirs(self._path(DATA))

    def take(self, file: str, name: str) -> None:
        """Move a file in."""
        _rename(self._system, java_class(self._spark, "org.apache.hadoop.fs.Path")(file), self._path(name))

    def write(self, name: str, text: str) -> None:
        """Write a text."""
        out = self._system.create(self._path(name), True)
        try:
            out.write(bytearray(text.encode()))
        finally:
            out.close()

    def file(self, name: str, rows: int = 0) -> File:
        """Return what there is to say of a file that is in it; its bytes are read by the driver's JVM."""
        digest = java_class(self._spark, "java.security.MessageDigest").getInstance("SHA-256")
        nowhere = java_class(self._spark, "java.io.OutputStream").nullOutputStream()
        hashing = java_class(self._spark, "java.security.DigestOutputStream")(nowhere, digest)
        stream = self._system.open(self._path(name))
        java_class(self._spark, "org.apache.hadoop.io.IOUtils").copyBytes(stream, hashing, 1 << 20, True)
        size = self._system.getFileStatus(self._path(name)).getLen()
        return File(name, rows, size, bytes(digest.digest()).hex())

    def finish(self, path: str) -> None:
        """Give the folder its name; nothing may be there."""
        new = java_class(self._spark, "org.apache.hadoop.fs.Path")(path)
        if self._system.exists(new):  # a folder would be moved into it
            raise ConfigurationError(f"{path}: is there by now, and nothing is overwritten; name another output")
        _rename(self._system, self._there, new)

    def _path(self, name: str) -> Any:
        return java_class(self._spark, "org.apache.hadoop.fs.Path")(f"{self.path}/{name}")


def _rename(system: Any, old: Any, new: Any) -> None:
    if not system.rename(old, new):
        raise StoreError(f"{old.toString()}: cannot be moved to {new.toString()}")
