"""The files of a data set: so many for each split, of like size, in an order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column, DataFrame, Observation
from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.export.folder import DATA, Folder
from genetic_udfs.export.formats import FileType
from genetic_udfs.export.outcome import WrittenSplit
from genetic_udfs.export.ranks import numbered
from genetic_udfs.runtime.checkpoint import Checkpoint
from genetic_udfs.runtime.session import file_system
from genetic_udfs.store.row_bytes import row_bytes

# The hub asks for files below 500 MB, and readers in parallel want several.
_SHARD_BYTES: Final = 256 * 2**20


@dataclass(frozen=True)
class SplitFiles:
    """A split: its pairs, and how many files it is written to."""

    name: str
    rows: int
    shards: int


def planned(sizes: Mapping[str, tuple[int, int]], shards: int | None) -> list[SplitFiles]:
    """Return the splits, with the number of files of each.

    Args:
        sizes: rows and bytes of each split; the first is `train`.
        shards: of the first split; the others have as many in proportion. None for files of 256 MiB, not compressed.
    """
    of_first = next(iter(sizes.values()))[0]
    found = []
    for name, (rows, size) in sizes.items():
        wanted = -(-size // _SHARD_BYTES) if shards is None else round(shards * rows / of_first)
        found.append(SplitFiles(name, rows, min(max(1, wanted), rows)))
    return found


def place(
    assigned: DataFrame, splits: Sequence[SplitFiles], order: Sequence[Column | str], checkpoint: Checkpoint
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
    rows: DataFrame,
    columns: Mapping[str, str],
    placed: DataFrame,
    split: SplitFiles,
    file_type: FileType,
    parts: str,
    folder: Folder,
) -> WrittenSplit:
    """Write the files of a split into a folder under their names.

    Args:
        rows: pairs, with `id`.
        columns: the columns to write, each with the SQL expression over those of `rows`.
        placed: as of `place`.
        split: the split.
        file_type: how.
        parts: a folder that is made, where Spark writes them first.
        folder: where they go.

    Raises:
        StoreError: if other rows were written than were counted.
    """
    own = placed.filter(F.col("split") == split.name)
    num_bytes = _write_parts(rows, columns, own, split, file_type, parts)
    counts = own.groupBy("shard").count().orderBy("shard").collect()
    system, there = file_system(rows.sparkSession, parts)
    paths = [status.getPath() for status in system.listStatus(there)]
    written = sorted(path.toString() for path in paths if path.getName().startswith("part-"))
    files = []
    for part, row in zip(written, counts, strict=True):
        name = f"{DATA}/{split.name}-{row['shard']:05d}-of-{split.shards:05d}.{file_type}"  # as the hub names them
        folder.take(part, name)
        files.append(folder.file(name, row["count"]))
    return WrittenSplit(split.name, split.rows, num_bytes, files)


def _write_parts(
    rows: DataFrame, columns: Mapping[str, str], own: DataFrame, split: SplitFiles, file_type: FileType, parts: str
) -> int:
    """Write a split's rows, a file for each shard, and return the bytes of their values."""
    written = Observation()
    row = F.struct(*(F.expr(how).alias(name) for name, how in columns.items()))  # in which any column may be
    found = rows.select("id", row.alias("row")).join(own.select("id", "shard", "rank"), "id")
    data = found.repartitionById(split.shards, F.col("shard")).sortWithinPartitions("rank").select("row.*")
    size = F.coalesce(F.sum(row_bytes(data.schema)), F.lit(0))
    writer = data.observe(written, F.count(F.lit(1)).alias("rows"), size.alias("bytes")).write
    if file_type is FileType.PARQUET:
        writer.option("compression", "zstd").parquet(parts)
    else:
        writer.option("ignoreNullFields", "false").json(parts)
    if written.get["rows"] != split.rows:
        raise StoreError(
            f"the split {split.name!r} has {split.rows} pairs, and {written.get['rows']} rows were found of them: the"
            " population has several rows with one id, or has lost some; jobs/evolve.py names them"
        )
    return int(written.get["bytes"])
