"""`jobs/export.py`: writes a store's pairs as a data set. What was rejected, or holds a test item, never gets out."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame, SparkSession
from pyspark.sql import functions as F
from rich.console import Console

from genetic_udfs.commands.any_table import check_output, scratch_beside
from genetic_udfs.commands.session import job_progress, job_session
from genetic_udfs.config import Config
from genetic_udfs.config.file import from_working_directory, load_config
from genetic_udfs.decontamination import BenchmarkItem, contamination, digests, read_items
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.export.card import Export, card
from genetic_udfs.export.features import features_of
from genetic_udfs.export.formats import (
    MODEL,
    PREFERENCE_FORMATS,
    REJECTED_CODE,
    REJECTED_RESPONSE,
    ExportFormat,
    FileType,
    columns_of,
)
from genetic_udfs.export.preference import with_rejected
from genetic_udfs.export.provenance import read_provenance
from genetic_udfs.export.shards import File, Folder, Split, name_of, place, planned, write_split
from genetic_udfs.export.splits import TRAIN, links_of, read_splits, sizes_of, split_by_lineage
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.presence import last_generation
from genetic_udfs.store.schema import CANDIDATES, POPULATION, REPLIES
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.tables import Store

# Rows among which the card's example is the shortest.
_EXAMPLES: Final = 50
_DATA_EXCEPTION: Final = "22"  # SQL's class of states for values that an expression cannot work on


@dataclass(frozen=True)
class ExportOptions:
    """What is wanted: a format and a place, and which pairs in which files."""

    format: ExportFormat
    output: str
    where: str | None = None
    generation: int | None = None
    split: tuple[str, ...] = ()
    shuffle: int | None = None
    shards: int | None = None
    file_type: FileType = FileType.PARQUET
    preference: bool = False


def export(config: Path, options: ExportOptions, overrides: list[str] | None = None) -> None:
    """Write the pairs of a store as a data set: files, a dataset card and a manifest of hashes."""
    settings = load_config(config, overrides or [])
    shares, items = checked(options), read_items(settings.decontamination)
    with job_session(settings, "export") as spark, job_progress(spark) as progress:
        written = run(spark, settings, options, shares, items, progress)
    print_summary(Console(width=120, highlight=False), written, options.output)


def checked(options: ExportOptions) -> dict[str, float]:
    """Check what can be wrong with the options before Spark starts; return the shares of the splits.

    Raises:
        ConfigurationError: naming the option.
    """
    if options.generation == 0:
        raise ConfigurationError("--generation 0: is the seeds, which have no solutions; name a later one")
    if options.preference and options.format not in PREFERENCE_FORMATS:
        raise ConfigurationError(f"--preference: has the formats {', '.join(PREFERENCE_FORMATS)}, not {options.format}")
    if options.format is ExportFormat.PARQUET and options.file_type is not FileType.PARQUET:
        raise ConfigurationError(f"--format parquet: is written as Parquet, not as {options.file_type}")
    return read_splits(options.split)


def run(
    spark: SparkSession,
    config: Config,
    options: ExportOptions,
    shares: Mapping[str, float],
    items: list[BenchmarkItem],
    progress: Progress,
) -> Export:
    """Select, split and write; the folder gets its name when it is whole.

    Args:
        spark: the session.
        config: names the store.
        options: what is wanted.
        shares: of `checked`.
        items: the test sets.
        progress: where stages are reported.

    Raises:
        ConfigurationError: if an option is wrong, nothing is left to write, or it cannot be written.
        StoreError: if the store has no pairs, or is damaged.
    """
    output = from_working_directory(options.output)
    check_output(spark, output)
    store = Store(spark, config.store)
    with translate_table_errors(), scratch_beside(spark, output) as scratch:
        return _write(store, config.seed, options, output, shares, items, scratch, progress)


def _write(
    store: Store,
    seed: int,
    options: ExportOptions,
    output: str,
    shares: Mapping[str, float],
    items: list[BenchmarkItem],
    scratch: Scratch,
    progress: Progress,
) -> Export:
    generation = chosen_generation(store, options.generation)
    version = store.version(POPULATION)
    population = store.read(POPULATION, version).filter(F.col("generation") <= generation)
    pairs = population.filter("generation > 0")
    rows = with_rejected(pairs, store.read(CANDIDATES)) if options.preference else pairs
    texts = ["instruction", "code", "response", *((REJECTED_RESPONSE, REJECTED_CODE) if options.preference else ())]
    wanted = selected(rows, options.where)
    with progress.stage("selecting", None), reading_where(options.where):
        size = sum((F.coalesce(F.octet_length(text), F.lit(0)) for text in texts), F.lit(0))
        chosen = scratch.checkpoint(wanted.select("id", "ordinal", size.cast("long").alias("size")), "selected")
    with progress.stage("test sets", None):
        new = rows.select("id", *texts).join(chosen.select("id"), "id", "left_semi")
        found = scratch.checkpoint(contamination(new, items, texts=texts), "contaminated")
        tainted = {row[0]: row[1] for row in found.groupBy("contaminated_by").count().collect()}
    clean = scratch.checkpoint(chosen.join(found, "id", "left_anti"), "clean")
    total = scratch.count(clean)
    if not total:
        raise ConfigurationError(_nothing_left(options, scratch.count(chosen)))
    if clean.select(F.count_distinct("ordinal")).collect()[0][0] != total:
        raise StoreError(
            f"{store.path(POPULATION)}: several rows have one ordinal; jobs/evolve.py names them, and how to repair it"
        )
    with progress.stage("splitting", None):
        assigned = clean.withColumn("split", F.lit(TRAIN))
        if shares:
            links = scratch.checkpoint(links_of(population), "links")
            sizes = sizes_of(shares, total)
            of = split_by_lineage(clean.select("ordinal"), links, sizes, seed, scratch.checkpoint)
            assigned = scratch.checkpoint(clean.join(of, "ordinal"), "split")
        counts = assigned.groupBy("split").agg(F.count(F.lit(1)).alias("rows"), F.sum("size").alias("bytes")).collect()
        by_name = {row["split"]: (row["rows"], row["bytes"]) for row in counts}
        if TRAIN not in by_name:
            raise ConfigurationError("--split: leaves no pair to train with; ask for a smaller share")
        splits = planned({name: by_name[name] for name in (TRAIN, *shares)}, options.shards)
        order: list[Column | str] = [] if options.shuffle is None else [F.xxhash64(F.lit(options.shuffle), "id")]
        placed = scratch.checkpoint(place(assigned, splits, [*order, "ordinal"], scratch.checkpoint), "placed")
    columns = columns_of(options.format, population.columns, preference=options.preference)
    if MODEL in columns.values():
        rows = with_model(rows, store)
    folder = Folder(store.spark, f"{scratch.root}/whole")
    files = []
    for split in splits:
        with progress.stage(f"writing {split.name}", None):
            files += _write_files(rows, columns, placed, split, options.file_type, scratch, folder)
    first = store.spark.read.format("json" if options.file_type is FileType.JSONL else "parquet")
    as_written = rows.select(*(F.expr(made).alias(name) for name, made in columns.items())).schema
    made = Export(
        name=output.rstrip("/").rpartition("/")[2],
        format=options.format,
        preference=options.preference,
        file_type=options.file_type,
        generation=generation,
        population_version=version,
        where=options.where,
        seed=options.shuffle,
        pairs=pairs.count(),
        selected=scratch.count(chosen),
        contaminated=tainted,
        test_sets=digests(items),
        apart=by_name.get(None, (0, 0))[0],
        splits=splits,
        files=files,
        features=features_of(as_written),
        example=_example(first.schema(as_written).load(f"{folder.path}/{files[0].path}")),
    )
    folder.write("README.md", card(made, read_provenance(store, generation)))
    folder.write("manifest.json", json.dumps(manifest(made, store.root), indent=2, ensure_ascii=False) + "\n")
    folder.finish(output)
    return made


def chosen_generation(store: Store, wanted: int | None) -> int:
    """Return the generation that is exported: the one that is wanted, or the last that is finished.

    Raises:
        StoreError: if the store has none, or the seeds alone.
        ConfigurationError: if it has not that one.
    """
    last = last_generation(store)
    if wanted is not None and wanted > last:
        raise ConfigurationError(f"--generation {wanted}: is not finished; {store.root} has 1 to {last}")
    return last if wanted is None else wanted


def selected(rows: DataFrame, where: str | None) -> DataFrame:
    """Return the rows of which an SQL condition is true.

    Raises:
        ConfigurationError: if it is no condition, or names a column that is not there.
    """
    if where is None:
        return rows
    try:
        found = rows.where(where)
        _ = found.schema  # makes Spark look at it
        return found
    except AnalysisException as error:
        text = str(error).partition(";\n")[0].strip()
        raise ConfigurationError(f"--where: {text}\nIt has the columns {', '.join(rows.columns)}") from None


@contextmanager
def reading_where(where: str | None) -> Iterator[None]:
    """Raise a `ConfigurationError` where the body fails because of a value that the condition cannot work on."""
    try:
        yield
    except PySparkException as error:
        if where is None or not (error.getSqlState() or "").startswith(_DATA_EXCEPTION):
            raise
        raise ConfigurationError(f"--where: {str(error).strip().splitlines()[0]}") from None


def with_model(pairs: DataFrame, store: Store) -> DataFrame:
    """Add the model that wrote each pair's solution; null where the ledger does not know it."""
    requests = store.read(CANDIDATES).select(F.col("id"), F.col("coder_request").alias("request_id"))
    models = store.read(REPLIES).select("request_id", F.col("model").alias(MODEL))
    known = requests.join(models, "request_id").select("id", MODEL)
    return pairs.join(known, "id", "left")


