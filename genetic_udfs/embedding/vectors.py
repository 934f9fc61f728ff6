"""Has the Python workers of Spark embed texts; each loads the model once."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from pyspark.sql.types import ArrayType, FloatType, IntegerType, StructField, StructType

from genetic_udfs.embedding.model import embedder
from genetic_udfs.engine.failure import marked
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


def vectors(spark: SparkSession, texts: Sequence[str], model: str, key: str) -> NDArray[np.float32]:
    """Return the embeddings of a few thousand texts, a row each.

    Args:
        spark: the session.
        texts: what is embedded; only a text's beginning counts.
        model: as `model.model_folder` takes it.
        key: the YAML key that names it, for errors.

    Raises:
        EngineError: if a worker cannot load the model.
    """

    def embed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_vectors(batches, model, key), _NUMBERED)

    numbered = spark.createDataFrame(list(enumerate(texts)), f"{_NUMBER} int, {_TEXT} string")
    found = numbered.repartition(task_slots(spark)).mapInArrow(embed, _NUMBERED)
    # Sorted here: a sort of Spark's would embed everything once more, to see how it is spread.
    ordered = sorted(found.collect(), key=lambda row: int(row[_NUMBER]))
    return np.array([row["vector"] for row in ordered], np.float32)


def embedded_rows(
    batches: Iterable[pa.RecordBatch], columns: Sequence[str], model: str, key: str
) -> Iterator[tuple[list[tuple[Any, ...]], NDArray[np.float32]]]:
    """Yield some rows at a time, with the embeddings of their last column, which is a text; null counts as empty."""
    return with_embeddings(rows(batches, *columns), model, key)


def with_embeddings(
    given: Iterator[tuple[Any, ...]], model: str, key: str
) -> Iterator[tuple[list[tuple[Any, ...]], NDArray[np.float32]]]:
    """Yield some tuples at a time, with the embeddings of their last parts, texts or null."""
    while some := list(itertools.islice(given, _TEXTS_AT_ONCE)):
        yield some, embedded([row[-1] or "" for row in some], model, key)


def embedded(texts: Sequence[str], model: str, key: str) -> NDArray[np.float32]:
    """Return the embeddings of texts in a worker; what goes wrong is marked, so that the driver finds it again."""
    try:
        return embedder(model, key)(texts)
    except EngineError as error:
        raise marked(error) from None


def _vectors(batches: Iterable[pa.RecordBatch], model: str, key: str) -> Iterator[tuple[int, list[float]]]:
    for some, found in embedded_rows(batches, (_NUMBER, _TEXT), model, key):
        for (number, _), vector in zip(some, found, strict=True):
            yield number, vector.tolist()
