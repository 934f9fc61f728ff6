"""The files of a data set: so many for each split, of like size, in an order, with a hash of each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Observation, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.export.formats import FileType
from genetic_udfs.export.ranks import Checkpoint, numbered
from genetic_udfs.runtime.session import file_system, java_class

DATA: Final = "data"
# The hub asks for files below 500 MB, and readers in parallel want several.
_SHARD_BYTES: Final = 256 * 2**20


@dataclass(frozen=True)
class Split:
    """A split: its pairs, the bytes of their texts, and how many files it is written to."""

    name: str
    rows: int
    text_bytes: int
    shards: int


@dataclass(frozen=True)
class File:
    """A file of a data set: where it is in the folder, its rows and bytes, and the SHA-256 of the latter."""

    path: str
    split: str
    rows: int
    bytes: int
    sha256: str


def planned(sizes: Mapping[str, tuple[int, int]], shards: int | None) -> list[Split]:
    """Return the splits, with the number of files of each.

    Args:
        sizes: rows and bytes of the texts of each split; the first is `train`.
        shards: of the first split; the others have as many in proportion. None for files of 256 MiB of text.
    """
    of_first = next(iter(sizes.values()))[0]
    found = []
    for name, (rows, text_bytes) in sizes.items():
        wanted = -(-text_bytes // _SHARD_BYTES) if shards is None else round(shards * rows / of_first)
        found.append(Split(name, rows, text_bytes, min(max(1, wanted), rows)))
    return found


def place(
    assigned: DataFrame, splits: Sequence[Split], order: Sequence[Column | str], checkpoint: Checkpoint
) -> DataFrame:
    """Say for each pair in which file it goes, and where.

    Args:
        assigned: `id`, `ordinal` and `split`, null for pairs that are in none.
        splits: the splits.
        order: what pairs are sorted by within a split; total.
        checkpoint: stores the sorted rows.

    Returns:
        `id`, `split`, `shard` (0..) and `rank`, which rises within a shard.
    """
    names = sorted(split.name for split in splits)
    by_name = {split.name: split for split in splits}
    ranked = numbered(assigned.filter("split IS NOT NULL"), ["split", *order], "order", checkpoint)
    shard, start = F.lit(None).cast("int"), 0
    for name in names:
        split = by_name[name]
        within = F.floor((F.col("rank") - start) * split.shards / split.rows).cast("int")
        shard = F.when(F.col("split") == name, within).otherwise(shard)
        start += split.rows
    return ranked.select("id", "split", shard.alias("shard"), "rank")


def write_split(
    rows: DataFrame, columns: Mapping[str, str], placed: DataFrame, split: Split, file_type: FileType, folder: str
) -> list[str]:
    """Write the files of a split to a folder that is made; return their paths, in order.

    Args:
        rows: pairs, with `id`.
        columns: the columns to write, each with the SQL expression over those of `rows`.
        placed: as of `place`.
        split: the split.
        file_type: how.
        folder: where.

    Raises:
        StoreError: if other rows were written than were counted.
    """
    own = placed.filter(F.col("split") == split.name).select(
        F.col("id").alias("_id"), F.col("shard").alias("_shard"), F.col("rank").alias("_rank")
    )
    written = Observation()
    made = (
        rows.join(own, F.col("id") == F.col("_id"))
        .select(*(F.expr(made).alias(name) for name, made in columns.items()), "_shard", "_rank")
        .repartitionById(split.shards, F.col("_shard"))
        .sortWithinPartitions("_rank")
        .drop("_shard", "_rank")
        .observe(written, F.count(F.lit(1)).alias("rows"))
        .write
    )
    if file_type is FileType.PARQUET:
        made.option("compression", "zstd").parquet(folder)
    else:
        made.option("ignoreNullFields", "false").json(folder)
    if written.get["rows"] != split.rows:
        raise StoreError(
            f"the split {split.name!r} has {split.rows} pairs, and {written.get['rows']} rows were found of them: the"
            " population has several rows with one id, or has lost some; jobs/evolve.py names them"
        )
    system, path = file_system(rows.sparkSession, folder)
    return sorted(
        status.getPath().toString()
        for status in system.listStatus(path)
        if status.getPath().getName().startswith("part-")
    )


def name_of(split: Split, number: int, file_type: FileType) -> str:
    """Return the path of a file in the data set's folder, as the hub names them."""
    return f"{DATA}/{split.name}-{number:05d}-of-{split.shards:05d}.{file_type}"


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

    def size_and_hash(self, name: str) -> tuple[int, str]:
        """Return the bytes of a file, and their SHA-256 in hex; it is read by the driver's JVM."""
        digest = java_class(self._spark, "java.security.MessageDigest").getInstance("SHA-256")
        nowhere = java_class(self._spark, "java.io.OutputStream").nullOutputStream()
        hashing = java_class(self._spark, "java.security.DigestOutputStream")(nowhere, digest)
        stream = self._system.open(self._path(name))
        java_class(self._spark, "org.apache.hadoop.io.IOUtils").copyBytes(stream, hashing, 1 << 20, True)
        return self._system.getFileStatus(self._path(name)).getLen(), bytes(digest.digest()).hex()

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