def manifest(made: Export, store: str) -> dict[str, Any]:
    """Return what `manifest.json` has: where the data is from, what was asked for, and each file's rows and hash."""
    return {
        "store": store,
        "generation": made.generation,
        "population_version": made.population_version,
        "format": made.format,
        "preference": made.preference,
        "where": made.where,
        "shuffle": made.seed,
        "pairs": made.pairs,
        "selected": made.selected,
        "contaminated": sum(made.contaminated.values()),
        "in_no_split": made.apart,
        "splits": {split.name: split.rows for split in made.splits},
        "files": [
            {"path": file.path, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256} for file in made.files
        ],
    }


def print_summary(console: Console, made: Export, output: str) -> None:
    """Print what was written and what was left out, and how to load it."""
    counts = ", ".join(f"{split.rows:,} in {split.name}" for split in made.splits)
    left = {
        "not selected by --where": made.pairs - made.selected if made.where and not made.preference else 0,
        "found in a test set": sum(made.contaminated.values()),
        "in no split, as ancestors": made.apart,
    }
    console.print(f"{made.rows:,} of {made.pairs:,} pairs written to {output}: {counts}", markup=False, soft_wrap=True)
    for what, count in left.items():
        if count:
            console.print(f"  {count:,} {what}", markup=False)
    console.print(f'Load it: datasets.load_dataset("{output}")', markup=False, soft_wrap=True)


