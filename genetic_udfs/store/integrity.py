"""What holds among the rows of a store as a run leaves them, checked before a run goes on from them.

Draws of parents join on `population.ordinal`, and lineage follows `parents`: rows that somebody has changed by hand
would not fail there, but quietly give another population.
"""

import json
from collections.abc import Iterator
from typing import Final

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.schema import GENERATIONS, POPULATION, SEED
from genetic_udfs.store.tables import Store

_NAMED: Final = 3  # of the rows that break one rule


def check_integrity(store: Store) -> None:
    """Check ordinals, ids, parents and the sizes of generations.

    Raises:
        StoreError: naming rows of each rule that is broken, and the version to go back to.
    """
    population, generations = store.read(POPULATION), store.read(GENERATIONS)
    broken = [*_in_generations(population, generations), *_in_order(population), *_in_lineage(population)]
    if broken:
        versions = versions_of_generations(store)
        back = (
            f": RESTORE TABLE {store.name(POPULATION)} TO VERSION AS OF {versions[max(versions)]} with jobs/sql.py"
            " brings it back to the last generation that was committed"
            if versions
            else ""
        )
        raise StoreError(
            f"{store.path(POPULATION)}: is not as a run leaves it, so nothing is made of it:"
            + "".join(f"\n  {line}" for line in broken)
            + f"\nMend these rows{back}"
        )


def versions_of_generations(store: Store) -> dict[int, int]:
    """Return which version of the population each generation was committed as, from the commits' metadata."""
    history = store.table(POPULATION).history().select("version", "userMetadata")
    told = {row["version"]: json.loads(row["userMetadata"] or "{}") for row in history.collect()}
    return {metadata["generation"]: version for version, metadata in told.items() if "generation" in metadata}


def _in_generations(population: DataFrame, generations: DataFrame) -> Iterator[str]:
    """Yield where `generations` has a gap or another size of the population than there is."""
    sizes = {row["generation"]: row["count"] for row in population.groupBy("generation").count().collect()}
    rows = generations.select("generation", "population_size").orderBy("generation").collect()
    numbers = [row["generation"] for row in rows]
    if numbers != list(range(len(numbers))):
        yield f"generations: the numbers are {numbers}, and should be 0 to {len(numbers) - 1}"
    if nowhere := sizes.pop(None, 0):
        yield f"generation: is null in {nowhere} rows"
    last = numbers[-1] if numbers else -1
    if max(sizes, default=last) > last + 1:  # the one after it is that of a run that was killed
        yield f"generations: the last is {last}, but the population has generation {max(sizes)}"
    for row in rows[-1:]:
        size = sum(count for generation, count in sizes.items() if generation <= row["generation"])
        if size != row["population_size"]:
            yield (
                f"generation {row['generation']}: the population had {row['population_size']} rows"
                f" ({GENERATIONS}.population_size), and has {size}"
            )


def _in_order(population: DataFrame) -> Iterator[str]:
    """Yield ids that are not unique, and ordinals that are not 0..N-1."""
    count = F.count(F.lit(1)).alias("rows")
    rows, ordinals, least, most, ids = population.agg(
        count, F.count_distinct("ordinal"), F.min("ordinal"), F.max("ordinal"), F.count_distinct("id")
    ).collect()[0]
    if ids != rows:
        repeated = population.groupBy("id").agg(count).filter("rows > 1 OR id IS NULL")
        yield from (f"id {row['id']!r}: stands in {row['rows']} rows" for row in _some(repeated, "id"))
    if rows and (ordinals, least, most) != (rows, 0, rows - 1):
        ids_of = F.sort_array(F.collect_list("id")).alias("ids")
        odd = (
            population.groupBy("ordinal")
            .agg(count, ids_of)
            .filter((F.col("rows") > 1) | F.col("ordinal").isNull() | ~F.col("ordinal").between(0, rows - 1))
        )
        for row in _some(odd, "ordinal"):
            who = ", ".join(map(repr, row["ids"][:_NAMED]))
            yield f"ordinal {row['ordinal']}: is that of {who}; {rows} rows have 0 to {rows - 1}, each once"


def _in_lineage(population: DataFrame) -> Iterator[str]:
    """Yield parents that are not there, or that are not older than their child."""
    known = population.select(F.col("id").alias("parent"), F.col("ordinal").alias("parent_ordinal"))
    links = population.select("id", "ordinal", F.explode("parents").alias("parent")).join(known, "parent", "left")
    is_lost = F.col("parent_ordinal").isNull()
    broken = links.filter(is_lost | (F.col("parent_ordinal") >= F.col("ordinal"))).distinct()
    orphans = population.filter((F.col("operator") != SEED) & (F.coalesce(F.size("parents"), F.lit(0)) < 1))
    for row in _some(orphans, "ordinal"):
        yield f"id {row['id']!r}: has no parents, and is no seed"
    for row in _some(broken, "ordinal"):
        fault = "is not in the population" if row["parent_ordinal"] is None else "is not older than it"
        yield f"id {row['id']!r}: its parent {row['parent']!r} {fault}"


def _some(rows: DataFrame, order: str) -> list[Row]:
    return rows.orderBy(order).limit(_NAMED).collect()
