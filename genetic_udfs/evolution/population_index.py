"""The near-duplicate index of a population: kept as two tables, added to once a generation, rebuilt by one command.

Everything in it follows from `population` and the settings in its manifest, so losing it costs time and nothing else.
"""

import hashlib
from typing import Any, Final

from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Config
from genetic_udfs.data.text import TEXT_VERSION
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.indexed import index_rows
from genetic_udfs.dedup.signatures import hash_family
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store.schema import DEDUP_INDEX, DEDUP_INDEX_SCHEMA, DEDUP_MANIFEST, DEDUP_MANIFEST_SCHEMA, POPULATION
from genetic_udfs.store.tables import Store

_TRANSACTION: Final = "generation"

# To be raised with every change of the index's columns or of what they hold.
_LAYOUT: Final = 1

_REBUILD: Final = "rebuild it from the population: jobs/dedup.py CONFIG --rebuild-index"


def indexed(store: Store, generation: int) -> DataFrame:
    """Return what is known of the population of the generations before this one, columns as `columns.INDEXED`.

    Args:
        store: the store; its index is complete (`update_index`).
        generation: the one that is being made.
    """
    return store.read(DEDUP_INDEX).filter(F.col("generation") < generation).drop("generation")


def update_index(store: Store, config: Config, run_id: str, *, is_new: bool = False) -> None:
    """Add what is in the population and not in the index, a generation a commit, each exactly once.

    A run calls it at its start, for what a killed run left undone.

    Args:
        store: the store.
        config: whose settings and seed are taken.
        run_id: the run.
        is_new: whether generation 0 is all that the population has: then nothing else can be lacking.

    Raises:
        ConfigurationError: if the index was made by other settings, naming them.
    """
    check_manifest(store, config)
    if not store.exists(DEDUP_MANIFEST):
        row = local_frame(store.spark, [manifest(store, config)], DEDUP_MANIFEST_SCHEMA)
        store.append(DEDUP_MANIFEST, row, transaction="creation", version=0, run_id=run_id)
    lacking = [0] if is_new else generations_lacking(store, DEDUP_INDEX)
    for generation in lacking:  # one without a row that is not blank is never known
        add_to_index(store, config, run_id, generation)


def generations_lacking(store: Store, table: str) -> list[int]:
    """Return the generations that are in the population and not in a table that follows from it, in order."""
    there, known = (
        {row["generation"] for row in store.read(name).select("generation").distinct().collect()}
        for name in (POPULATION, table)
    )
    return sorted(there - known)


def add_to_index(store: Store, config: Config, run_id: str, generation: int, known: DataFrame | None = None) -> None:
    """Add a generation of the population to an index that has all before it, exactly once.

    Args:
        store: the store.
        config: whose settings and seed are taken.
        run_id: the run.
        generation: the generation, whose population is committed.
        known: what the index keeps of some of them, and of others, columns as `columns.INDEXED`.
    """
    new = store.read(POPULATION).filter(F.col("generation") == generation).select(c.ID, "instruction")
    if known is None:
        rows = index_of(store, config, new)
    else:
        lacking = new.join(known.select(c.ID), c.ID, "left_anti")
        rows = known.join(new.select(c.ID), c.ID, "left_semi").unionByName(index_of(store, config, lacking))
    rows = rows.withColumn("generation", F.lit(generation))
    store.append(DEDUP_INDEX, rows, transaction=_TRANSACTION, version=generation, run_id=run_id, generation=generation)


def rebuild_index(store: Store, config: Config, run_id: str) -> int:
    """Replace the index by one made of the whole population with these settings; return its number of rows."""
    row = local_frame(store.spark, [manifest(store, config)], DEDUP_MANIFEST_SCHEMA)
    # Without a manifest the index is refused: it stands for nothing until all of it is made.
    store.replace(DEDUP_MANIFEST, row.limit(0), run_id=run_id)
    population = store.read(POPULATION)
    generations = population.select(c.ID, "generation")
    store.replace(DEDUP_INDEX, index_of(store, config, population).join(generations, c.ID), run_id=run_id)
    if (last := population.agg(F.max("generation")).collect()[0][0]) is not None:
        # A run that was killed between its population and its index would add the last generation once more.
        nothing = local_frame(store.spark, [], DEDUP_INDEX_SCHEMA)
        store.append(DEDUP_INDEX, nothing, transaction=_TRANSACTION, version=last, run_id=run_id)
    store.replace(DEDUP_MANIFEST, row, run_id=run_id)
    return store.read(DEDUP_INDEX).count()


def index_of(store: Store, config: Config, individuals: DataFrame) -> DataFrame:
    """Return what the index keeps of individuals, columns as `columns.INDEXED`.

    Args:
        store: the store.
        config: whose settings and seed are taken.
        individuals: `id`, `instruction`.
    """
    family = hash_family(store.spark, config.seed, config.dedup.bands * config.dedup.rows)
    return index_rows(individuals.select(c.ID, F.col("instruction").alias(c.TEXT)), family, config.dedup)


def manifest(store: Store, config: Config) -> dict[str, Any]:
    """Return what decides the index: a row of `dedup_manifest`."""
    settings = config.dedup
    family = hash_family(store.spark, config.seed, settings.bands * settings.rows)
    return {
        "layout": _LAYOUT,
        "text": TEXT_VERSION,
        "seed": config.seed,
        "shingle_words": settings.shingle_words,
        "bands": settings.bands,
        "rows": settings.rows,
        "family": hashlib.sha256(repr((family.a, family.b)).encode()).hexdigest()[:16],
    }


def check_manifest(store: Store, config: Config) -> None:
    """Refuse an index that other settings made, or that was not made to its end.

    Raises:
        ConfigurationError: naming each of the settings, with both values.
    """
    if not store.exists(DEDUP_MANIFEST) and not store.exists(DEDUP_INDEX):
        return
    there = store.read(DEDUP_MANIFEST).first()
    if there is None:
        raise ConfigurationError(f"{store.path(DEDUP_INDEX)}: is incomplete; {_REBUILD}")
    here = manifest(store, config)
    found = there.asDict()
    differing = [name for name in here if here[name] != found.get(name)]
    if differing:
        lines = "".join(f"\n  {name}: {found.get(name)} in the index, {here[name]} here" for name in differing)
        raise ConfigurationError(f"{store.path(DEDUP_INDEX)}: was built with other settings:{lines}\n{_REBUILD}")