def _write_files(
    rows: DataFrame,
    columns: Mapping[str, str],
    placed: DataFrame,
    split: Split,
    file_type: FileType,
    scratch: Scratch,
    folder: Folder,
) -> list[File]:
    """Write the files of a split into the folder under their names."""
    parts = write_split(rows, columns, placed, split, file_type, f"{scratch.root}/parts-{split.name}")
    counts = placed.filter(F.col("split") == split.name).groupBy("shard").count().orderBy("shard").collect()
    files = []
    for part, row in zip(parts, counts, strict=True):
        name = name_of(split, row["shard"], file_type)
        folder.take(part, name)
        size, digest = folder.size_and_hash(name)
        files.append(File(name, split.name, row["count"], size, digest))
    return files


def _example(rows: DataFrame) -> str:
    """Return a short one of the first rows as JSON, as it is in the files."""
    texts = [row[0] for row in rows.limit(_EXAMPLES).select(F.to_json(F.struct("*"))).collect()]
    return json.dumps(json.loads(min(texts, key=len)), indent=2, ensure_ascii=False)


def _nothing_left(options: ExportOptions, selected: int) -> str:
    if selected:
        return "nothing is left to write: every pair that is selected holds an item of a test set"
    if options.where is not None:
        return f"--where {options.where}: is true of no pair"
    if options.preference:
        return (
            "--preference: no pair has another solution that passed fewer tests or has a lower fitness; they come of"
            " roles.coder.samples above 1 and a Tester"
        )
    return "there is no pair to write"
