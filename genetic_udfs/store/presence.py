"""Which tables a store has to have, by those that are there: a run makes them in one order."""

from typing import Final

from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, RUNS
from genetic_udfs.store.tables import Store

_ORDER: Final = (RUNS, POPULATION, GENERATIONS, REPLIES, CANDIDATES)
_STOPPED_FORK: Final = " (a fork that was stopped lacks it, too: start that again with jobs/evolve.py --fork-from)"


def require(store: Store, *tables: str) -> None:
    """Refuse a store that has not been written to, or that has lost one of these tables.

    Raises:
        StoreError: naming the first of these tables that is not there.
    """
    for table in tables:
        if not store.exists(table):
            _refuse_if_lost(store, table)
            raise StoreError(
                f"store: {store.root} is not a store of this project: there is no table {store.path(table)};"
                " name the store of a run (--set store=...), or run jobs/evolve.py with this configuration first"
            )


def finished_generation(store: Store) -> int:
    """Return the number of the last generation that is finished, 0 for the seeds: later rows may be half a generation.

    Raises:
        StoreError: if it is no store.
    """
    require(store, GENERATIONS, POPULATION)
    (row,) = store.read(GENERATIONS).agg(F.max("generation").alias("last")).collect()
    return int(row["last"] or 0)


def last_generation(store: Store) -> int:
    """Return the number of the last generation that is finished.

    Raises:
        StoreError: if there is none but the seeds, which are no pairs.
    """
    if not (last := finished_generation(store)):
        raise StoreError(
            f"store: {store.root} has no pairs yet: no generation but the seeds is finished; jobs/evolve.py with this"
            " configuration goes on with it"
        )
    return last


def refuse_lost_tables(store: Store) -> None:
    """Refuse a store that has lost a whole table.

    Raises:
        StoreError: naming the table, and those that show that it was there.
    """
    for table in _ORDER:
        if not store.exists(table):
            _refuse_if_lost(store, table)


def _refuse_if_lost(store: Store, table: str) -> None:
    if others := _made_with(store, table):
        names = " and ".join(filter(None, (", ".join(others[:-1]), others[-1])))
        hint = _STOPPED_FORK if table == GENERATIONS else ""
        raise StoreError(
            f"{store.path(table)}: the table {table} is missing, although the store has {names}; put it back from a"
            f" backup{hint}"
        )


def _made_with(store: Store, table: str) -> list[str]:
    """Return the tables that would not be as they are if a table had never been there."""
    later = [other for other in _ORDER[_ORDER.index(table) + 1 :] if store.exists(other)]
    if table == REPLIES:
        is_asked = F.col("instructor_request").isNotNull()
        return later if not store.read(CANDIDATES).filter(is_asked).isEmpty() else []
    has_offspring = {GENERATIONS: POPULATION, CANDIDATES: GENERATIONS}.get(table)
    if has_offspring is not None and not store.read(has_offspring).filter("generation > 0").isEmpty():
        return [has_offspring, *later]
    return later
