"""The items nearest to a text by embedding: what a judge is to be asked about."""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import EmbeddingModel, Paraphrases
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.items import BenchmarkItem
from genetic_udfs.decontamination.same_problem import same_problem_prompt
from genetic_udfs.embedding.model import BEGINNING
from genetic_udfs.embedding.vectors import Embedded, embedded_rows, identity_of, vectors

# What was embedded in this process, by model and texts: each round of a generation asks for the same items.
_embedded: dict[tuple[str, tuple[str, ...]], NDArray[np.float32]] = {}


def nearest_items(
    new: DataFrame, items: Sequence[BenchmarkItem], settings: Paraphrases, model: EmbeddingModel
) -> DataFrame:
    """Return the pairs of a text and an item about which to ask, with the question.

    The items' embeddings are computed at once.

    Args:
        new: `id` and `text`; null and blank texts are near to nothing.
        items: The test sets.
        settings: How many items at most, and the least similarity.
        model: What embeds.

    Returns:
        Columns as `columns.NEAR`: `number` is the item's place in `items`.

    Raises:
        EngineError: if a worker cannot load the model, or the engine cannot serve.
    """
    spark = new.sparkSession
    entries = [(number, text) for number, item in enumerate(items) for text in item.instructions]
    if not entries:
        return spark.createDataFrame([], c.NEAR)
    owner = np.array([number for number, _ in entries])
    shared = spark.sparkContext.broadcast((_vectors_of_items(spark, [text for _, text in entries], model), owner))
    problems = spark.sparkContext.broadcast([item.problem for item in items])

    def to_rows(found: Embedded) -> Iterator[tuple[str, int, float, str]]:
        for name, text, at, similarity in _near(found, *shared.value, settings):
            yield name, at, similarity, same_problem_prompt(text, problems.value[at])

    given = new.filter(F.col(c.TEXT).rlike(r"\S")).select(c.ID, F.substring(c.TEXT, 1, BEGINNING).alias(c.TEXT))
    return embedded_rows(given, [c.ID, c.TEXT], model, to_rows, c.NEAR)


def _vectors_of_items(spark: SparkSession, texts: Sequence[str], model: EmbeddingModel) -> NDArray[np.float32]:
    key = identity_of(model), tuple(texts)
    if key not in _embedded:
        _embedded[key] = vectors(spark, texts, model)
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
    found: Embedded, of_items: NDArray[np.float32], owner: NDArray[np.int64], settings: Paraphrases
) -> Iterator[tuple[str, str, int, float]]:
    some, of_texts = found
    for (name, text), of_text in zip(some, of_texts @ of_items.T, strict=True):
        for number, similarity in choose(of_text, owner, settings.nearest, settings.similarity):
            yield name, text, number, similarity
