"""The items nearest to a text by embedding: what a judge is to be asked about."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.config import Paraphrases
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.items import BenchmarkItem
from genetic_udfs.decontamination.same_problem import same_problem_prompt
from genetic_udfs.embedding.model import BEGINNING
from genetic_udfs.embedding.vectors import vectors, with_embeddings
from genetic_udfs.runtime.arrow import batches_of, rows

MODEL_KEY: Final = "decontamination.paraphrases.model"

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
    shared = spark.sparkContext.broadcast(
        (_vectors_of_items(spark, [text for _, text in entries], settings.model), owner)
    )
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


def _vectors_of_items(spark: SparkSession, texts: Sequence[str], model: str) -> NDArray[np.float32]:
    key = model, tuple(texts)
    if key not in _embedded:
        _embedded[key] = vectors(spark, texts, model, MODEL_KEY)
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
    for some, found in with_embeddings(given, settings.model, MODEL_KEY):
        for (name, text), of_text in zip(some, found @ of_items.T, strict=True):
            for number, similarity in choose(of_text, owner, settings.nearest, settings.similarity):
                yield name, text, number, similarity
