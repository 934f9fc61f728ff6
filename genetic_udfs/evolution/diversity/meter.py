"""Measures each generation as it is committed: what is drawn of it, what came before, and the figures of both.

A sample is the individuals with the smallest draws, so the sample of all that came before follows from the samples of
its generations: each text is embedded once. What a process has not seen made, it reads once from the population.
"""

import hashlib
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from pyspark.sql import Column
from pyspark.sql import functions as F

from genetic_udfs.data.seeds import Seed
from genetic_udfs.embedding.model import check_embedding
from genetic_udfs.embedding.vectors import identity_of, vectors
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.diversity.distances import Spread, distinct_3, spread, to_nearest
from genetic_udfs.evolution.diversity.pedigree import Members, Pedigree, entropy, gini, share_with_descendants
from genetic_udfs.evolution.run import Run
from genetic_udfs.store.schema import POPULATION

# Individuals beyond which nothing is said of descent: their pedigree takes some 60 bytes each of the driver's memory.
_MAX_PEDIGREE: Final = 10_000_000
# Columns of what is collected of a generation.
MEMBERS: Final = "members"
DRAWN: Final = "drawn"
_DIGITS: Final = 15  # hexadecimal ones of a hash: 60 bits


class DiversityMeter:
    """Knows the individuals that the generations before have, by the draws of a run's seed."""

    def __init__(self, run: Run, seeds: Sequence[Seed]) -> None:
        self._run = run
        self._settings, self._model = run.config.diversity, run.config.diversity_model
        self._topics = {_hash_of(seed.id): seed.topic for seed in seeds}
        self._pedigree: Pedigree | None = Pedigree()  # none of too large a population
        self._has_earlier = False
        self._draws = np.empty(0)
        self._vectors: NDArray[np.float32] | None = None
        self._embeds: bool | None = None

    def columns(self, is_member: Column, size: int) -> list[Column]:
        """Return aggregates that collect what `measure` needs of the rows that are members of a generation.

        Args:
            is_member: tells which they are.
            size: how many individuals there are at most, those of earlier generations among them.
        """
        if not self._settings.sample:
            return []
        if size > _MAX_PEDIGREE:
            self._pedigree = None
        draw = F.when(is_member, self._draw())
        drawn = F.struct(draw.alias("draw"), F.col("instruction").alias("text"))
        members = F.collect_list(F.when(is_member, F.struct(*_descent_columns())))
        return [
            F.min_by(drawn, draw, self._settings.sample).alias(DRAWN),
            *([] if self._pedigree is None else [members.alias(MEMBERS)]),
        ]

    def measure_seeds(self, seeds: Sequence[Seed]) -> dict[str, Any] | None:
        """Return a `schema.DIVERSITY` for generation 0."""
        if not self._settings.sample:
            return None
        nothing = np.empty(0, np.int64)
        ids = np.array([_hash_of(seed.id) for seed in seeds], np.int64)
        zeros = np.zeros(len(ids), np.int64)
        draws = np.array([_unit_of(f"{self._run.config.seed}/diversity/{seed.id}") for seed in seeds])
        self._has_earlier = True
        return self._measure(Members(ids, zeros, nothing, zeros), draws, [seed.instruction for seed in seeds])

    def measure(self, generation: int, collected: pa.Table) -> dict[str, Any] | None:
        """Return a `schema.DIVERSITY` for a generation.

        Args:
            generation: its number, from 1.
            collected: the rows with the aggregates of `columns`.
        """
        if not self._settings.sample:
            return None
        if not self._has_earlier:
            self._catch_up(generation)
        draws, texts = _flat(collected[DRAWN])
        members = None if self._pedigree is None else _members(_flat(collected[MEMBERS]))
        return self._measure(members, draws.to_numpy(), texts.to_pylist())

    def _measure(self, members: Members | None, draws: NDArray[np.float64], texts: Sequence[str]) -> dict[str, Any]:
        sample = np.argsort(draws, kind="stable")[: self._settings.sample]
        draws, texts = draws[sample], [texts[at] for at in sample]
        embedded = self._embedded(texts)
        seed = self._run.config.seed
        other = earlier = None
        if embedded is not None:
            other = spread(to_nearest(embedded), seed)
            if self._vectors is not None:
                earlier = spread(to_nearest(embedded, self._vectors), seed)
        self._keep(draws, embedded)
        words = distinct_3(texts)
        return {
            "sample": len(texts),
            "model": identity_of(self._model) if embedded is not None else None,
            "distinct_3": words and words.share,
            "distinct_3_low": words and words.low,
            "distinct_3_high": words and words.high,
            "nearest_other": _as_dict(other),
            "nearest_earlier": _as_dict(earlier),
            **self._descent(members),
        }

    def _descent(self, new: Members | None) -> dict[str, Any]:
        """Return what is said of who descends from whom, nothing of too large a population."""
        if self._pedigree is None or new is None:
            return {"topics": None, "gini": None, "lineage_entropy": None}
        self._pedigree.add(new)
        members = self._pedigree.positions(new.ids)
        seeds = [*self._topics]
        at = self._pedigree.positions(np.array(seeds, np.int64))
        given = self._pedigree.contributions(members)[at[at >= 0]]
        topics = [self._topics[seed] for seed, position in zip(seeds, at, strict=True) if position >= 0]
        return {
            "topics": share_with_descendants(topics, given) if len(members) else None,
            "gini": gini(given),
            "lineage_entropy": entropy(self._pedigree.lineages(members)),
        }

    def _catch_up(self, generation: int) -> None:
        """Read what earlier generations have, once in a process that has not made them."""
        earlier = self._run.store.read(POPULATION).filter(F.col("generation") < generation)
        if self._pedigree is not None:
            rows = earlier.select(*_descent_columns()).toArrow()
            self._pedigree.add(_members([column.combine_chunks() for column in rows.columns]))
        first = earlier.select(self._draw().alias("draw"), "instruction").orderBy("draw").limit(self._settings.sample)
        drawn = first.toArrow()
        self._keep(drawn["draw"].to_numpy(), self._embedded(drawn["instruction"].to_pylist()))
        self._has_earlier = True

    def _keep(self, draws: NDArray[np.float64], embedded: NDArray[np.float32] | None) -> None:
        """Add a sample to that of all earlier individuals, and cut it to the size of one."""
        if not len(draws):
            return
        if embedded is not None and self._vectors is not None:
            embedded = np.concatenate((self._vectors, embedded))
        draws = np.concatenate((self._draws, draws))
        kept = np.argsort(draws, kind="stable")[: self._settings.sample]
        self._draws = draws[kept]
        self._vectors = None if embedded is None else embedded[kept]

    def _embedded(self, texts: Sequence[str]) -> NDArray[np.float32] | None:
        """Return the embeddings of texts; None where there is no model, which is said once."""
        if self._embeds is None:
            self._embeds = self._can_embed()
        if not self._embeds or not texts:
            return None
        try:
            with self._run.progress.stage(f"diversity: embedding {len(texts)} instructions", None):
                return vectors(self._run.spark, texts, self._model)
        except Exception as error:
            if (known := engine_error_in(error)) is None:
                raise
            self._embeds = False
            self._run.progress.note(f"no distances between instructions are measured: {known}")
            return None

    def _can_embed(self) -> bool:
        try:
            check_embedding(self._model)
        except ConfigurationError as error:
            self._run.progress.note(f"no distances between instructions are measured: {error}")
            return False
        return True

    def _draw(self) -> Column:
        return _unit(F.concat_ws("/", F.lit(self._run.config.seed), F.lit("diversity"), "id"))


