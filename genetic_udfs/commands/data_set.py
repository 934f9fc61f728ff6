"""The steps from a store's pairs to a folder that is a data set: read, select, clean, split, place, write.

Every row that is written was checked against the test sets here, in every text that is written of it.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from genetic_udfs.config import PYTHON
from genetic_udfs.decontamination import BenchmarkItem, contamination, digests
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.export.card import card
from genetic_udfs.export.features import features_of
from genetic_udfs.export.folder import Folder
from genetic_udfs.export.formats import MODEL, REJECTED_ID, FileType, columns_of
from genetic_udfs.export.manifest import manifest
from genetic_udfs.export.outcome import Export, ExportOptions, WrittenSplit
from genetic_udfs.export.preference import with_rejected, worse_solutions
from genetic_udfs.export.provenance import names_of_test_sets, read_provenance
from genetic_udfs.export.selection import (
    chosen_generation,
    pairs_of,
    reading_where,
    selected,
    texts_of,
    with_model,
)
from genetic_udfs.export.shards import SplitFiles, place, planned, write_split
from genetic_udfs.export.splits import TRAIN, links_of, sizes_of, split_by_lineage
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.runtime.session import literal_path
from genetic_udfs.store.row_bytes import row_bytes
from genetic_udfs.store.schema import CANDIDATES, POPULATION
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

_CARD: Final = "README.md"
_MANIFEST: Final = "manifest.json"
# Rows among which the card's example is the shortest.
_EXAMPLES: Final = 50


@dataclass(frozen=True)
class Task:
    """What every step of an export is given."""

    store: Store
    options: ExportOptions
    output: str
    shares: Mapping[str, float]
    seed: int
    items: list[BenchmarkItem]
    scratch: Scratch
    progress: Progress


@dataclass(frozen=True)
class _Source:
    """The pairs up to a generation: `rows` are those that have what the format wants, `columns` what is written."""

    generation: int
    version: int
    population: DataFrame
    pairs: DataFrame
    rows: DataFrame
    columns: Mapping[str, str]


def write_data_set(task: Task) -> Export:
    """Take the steps from a store to a folder with its name."""
    _refuse_fewer_test_sets(task.store, task.items)
    source = _read(task)
    rows = with_model(source.rows, task.store) if MODEL in source.columns.values() else source.rows
    schema = rows.select(*(F.expr(how).alias(name) for name, how in source.columns.items())).schema
    features = features_of(schema)
    chosen = _select(task, source, schema)
    clean, contaminated = _clean(task, source, chosen)
    assigned, contents = _split(task, source, clean)
    splits, placed = _place(task, assigned, contents)
    folder = Folder(task.store.spark, f"{task.scratch.root}/whole")
    written = _write_files(task, rows, source.columns, splits, placed, folder)
    kept = [row for row in contents if row["split"] is not None]
    done = Export(
        name=task.output.rstrip("/").rpartition("/")[2],
        options=task.options,
        shares=task.shares,
        seed=task.seed,
        generation=source.generation,
        population_version=source.version,
        pairs=source.pairs.count(),
        selected=task.scratch.count(chosen),
        contaminated=contaminated,
        test_sets=digests(task.items),
        apart=sum(row["rows"] for row in contents if row["split"] is None),
        languages=_totals(kept, "language", "rows"),
        with_reasoning=sum(row["with_reasoning"] for row in kept),
        splits=written,
        features=features,
        example=_example(task, f"{folder.path}/{written[0].files[0].path}", schema),
    )
    folder.write(_CARD, card(done, read_provenance(task.store, source.generation)))
    listed = manifest(done, task.store.root, folder.file(_CARD))
    folder.write(_MANIFEST, json.dumps(listed, indent=2, ensure_ascii=False) + "\n")
    folder.finish(task.output)
    return done


def _refuse_fewer_test_sets(store: Store, items: list[BenchmarkItem]) -> None:
    """Refuse to check pairs against fewer test sets than the store's own runs did; which ones they are, names say.

    Raises:
        ConfigurationError: naming the test sets that are not there.
    """
    if lacking := sorted(names_of_test_sets(store) - digests(items).keys()):
        raise ConfigurationError(
            f"decontamination: lacks the test sets {', '.join(lacking)}, against which a run of {store.root} checked"
            " its pairs, and the export has to check them all; name the files as that run's configuration does"
            " (jobs/sql.py has it in `runs`)"
        )


def _read(task: Task) -> _Source:
    store, options = task.store, task.options
    generation = chosen_generation(store, options.generation)
    version = store.version(POPULATION)
    population = store.read_complete(POPULATION, version).filter(F.col("generation") <= generation)
    columns = columns_of(options.format, population.columns, preference=options.preference, reasoning=options.reasoning)
    rows = pairs = pairs_of(population)
    if options.preference:
        worse = worse_solutions(pairs, store.read_complete(CANDIDATES))
        with task.progress.stage("test sets: worse solutions", None):
            texts = texts_of(columns, worse)
            solutions = worse.select(F.col(REJECTED_ID).alias("id"), *texts)
            found = _contaminated(task, solutions, "contaminated-solutions")
        rows = with_rejected(pairs, worse, found)
        if rows.isEmpty():
            raise ConfigurationError(
                "--preference: no pair has another solution that passed fewer tests or has a lower fitness; it takes"
                " roles.coder.samples above 1, and a Tester, the problems' own examples or the Judge's fitness of each"
            )
    return _Source(generation, version, population, pairs, rows, columns)


def _select(task: Task, source: _Source, schema: StructType) -> DataFrame:
    """Return `id`, `ordinal`, `size`, `language` and `thinks` of the rows that the condition takes.

    `size` are the bytes of what is written, without the model's name, which is read later.
    """
    where = task.options.where
    written = F.struct(*(F.expr(how).alias(name) for name, how in source.columns.items()))
    language = F.lower(F.coalesce("language", F.lit(PYTHON)))  # releases that knew Python alone did not write it
    with task.progress.stage("selecting", None), reading_where(where):
        rows = selected(source.rows, where).withColumn(MODEL, F.lit(None).cast("string"))
        chosen = rows.withColumn("written", written).select(
            "id",
            "ordinal",
            row_bytes(StructType().add("written", schema)).alias("size"),
            language.alias("language"),
            F.col("reasoning").isNotNull().alias("thinks"),
        )
        return task.scratch.checkpoint(chosen, "selected")


def _clean(task: Task, source: _Source, chosen: DataFrame) -> tuple[DataFrame, dict[str, int]]:
    """Return the chosen rows that hold no test item, and how many of the others hold one of each test set."""
    scratch = task.scratch
    with task.progress.stage("test sets", None):
        texts = texts_of(source.columns, source.rows)
        new = source.rows.join(chosen.select("id"), "id", "left_semi").select("id", *texts)
        found = _contaminated(task, new, "contaminated")
        counts = {row[0]: row[1] for row in found.groupBy("contaminated_by").count().collect()}
    clean = scratch.checkpoint(chosen.join(found, "id", "left_anti"), "clean")
    total = scratch.count(clean)
    if not total:
        raise ConfigurationError(_nothing_left(task.options, scratch.count(chosen)))
    if clean.select(F.count_distinct("ordinal")).collect()[0][0] != total:
        raise StoreError(
            f"{task.store.path(POPULATION)}: several rows have one ordinal; jobs/evolve.py names them, and how to"
            " repair it"
        )
    return clean, counts


def _contaminated(task: Task, rows: DataFrame, name: str) -> DataFrame:
    texts = [column for column in rows.columns if column != "id"]
    return task.scratch.checkpoint(contamination(rows, task.items, texts=texts), name)


def _split(task: Task, source: _Source, clean: DataFrame) -> tuple[DataFrame, list[Row]]:
    """Return the clean rows with `split`, and what there is of each split and language."""
    scratch, assigned = task.scratch, clean.withColumn("split", F.lit(TRAIN))
    with task.progress.stage("splitting", None):
        if task.shares:
            links = scratch.checkpoint(links_of(source.population), "links")
            sizes = sizes_of(task.shares, scratch.count(clean))
            of = split_by_lineage(clean.select("ordinal"), links, sizes, task.seed, scratch.checkpoint)
            assigned = scratch.checkpoint(clean.join(of, "ordinal"), "split")
        contents = assigned.groupBy("split", "language").agg(
            F.count(F.lit(1)).alias("rows"),
            F.sum("size").alias("bytes"),
            F.count_if("thinks").alias("with_reasoning"),
        )
        return assigned, contents.collect()


def _place(task: Task, assigned: DataFrame, contents: list[Row]) -> tuple[list[SplitFiles], DataFrame]:
    """Return the splits with their files, and where each row goes."""
    options = task.options
    rows, sizes = (_totals(contents, "split", what) for what in ("rows", "bytes"))
    if TRAIN not in rows:
        raise ConfigurationError("--split: leaves no pair to train with; ask for a smaller share")
    if options.reasoning and not any(row["with_reasoning"] for row in contents if row["split"] is not None):
        raise ConfigurationError(
            "--reasoning: no pair that is left has thoughts: the Coder's model had none, they were not separated"
            " from its answers, or an earlier release made the pairs; leave it out"
        )
    splits = planned({name: (rows[name], sizes[name]) for name in (TRAIN, *task.shares)}, options.shards)
    order: list[Column | str] = [] if options.shuffle is None else [F.xxhash64(F.lit(options.shuffle), "id")]
    with task.progress.stage("placing", None):
        placed = place(assigned, splits, [*order, "ordinal"], task.scratch.checkpoint)
        return splits, task.scratch.checkpoint(placed, "placed")


def _totals(contents: list[Row], key: str, what: str) -> dict[Any, int]:
    """Return the sums of a column by the values of another."""
    totals: dict[Any, int] = {}
    for row in contents:
        totals[row[key]] = totals.get(row[key], 0) + row[what]
    return totals


def _write_files(
    task: Task, rows: DataFrame, columns: Mapping[str, str], splits: list[SplitFiles], placed: DataFrame, folder: Folder
) -> list[WrittenSplit]:
    written = []
    for split in splits:
        with task.progress.stage(f"writing {split.name}", None):
            parts = f"{task.scratch.root}/parts-{split.name}"
            written.append(write_split(rows, columns, placed, split, task.options.file_type, parts, folder))
    return written


def _example(task: Task, file: str, schema: StructType) -> str:
    """Return a short one of the first rows of a file as JSON, as it is there."""
    reader = task.store.spark.read.format("json" if task.options.file_type is FileType.JSONL else "parquet")
    rows = reader.schema(schema).load(literal_path(file)).limit(_EXAMPLES)
    texts = [row[0] for row in rows.select(F.to_json(F.struct("*"), {"ignoreNullFields": "false"})).collect()]
    return json.dumps(json.loads(min(texts, key=len)), indent=2, ensure_ascii=False)


def _nothing_left(options: ExportOptions, selected: int) -> str:
    if selected:
        return "nothing is left to write: every pair that is selected holds an item of a test set"
    if options.where is not None:
        return f"--where {options.where}: is true of no pair"
    return "there is no pair to write"
