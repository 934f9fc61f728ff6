"""Has tasks embed texts: by a model that each Python worker loads once, or by an engine that they ask."""

import itertools
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql.types import ArrayType, FloatType, IntegerType, StructField, StructType

from genetic_udfs.config import EmbeddingModel
from genetic_udfs.embedding.model import BEGINNING, embedder
from genetic_udfs.engine.embedding_request import vector_in
from genetic_udfs.engine.failure import marked
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.engine.model_identity import identity_of_files, model_identity
from genetic_udfs.engine.stage import feeder_slots, task_profile
from genetic_udfs.engine.udf import Asking
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.arrow import batches_of, rows
from genetic_udfs.runtime.session import task_slots

# Texts embedded at once: enough to put those of like length together.
_TEXTS_AT_ONCE: Final = 256

_NUMBER: Final = "number"
_TEXT: Final = "text"
_NUMBERED: Final = StructType(
    [StructField(_NUMBER, IntegerType()), StructField("vector", ArrayType(FloatType(), containsNull=False))]
)

Embedded = tuple[list[tuple[Any, ...]], NDArray[np.float32]]
"""Some rows, and the vectors of their texts."""


def embedded_rows(
    given: DataFrame,
    columns: Sequence[str],
    model: EmbeddingModel,
    to_rows: Callable[[Embedded], Iterator[tuple[Any, ...]]],
    schema: StructType,
) -> DataFrame:
    """Have tasks embed a text of each row, and make rows of it.

    Args:
        given: rows; they are spread over all tasks that can embed.
        columns: their columns, of which the last is the text; null counts as empty.
        model: what embeds.
        to_rows: makes rows of some rows and their vectors, which have a length of one.
        schema: the columns of the rows that are made.

    Raises:
        EngineError: when it is computed, if a worker cannot load the model, or the engine cannot serve.
    """
    spark = given.sparkSession
    engine, gpus = model.engine, ExecutorGpus.of_session(spark)
    slots = task_slots(spark) if engine is None else feeder_slots(spark, engine)
    asking = None if engine is None else Asking(model.engine_name, engine, None, feeders=slots, gpus=gpus)

    def embed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        each = rows(batches, *columns)
        found = _by_worker(each, model) if asking is None else _by_engine(each, model, asking)
        return batches_of(itertools.chain.from_iterable(map(to_rows, found)), schema)

    spread = given.select(*columns).repartition(slots)
    return spread.mapInArrow(embed, schema, profile=None if engine is None else task_profile(spark, engine, gpus))


def vectors(spark: SparkSession, texts: Sequence[str], model: EmbeddingModel) -> NDArray[np.float32]:
    """Return the embeddings of a few thousand texts, a row each.

    Args:
        spark: the session.
        texts: what is embedded; only a text's beginning counts.
        model: what embeds.

    Raises:
        EngineError: if a worker cannot load the model, or the engine cannot serve.
    """
    numbered = spark.createDataFrame(list(enumerate(texts)), f"{_NUMBER} int, {_TEXT} string")
    found = embedded_rows(numbered, [_NUMBER, _TEXT], model, _numbered, _NUMBERED)
    # Sorted here: a sort of Spark's would embed everything once more, to see how it is spread.
    ordered = sorted(found.collect(), key=lambda row: int(row[_NUMBER]))
    return np.array([row["vector"] for row in ordered], np.float32)


def identity_of(model: EmbeddingModel) -> str:
    """Return what decides on a text's vector: the model, who runs it, and of how much of a text, where that is set."""
    if model.engine is None:
        return identity_of_files(model.model)
    length = model.engine.known_length
    return f"engine {model_identity(model.engine)}{'' if length is None else f', max_model_len {length}'}"


def _by_worker(given: Iterator[tuple[Any, ...]], model: EmbeddingModel) -> Iterator[Embedded]:
    """Yield rows with their vectors; what goes wrong is marked, so that the driver finds it again."""
    while some := list(itertools.islice(given, _TEXTS_AT_ONCE)):
        try:
            yield some, embedder(model.model, model.key)([row[-1] or "" for row in some])
        except EngineError as error:
            raise marked(error) from None


def _by_engine(given: Iterator[tuple[Any, ...]], model: EmbeddingModel, asking: Asking) -> Iterator[Embedded]:
    """Yield rows with their vectors, as the engine answers; a text that it refuses ends the stage."""
    read: deque[tuple[Any, ...]] = deque()

    def texts() -> Iterator[list[str]]:
        for row in given:
            read.append(row)
            yield [(row[-1] or "")[:BEGINNING]]

    for replies in asking.replies(texts()):
        some = [read.popleft() for _ in replies]
        for row, reply in zip(some, replies, strict=True):
            if reply.error is not None:
                text = (row[-1] or "")[:60]
                raise marked(EngineError(f"{model.key}: engine {asking.name!r} does not embed {text!r}: {reply.error}"))
        if some:
            yield some, np.array([vector_in(reply.text or "") for reply in replies], np.float32)


def _numbered(found: Embedded) -> Iterator[tuple[int, list[float]]]:
    for (number, _), vector in zip(*found, strict=True):
        yield number, vector.tolist()
