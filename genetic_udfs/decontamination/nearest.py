"""The items nearest to a text by embedding: what a judge is to be asked about."""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.config import Paraphrases
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.embedding import BEGINNING, embedder
from genetic_udfs.decontamination.items import BenchmarkItem
from genetic_udfs.decontamination.same_problem import same_problem_prompt
from genetic_udfs.engine.failure import marked
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.arrow import batches_of, rows
from genetic_udfs.runtime.session import task_slots

_TEXTS: Final = 256

# What was embedded in this process, by model and texts: each round of a generation asks for the same items.
_embedded: dict[tuple[str, tuple[str, ...]], NDArray[np.float32]] = {}


def nearest_items(new: DataFrame, items: Sequence[BenchmarkItem], settings: Paraphrases) -> DataFrame:
    """Return the pairs of a text and an item about which to ask, with the question.

    Embeddings are computed by the Python workers, each of which loads the model once. The items' are computed at once.

    Args:
        new: `id` and `text`; null and blank texts are near to nothing.
        items: The test sets.
        settings: The model, how many items at most, and the least similarity.

    Returns:
        Columns as `columns.NEAR`: `number` is the item's place in `items`.

    Raises:
        EngineError: if a worker cannot load the model.
    """
    spark = new.sparkSession
    entries = [(number, text) for number, item in enumerate(items) for text in item.instructions]
    if not entries:
        return spark.createDataFrame([], c.NEAR)
    owner = np.array([number for number, _ in entries])
    shared = spark.sparkContext.broadcast((vectors(spark, [text for _, text in entries], settings.model), owner))
    problems = spark.sparkContext.broadcast([item.problem for item in items])

    def near(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        found = _near(batches, *shared.value, settings)
        return batches_of(
            (
                (name, at, similarity, same_problem_prompt(text, problems.value[at]))
                for name, text, at, similarity in found
            ),
            c.NEAR,
        )

    return new.select(c.ID, c.TEXT).mapInArrow(near, c.NEAR)


def vectors(spark: SparkSession, texts: Sequence[str], model: str) -> NDArray[np.float32]:
    """Return the embeddings of a few thousand texts, a row each, computed by the Python workers."""
    key = model, tuple(texts)
    if key not in _embedded:

        def embed(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
            return batches_of(_vectors(batches, model), c.VECTORS)

        numbered = spark.createDataFrame(list(enumerate(texts)), f"{c.NUMBER} int, {c.TEXT} string")
        found = numbered.repartition(task_slots(spark)).mapInArrow(embed, c.VECTORS)
        # Sorted here: a sort of Spark's would embed everything once more, to see how it is spread.
        ordered = sorted(found.collect(), key=lambda row: row[c.NUMBER])
        _embedded[key] = np.array([row[c.VECTOR] for row in ordered], np.float32)
    return _embedded[key]


def choose(
    similarities: NDArray[np.float32], owner: NDArray[np.int64], nearest: int, floor: float
) -> list[tuple[int, float]]:
    """Return the `nearest` items to a text, the nearest first, none below `floor`, as (item, similarity).

    An item is as near as the nearest of its texts.
    """
    best = np.full(int(owner.max()) + 1, -np.inf, np.float32)
    np.maximum.at(best, owner, similarities)
    order = np.argsort(-best, kind="stable")[:nearest]
    return [(int(number), float(best[number])) for number in order if best[number] >= floor]


def _near(
    batches: Iterable[pa.RecordBatch], of_items: NDArray[np.float32], owner: NDArray[np.int64], settings: Paraphrases
) -> Iterator[tuple[str, str, int, float]]:
    given = ((name, text[:BEGINNING]) for name, text in rows(batches, c.ID, c.TEXT) if text and text.strip())
    while some := list(itertools.islice(given, _TEXTS)):
        similarities = _embed([text for _, text in some], settings.model) @ of_items.T
        for (name, text), of_text in zip(some, similarities, strict=True):
            for number, similarity in choose(of_text, owner, settings.nearest, settings.similarity):
                yield name, text, number, similarity


def _vectors(batches: Iterable[pa.RecordBatch], model: str) -> Iterator[tuple[int, list[float]]]:
    given = rows(batches, c.NUMBER, c.TEXT)
    while some := list(itertools.islice(given, _TEXTS)):
        for (number, _), vector in zip(some, _embed([text for _, text in some], model), strict=True):
            yield number, vector.tolist()


def _embed(texts: Sequence[str], model: str) -> NDArray[np.float32]:
    try:
        return embedder(model)(texts)
    except EngineError as error:
        raise marked(error) from None
