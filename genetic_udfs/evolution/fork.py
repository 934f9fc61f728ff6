"""Forks: a store that begins with the generations of another, and goes on under a configuration of its own.

A fork is a copy, so it outlives its origin, and a VACUUM there takes nothing from it. `runs` is copied first and marked
with the origin, `generations` last and as a whole: a fork that was killed between them is known as unfinished, and the
same command completes it.
"""

from dataclasses import dataclass
from typing import Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException
from pyspark.sql import DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config.file import from_working_directory
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.evolution.loop import append_generation
from genetic_udfs.evolution.run import Run
from genetic_udfs.store.integrity import versions_of_generations
from genetic_udfs.store.runs import RUNNING
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, RUNS
from genetic_udfs.store.table_errors import table_error_in
from genetic_udfs.store.tables import SCHEMAS, Store

_TRANSACTION: Final = "fork"


@dataclass(frozen=True)
class Origin:
    """Where a fork starts: a generation of a store."""

    store: str
    generation: int

    def __str__(self) -> str:
        return f"{self.store}@{self.generation}"


def read_origin(text: str, store: str) -> Origin:
    """Read STORE@GENERATION; a relative path is taken from the working directory.

    Args:
        text: as it was given.
        store: the store that is to become the fork.

    Raises:
        ConfigurationError: if it is not of that form, or names the fork itself.
    """
    path, _, number = text.rpartition("@")
    if not path or not number.isdecimal():
        raise ConfigurationError(f"--fork-from {text}: must have the form STORE@GENERATION, such as runs/first@3")
    origin = Origin(from_working_directory(path), int(number))
    if origin.store.rstrip("/") == store.rstrip("/"):
        raise ConfigurationError(f"--fork-from {text}: is the configuration's own store; name another with store")
    return origin


def check_origin(run: Run, origin: Origin | None) -> None:
    """Check, before anything is written, that what is left of a fork to copy can be copied from there.

    Args:
        run: the run.
        origin: None if no fork is asked for.

    Raises:
        ConfigurationError: if the origin is no store, or has no such generation.
        StoreError: if files of that generation's version are gone.
    """
    if origin is None or run.store.exists(GENERATIONS):
        return  # a fork that is whole outlives its origin
    source = Store(run.spark, origin.store)
    numbers = _versions(source)
    if not numbers:
        raise ConfigurationError(f"--fork-from {origin}: {origin.store} is no store, or has no finished generation")
    if origin.generation not in numbers:
        raise ConfigurationError(f"--fork-from {origin}: {origin.store} has generations 0 to {max(numbers)}")
    version = numbers[origin.generation]
    with run.progress.stage(f"fork of {origin}: reading", None):
        try:
            source.read(POPULATION, version).filter(F.length("id") < 0).isEmpty()  # opens every file, and finds nothing
        except (StoreError, PySparkException, Py4JJavaError) as error:
            if not isinstance(error, StoreError) and table_error_in(error) is None:
                raise
            raise StoreError(
                f"--fork-from {origin}: version {version} of {source.path(POPULATION)} cannot be read: a VACUUM has"
                " taken its files, or they are damaged; fork from a generation whose version is still there"
            ) from None


def begin_fork(run: Run, origin: Origin | None) -> None:
    """Copy what a fork begins with into the run's store, or what is left of it; do nothing where it is all there.

    Args:
        run: the run.
        origin: one that `check_origin` has passed; None if no fork is asked for: one that was not finished is refused.

    Raises:
        StoreError: if the store has tables that are not this fork's.
    """
    begun, is_finished = forked_from(run.store), run.store.exists(GENERATIONS)
    if origin is None:
        if begun is not None and not is_finished:
            raise StoreError(
                f"store: {run.store.root} is a fork of {begun} that was not finished; start with --fork-from {begun}"
            )
        return
    if begun is None and any(run.store.exists(table) for table in SCHEMAS):
        raise StoreError(f"--fork-from {origin}: {run.store.root} has tables already; name a new folder as the store")
    if begun not in {None, str(origin)}:
        raise StoreError(f"--fork-from {origin}: {run.store.root} is a fork of {begun}; name a new folder as the store")
    if is_finished:
        run.progress.note(f"is a fork of {origin} already")
    else:
        _copy(run, origin)


def forked_from(store: Store) -> str | None:
    """Return the origin of a store, finished or not; None if it is no fork."""
    runs = store.read(RUNS)
    if "forked_from" not in runs.columns:
        return None
    row = runs.filter(F.col("forked_from").isNotNull()).select("forked_from").first()
    return None if row is None else str(row["forked_from"])


def _copy(run: Run, origin: Origin) -> None:
    source = Store(run.spark, origin.store)
    population = source.read_complete(POPULATION, _versions(source)[origin.generation])
    tables = {name: _until(source, name, origin) for name in (CANDIDATES, REPLIES, GENERATIONS)}
    with run.progress.stage(f"fork of {origin}: copying", None):
        _copy_runs(run, source, origin, [population, *tables.values()])
        for table, rows, first in ((POPULATION, population, 0), (CANDIDATES, tables[CANDIDATES], 1)):
            for generation in range(first, origin.generation + 1):
                append_generation(run, table, rows.filter(F.col("generation") == generation), generation)
        run.store.append(REPLIES, tables[REPLIES], transaction=_TRANSACTION, version=0, run_id=run.id)
        versions = run.spark.createDataFrame(
            list(versions_of_generations(run.store).items()), "generation int, population_version long"
        )
        done = tables[GENERATIONS].drop("population_version").join(F.broadcast(versions), "generation")
        append_generation(run, GENERATIONS, done, origin.generation)


def _versions(source: Store) -> dict[int, int]:
    """Return the version of the population of each finished generation."""
    return {row["generation"]: row["population_version"] for row in source.read(GENERATIONS).collect()}


def _until(source: Store, table: str, origin: Origin) -> DataFrame:
    return source.read_complete(table).filter(F.col("generation") <= origin.generation)


def _copy_runs(run: Run, source: Store, origin: Origin, made: list[DataFrame]) -> None:
    """Copy the runs that had a part in these rows.

    Raises:
        StoreError: if `runs` lacks them all: a fork without them would not be known as one.
    """
    ids = made[0].select("run_id")
    for rows in made[1:]:
        ids = ids.union(rows.select("run_id"))
    runs = source.read_complete(RUNS).join(ids.distinct(), "run_id", "left_semi")
    if runs.isEmpty():
        raise StoreError(f"--fork-from {origin}: {source.path(RUNS)} has none of the runs that made it")
    # One that goes on there is over here, and nothing will say how it ended.
    outcome = F.when(F.col("outcome") == RUNNING, "forked").otherwise(F.col("outcome"))
    marked = runs.withColumns({"forked_from": F.lit(str(origin)), "outcome": outcome})
    run.store.append(RUNS, marked, transaction=_TRANSACTION, version=0, run_id=run.id)
