"""Where a pair comes from: the individuals it descends from, or that descend from it, and how each came about.

What the walk reads at each step is one scan of a few columns, whatever the size of the population.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from pyspark.sql import Column, DataFrame, Row
from pyspark.sql import functions as F

from genetic_udfs.errors import StoreError
from genetic_udfs.reporting.labels import operator_label
from genetic_udfs.store.integrity import restore_hint
from genetic_udfs.store.presence import require
from genetic_udfs.store.schema import CANDIDATES, POPULATION, REPLIES, SEED
from genetic_udfs.store.tables import Store

_ROLES: Final = ("instructor", "coder", "judge", "tester")
_SHOWN: Final = 60  # characters of an instruction
MAX_DESCENDANTS: Final = 10_000
_READ: Final = ("id", "generation", "colony", "operator", "task", "fitness", "parents", "instruction")


@dataclass(frozen=True)
class Individual:
    """A seed or pair, or a candidate that was rejected, with the models that made it by their roles."""

    id: str
    generation: int
    colony: int | None
    operator: str
    task: str | None
    fitness: float | None
    instruction: str
    parents: tuple[str, ...]
    reason: str | None
    models: Mapping[str, str]

    def __str__(self) -> str:
        facts = [f"generation {self.generation}"]
        if self.colony is not None:
            facts.append(f"colony {self.colony}")
        facts.append(operator_label(self.operator, self.task))
        facts += [f"{role} {self.models[role]}" for role in _ROLES if role in self.models]
        if self.fitness is not None:
            facts.append(f"fitness {self.fitness:.2f}")
        if self.reason is not None:
            facts.append(f"rejected: {self.reason}")
        text = " ".join(self.instruction.split())
        shown = text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
        return f"{self.id}  {', '.join(facts)}  {shown!r}"


@dataclass(frozen=True)
class Lineage:
    """A part of the family of `root`: who was met, and whom each leads to, one step further away from it."""

    root: str
    individuals: Mapping[str, Individual]
    next_of: Mapping[str, tuple[str, ...]]
    left_out: int = 0  # children at the last level beyond the limit

    def lines(self) -> Iterator[str]:
        """Give the tree a line at a time; what was shown before is named again without what follows from it."""
        yield str(self.individuals[self.root])
        shown = {self.root}
        # A list of its own instead of recursion: families may be deeper than Python's stack.
        waiting = [self._branches(self.root, "")]
        while waiting:
            step = next(waiting[-1], None)
            if step is None:
                waiting.pop()
                continue
            id_, mark, indent = step
            again = id_ in shown and bool(self.next_of.get(id_))
            yield f"{mark}{f'{id_}  (above)' if again else self.individuals[id_]}"
            if not again:
                shown.add(id_)
                waiting.append(self._branches(id_, indent))
        if self.left_out:
            yield f"{self.left_out:,} more children at the last level, and all that follows: descendants_of() has them"

    def _branches(self, id_: str, indent: str) -> Iterator[tuple[str, str, str]]:
        following = self.next_of.get(id_, ())
        for number, one in enumerate(following, start=1):
            last = number == len(following)
            yield one, f"{indent}{'└─ ' if last else '├─ '}", f"{indent}{'   ' if last else '│  '}"


def ancestors(store: Store, pair: str, levels: int | None = None) -> Lineage:
    """Return a pair's family back to its seeds, or so many levels of it.

    Args:
        store: the store.
        pair: the id of an individual, or of a candidate that was rejected.
        levels: how many steps back to go; None for all.

    Raises:
        StoreError: if there is no such id, a parent is missing, or a row is its own ancestor; naming the row.
    """
    root = _root(store, pair)
    met, frontier = {pair: root}, {pair}
    while frontier and (levels is None or levels > 0):
        named_by = {parent: id_ for id_ in sorted(frontier, reverse=True) for parent in met[id_]["parents"] or []}
        for id_ in frontier:
            if not met[id_]["parents"] and met[id_]["operator"] != SEED and met[id_]["is_individual"]:
                raise _broken(store, id_, "has no parents, and is no seed")
        wanted = named_by.keys() - met.keys()
        found = {row["id"]: row for row in _rows(store, F.col("id"), wanted)}
        for missing in sorted(wanted - found.keys()):
            raise _broken(store, named_by[missing], f"names {missing!r} as a parent, which is not in the population")
        met |= found
        frontier = set(found)
        levels = None if levels is None else levels - 1
    next_of = {id_: tuple(p for p in row["parents"] or [] if p in met) for id_, row in met.items()}
    _check_order(store, next_of)
    return Lineage(pair, _individuals(store, met), next_of)


def descendants(store: Store, pair: str, levels: int | None = None, limit: int = MAX_DESCENDANTS) -> Lineage:
    """Return those that descend from a pair or seed, the nearest ones first; arguments and errors as of `ancestors`.

    Args:
        store: the store.
        pair: the id of an individual.
        levels: how many steps to go; None for all.
        limit: how many children are read at most, once for each of their parents: they are held in the driver's memory.
    """
    left_out = 0
    met, frontier = {pair: _root(store, pair)}, {pair}
    next_of: dict[str, tuple[str, ...]] = {}
    while frontier and (levels is None or levels > 0):
        children = _individuals_of(store).select("*", F.explode("parents").alias("parent"))
        next_level = _matching(children, F.col("parent"), frontier)
        found = next_level.orderBy("ordinal", "parent").limit(limit + 1).collect()
        if len(found) > limit:
            found.pop()
            left_out, levels = next_level.count() - len(found), 1
        limit -= len(found)
        for row in found:
            next_of[row["parent"]] = (*next_of.get(row["parent"], ()), row["id"])
        new = {row["id"]: row for row in found if row["id"] not in met}
        met |= new
        frontier = set(new)
        levels = None if levels is None else levels - 1
    _check_order(store, next_of)
    return Lineage(pair, _individuals(store, met), next_of, left_out)


def _root(store: Store, pair: str) -> Row:
    require(store, POPULATION)
    found = [*_rows(store, F.col("id"), {pair})]
    if not found and store.exists(CANDIDATES):
        rejected = store.read(CANDIDATES).filter(F.col("id") == pair)
        found = rejected.select(*_READ, F.lit(False).alias("is_individual")).limit(1).collect()
    if not found:
        raise StoreError(
            f"{store.path(POPULATION)}: no individual and no candidate has the id {pair!r}; ids stand in its"
            ' column `id` (jobs/sql.py CONFIG "SELECT id FROM population")'
        )
    row: Row = found[0]
    return row


def _rows(store: Store, key: Column, ids: Iterable[str]) -> list[Row]:
    return _matching(_individuals_of(store), key, ids).collect()


def _individuals_of(store: Store) -> DataFrame:
    """Return what a walk reads of the population, without solutions and tests, which are most of it."""
    return store.read(POPULATION).select(*_READ, "ordinal", F.lit(True).alias("is_individual"))


def _matching(rows: DataFrame, key: Column, ids: Iterable[str]) -> DataFrame:
    """Return the rows whose key is one of some ids; as a join, as there may be more than fit into an expression."""
    wanted = rows.sparkSession.createDataFrame([(id_,) for id_ in sorted(ids)], "wanted string")
    return rows.join(F.broadcast(wanted), key == F.col("wanted"), "left_semi")


def _check_order(store: Store, next_of: Mapping[str, tuple[str, ...]]) -> None:
    """Refuse rows that lead back to themselves: take away, again and again, those that nothing leads to."""
    leading = {id_: 0 for id_ in next_of}
    for following in next_of.values():
        for id_ in following:
            leading[id_] = leading.get(id_, 0) + 1
    free = [id_ for id_, count in leading.items() if count == 0]
    while free:
        for id_ in next_of.get(free.pop(), ()):
            leading[id_] -= 1
            if leading[id_] == 0:
                free.append(id_)
    circle = sorted(id_ for id_, count in leading.items() if count > 0 and next_of.get(id_))
    if circle:
        raise _broken(store, circle[0], f"is its own ancestor (rows of that circle, or that follow: {circle[:10]})")


def _broken(store: Store, id_: str, what: str) -> StoreError:
    return StoreError(
        f"{store.path(POPULATION)}: the row with id {id_!r} {what}; no run writes such a row."
        f" Repair it{restore_hint(store)}"
    )


def _individuals(store: Store, met: Mapping[str, Row]) -> dict[str, Individual]:
    asked = [row["id"] for row in met.values() if row["operator"] != SEED]
    models, reasons = _models(store, asked) if asked else ({}, {})
    return {
        id_: Individual(
            id=id_,
            generation=row["generation"],
            colony=row["colony"],
            operator=row["operator"],
            task=row["task"],
            fitness=row["fitness"],
            instruction=row["instruction"] or "",
            parents=tuple(row["parents"] or ()),
            reason=reasons.get(id_),
            models=models.get(id_, {}),
        )
        for id_, row in met.items()
    }


def _models(store: Store, ids: list[str]) -> tuple[dict[str, dict[str, str]], dict[str, str]]:
    """Return the model of each role, and the reason of a rejection, by id."""
    candidates = _matching(store.read(CANDIDATES), F.col("id"), ids)
    columns = [name for role in _ROLES if (name := f"{role}_request") in candidates.columns]  # not of old stores
    requests = candidates.select("id", "reason", F.explode(F.array(*columns)).alias("request_id"))
    replies = store.read(REPLIES).select("request_id", "role", "model")
    models: dict[str, dict[str, str]] = {}
    reasons: dict[str, str] = {}
    for row in requests.join(replies, "request_id", "left").collect():
        if row["reason"] is not None:
            reasons[row["id"]] = row["reason"]
        if row["role"] is not None:
            models.setdefault(row["id"], {})[row["role"]] = row["model"]
    return models, reasons
