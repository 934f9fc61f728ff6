"""The embeddings of a population: kept as a table, added to once a generation, for what asks how near texts are.

Everything in it follows from `population`, the model and the seeds, so losing it costs the time to embed again.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F

from genetic_udfs.config import Config, EmbeddingModel
from genetic_udfs.embedding.landmarks import clusters, landmarks, packed, unpacked
from genetic_udfs.embedding.vectors import Embedded, embedded_rows, identity_of
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.population_index import generations_lacking
from genetic_udfs.runtime.arrow import batches_of, local_frame, rows
from genetic_udfs.store.schema import EMBEDDINGS, EMBEDDINGS_SCHEMA, POPULATION
from genetic_udfs.store.tables import Store

_TRANSACTION: Final = "generation"
_LANDMARKS: Final = 64
# Seeds of which landmarks are chosen.
_MAX_SEEDS: Final = 20_000
# Branches of a solution from which it belongs to the next level of difficulty.
_LEVELS: Final = (2, 5, 10)


def embeddings(store: Store, generation: int) -> DataFrame:
    """Return the embeddings of the generations before this one, columns as `schema.EMBEDDINGS_SCHEMA`."""
    return store.read(EMBEDDINGS).filter(F.col("generation") < generation)


def update_embeddings(store: Store, config: Config, run_id: str) -> None:
    """Add what is in the population and not in the table, a generation a commit, each exactly once.

    Nothing is done where the configuration asks for no embeddings.

    Raises:
        ConfigurationError: if the table was made by another model.
    """
    if config.embedding_model is None:
        return
    model = identity_of(config.embedding_model)
    first = store.read(EMBEDDINGS).select("model").first()
    # A release before wrote where the model's folder lies.
    if first is not None and first["model"] not in (model, config.embedding_model.model):
        raise ConfigurationError(
            f"{config.embedding_model.key}: the embeddings in {store.path(EMBEDDINGS)} are by {first['model']}, the"
            f" configuration has {config.embedding_model.model}, which is {model}; set it back, or remove that folder:"
            " the embeddings are then made again"
        )
    for generation in generations_lacking(store, EMBEDDINGS):
        add_embeddings(store, config, run_id, generation)


def add_embeddings(store: Store, config: Config, run_id: str, generation: int, known: DataFrame | None = None) -> None:
    """Add a generation of the population to a table that has all before it, exactly once.

    Args:
        store: the store.
        config: says what embeds; nothing is done where it asks for no embeddings.
        run_id: the run.
        generation: the generation, whose population is committed.
        known: `content_hash` and `vector` of what has been embedded already, others among them.
    """
    if config.embedding_model is None:
        return
    new = store.read(POPULATION).filter(F.col("generation") == generation)
    if generation == 0:
        added = _seeds_in_clusters(embedded_population(new, config.embedding_model, None))
    else:
        added = embedded_population(new, config.embedding_model, _landmarks_of(store), known)
    store.append(EMBEDDINGS, added, transaction=_TRANSACTION, version=generation, run_id=run_id, generation=generation)


def embedded_population(
    new: DataFrame, model: EmbeddingModel, chosen: NDArray[np.float32] | None, known: DataFrame | None = None
) -> DataFrame:
    """Return rows of `embeddings` for individuals of one generation.

    Args:
        new: `id`, `generation`, `instruction`, `content_hash`, `code_branches`.
        model: what embeds them.
        chosen: the landmarks; without them clusters are null.
        known: `content_hash` and `vector` of those that are not embedded again, each once.
    """
    spark = new.sparkSession
    shared, name = spark.sparkContext.broadcast(chosen), identity_of(model)

    def to_rows(found: Embedded) -> Iterator[tuple[Any, ...]]:
        return _rows(*found, shared.value, name)

    def place(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_placed(batches, shared.value, name), EMBEDDINGS_SCHEMA)

    def embed(texts: DataFrame) -> DataFrame:
        return embedded_rows(texts, ["id", "generation", "level", "text"], model, to_rows, EMBEDDINGS_SCHEMA)

    given = new.select("id", "content_hash", F.col("instruction").alias("text"), "generation", level().alias("level"))
    if known is None:
        return embed(given)
    lacking = given.join(known, "content_hash", "left_anti")
    placed = given.join(known, "content_hash").mapInArrow(place, EMBEDDINGS_SCHEMA)
    return placed.unionByName(embed(lacking))


def level() -> Column:
    """Return an individual's level of difficulty by the branches of its solution: 0 and up, null for a seed."""
    reached = (F.when(F.col("code_branches") >= bound, 1).otherwise(0) for bound in _LEVELS)
    return F.when(F.col("code_branches").isNotNull(), sum(reached, F.lit(0)))


def _placed(
    batches: Iterable[pa.RecordBatch], chosen: NDArray[np.float32] | None, model: str
) -> Iterator[tuple[Any, ...]]:
    for batch in batches:
        if some := [*rows([batch], "id", "generation", "level", "vector")]:
            yield from _rows(some, unpacked([row[-1] for row in some]), chosen, model)


def _rows(
    some: Sequence[tuple[Any, ...]],
    vectors: NDArray[np.float32],
    chosen: NDArray[np.float32] | None,
    model: str,
) -> Iterator[tuple[Any, ...]]:
    of = [None] * len(some) if chosen is None else clusters(vectors, chosen).tolist()
    for (name, generation, level_, _), vector, cluster in zip(some, packed(vectors), of, strict=True):
        yield generation, name, model, vector, cluster, level_


def _seeds_in_clusters(seeds: DataFrame) -> DataFrame:
    """Choose the landmarks among the seeds, and put each seed into its cluster."""
    embedded = seeds.toArrow().to_pylist()
    vectors = unpacked([row["vector"] for row in embedded])
    of = clusters(vectors, _chosen([row["id"] for row in embedded], vectors))
    found = [{**row, "cluster": cluster} for row, cluster in zip(embedded, of.tolist(), strict=True)]
    return local_frame(seeds.sparkSession, found, EMBEDDINGS_SCHEMA)


def _landmarks_of(store: Store) -> NDArray[np.float32]:
    """Return the landmarks among the seeds: the same in each process."""
    seeds = store.read(EMBEDDINGS).filter("generation = 0").select("id", "vector").toArrow().to_pylist()
    return _chosen([row["id"] for row in seeds], unpacked([row["vector"] for row in seeds]))


def _chosen(ids: Sequence[str], vectors: NDArray[np.float32]) -> NDArray[np.float32]:
    order = sorted(range(len(ids)), key=lambda at: hashlib.sha256(ids[at].encode()).digest())
    return landmarks(vectors[order[:_MAX_SEEDS]], _LANDMARKS)