def _descent_columns() -> list[Column]:
    """Return what a pedigree keeps of an individual: `id`, `kind` and `parents`."""
    return [
        _hash("id").alias("id"),
        F.xxhash64(F.coalesce("task", "operator")).alias("kind"),
        F.transform("parents", _hash).alias("parents"),
    ]


def _hash(id_: Column | str) -> Column:
    return F.conv(F.substring(F.sha2(id_, 256), 1, _DIGITS), 16, 10).cast("long")


def _hash_of(id_: str) -> int:
    """Return for a text what `_hash` does for a column."""
    return int(hashlib.sha256(id_.encode()).hexdigest()[:_DIGITS], 16)


def _unit(label: Column) -> Column:
    """Return a draw from [0, 1) for a label."""
    return _hash(label) / F.lit(float(16**_DIGITS))


def _unit_of(label: str) -> float:
    return _hash_of(label) / float(16**_DIGITS)


def _flat(lists: pa.ChunkedArray) -> list[pa.Array]:
    """Return the fields of the structs in all lists of a column."""
    structs: pa.StructArray = lists.combine_chunks().flatten()
    fields: list[pa.Array] = structs.flatten()
    return fields


def _members(fields: Sequence[pa.Array]) -> Members:
    ids, kinds, parents = fields
    counts = pc.list_value_length(parents).fill_null(0).to_numpy(zero_copy_only=False).astype(np.int64)
    flat = parents.flatten().to_numpy(zero_copy_only=False).astype(np.int64)
    return Members(ids.to_numpy(), kinds.to_numpy(), flat, counts)


def _as_dict(found: Spread | None) -> dict[str, float] | None:
    return None if found is None else found._asdict()
