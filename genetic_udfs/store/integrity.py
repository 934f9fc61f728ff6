"""What holds among the rows of a store as a run leaves them, checked before a run goes on from them.

Draws of parents join on `population.ordinal`, and lineage follows `parents`: rows that somebody has changed by hand
would not fail there, but quietly give another population.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.store.presence import refuse_lost_tables
from genetic_udfs.store.schema import GENERATIONS, POPULATION, SEED
from genetic_udfs.store.tables import Store

_NAMED: Final = 3  # of the rows that break one rule


def check_integrity(store: Store) -> int:
    """Check that no table is missing, then ordinals, ids, parents and the sizes of generations.

    Returns:
        The size of the population, 0 where there is none yet.

    Raises:
        StoreError: naming the table that is missing, or rows of each rule that is broken, how many there are, and the
            version to go back to.
    """
    refuse_lost_tables(store)
    if not store.exists(POPULATION):
        return 0
    population, generations = store.read(POPULATION), store.read(GENERATIONS)
    sizes = {row["generation"]: row["count"] for row in population.groupBy("generation").count().collect()}
    rows = generations.select("generation", "population_size").orderBy("generation").collect()
    _refuse_broken(store, GENERATIONS, _in_generations(store, rows, sizes))
    _refuse_broken(store, POPULATION, [*_in_sizes(rows, sizes), *_in_order(population), *_in_lineage(population)])
    return sum(sizes.values())


def versions_of_generations(store: Store, table: str = POPULATION) -> dict[int, int]:
    """Return which version of a table each generation was committed as, from the commits' metadata."""
    if not store.exists(table):
        return {}
    history = store.table(table).history().select("version", "userMetadata")
    described = {row["version"]: json.loads(row["userMetadata"] or "{}") for row in history.collect()}
    return {metadata["generation"]: version for version, metadata in described.items() if "generation" in metadata}


def restore_hint(store: Store, table: str = POPULATION) -> str:
    """Return what brings a table back to the last generation that was committed; empty if its history has none."""
    versions = versions_of_generations(store, table)
    if not versions:
        return ""
    return (
        f": RESTORE TABLE {store.name(table)} TO VERSION AS OF {versions[max(versions)]} with jobs/sql.py"
        " brings it back to the last generation that was committed"
    )


def _refuse_broken(store: Store, table: str, broken: Iterable[str]) -> None:
    lines = "".join(f"\n  {line}" for line in broken)
    if lines:
        raise StoreError(
            f"{store.path(table)}: breaks these rules, so the run does not start:{lines}"
            f"\nRepair these rows{restore_hint(store, table)}"
        )


def _in_generations(store: Store, rows: Sequence[Row], sizes: Mapping[int | None, int]) -> Iterator[str]:
    """Yield where `generations` has a gap, or lacks a generation that a run has committed to the population."""
    numbers = [row["generation"] for row in rows]
    if numbers != list(range(len(numbers))):
        yield f"generations: the numbers are {numbers}, and should be 0 to {len(numbers) - 1}"
    elif (last := _last(sizes)) > len(numbers) and last in versions_of_generations(store):
        yield _too_late(numbers, last)


def _in_sizes(rows: Sequence[Row], sizes: Mapping[int | None, int]) -> Iterator[str]:
    """Yield generations of the population that are null, come too late, or have another size than they had."""
    numbers = [row["generation"] for row in rows]
    if None in sizes:
        yield f"generation: is null in {sizes[None]} rows"
    if (last := _last(sizes)) > len(numbers):  # the one after those in `generations` is that of a run that was killed
        yield _too_late(numbers, last)
    for row in rows[-1:]:
        size = sum(n for generation, n in sizes.items() if generation is not None and generation <= row["generation"])
        if size != row["population_size"]:
            yield (
                f"generation {row['generation']}: the population had {row['population_size']} rows"
                f" ({GENERATIONS}.population_size), and has {size}"
            )


def _last(sizes: Mapping[int | None, int]) -> int:
    return max((generation for generation in sizes if generation is not None), default=0)


def _too_late(numbers: Sequence[int], last: int) -> str:
    return f"generations: the last is {max(numbers, default=-1)}, but the population has generation {last}"


def _in_order(population: DataFrame) -> Iterator[str]:
    """Yield ids that are not unique, and ordinals that are not 0..N-1."""
    count = F.count(F.lit(1)).alias("rows")
    rows, ordinals, first, last, ids = population.agg(
        count, F.count_distinct("ordinal"), F.min("ordinal"), F.max("ordinal"), F.count_distinct("id")
    ).collect()[0]
    if ids != rows:
        repeated = population.groupBy("id").agg(count).filter("rows > 1 OR id IS NULL")
        yield from _some(repeated, "id", lambda row: f"id {row['id']!r}: stands in {row['rows']} rows")
    if rows and (ordinals, first, last) != (rows, 0, rows - 1):
        ids_of = F.sort_array(F.collect_list("id")).alias("ids")
        odd = (
            population.groupBy("ordinal")
            .agg(count, ids_of)
            .filter((F.col("rows") > 1) | F.col("ordinal").isNull() | ~F.col("ordinal").between(0, rows - 1))
        )

        def described(row: Row) -> str:
            who = ", ".join(map(repr, row["ids"][:_NAMED]))
            return f"ordinal {row['ordinal']}: is that of {who}; {rows} rows have 0 to {rows - 1}, each once"

        yield from _some(odd, "ordinal", described)


def _in_lineage(population: DataFrame) -> Iterator[str]:
    """Yield rows without parents, and parents that are not there, or that are not older than their child."""
    orphans = population.filter((F.col("operator") != SEED) & (F.coalesce(F.size("parents"), F.lit(0)) < 1))
    yield from _some(orphans, "ordinal", lambda row: f"id {row['id']!r}: has no parents, and is no seed")
    known = population.select(F.col("id").alias("parent"), F.col("ordinal").alias("parent_ordinal"))
    links = population.select("id", "ordinal", F.explode("parents").alias("parent")).join(known, "parent", "left")
    lost, younger = "is not in the population", "is not older than it"
    is_younger = F.col("parent_ordinal") >= F.col("ordinal")
    fault_of = F.when(F.col("parent_ordinal").isNull(), lost).when(is_younger, younger)
    broken = links.select("id", "ordinal", "parent", fault_of.alias("fault")).distinct().filter("fault IS NOT NULL")
    found = {row["fault"] for row in broken.select("fault").distinct().collect()}  # in one look, as there are none
    for fault in (fault for fault in (lost, younger) if fault in found):
        yield from _some(
            broken.filter(F.col("fault") == fault),
            ["ordinal", "parent"],
            lambda row: f"id {row['id']!r}: its parent {row['parent']!r} {row['fault']}",
        )


def _some(rows: DataFrame, order: str | list[str], described: Callable[[Row], str]) -> Iterator[str]:
    """Yield descriptions of the first rows that break a rule, and how many more there are."""
    first = rows.orderBy(order).limit(_NAMED + 1).collect()
    yield from map(described, first[:_NAMED])
    if len(first) > _NAMED:
        yield f"and {rows.count() - _NAMED} more of this kind"
