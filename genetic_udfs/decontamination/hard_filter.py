"""The hard filter on a table: the items' n-grams are broadcast, and texts matched in numpy."""

import functools
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyspark import Broadcast, SparkContext
from pyspark.sql import DataFrame

from genetic_udfs.data.text import normal_lines
from genetic_udfs.decontamination import columns as c
from genetic_udfs.decontamination.items import BenchmarkItem
from genetic_udfs.decontamination.rules import Index
from genetic_udfs.runtime.arrow import batches_of, chunks, rows

_Names = list[tuple[str, str]]


def found_by_words(new: DataFrame, items: Sequence[BenchmarkItem], texts: Sequence[str]) -> DataFrame:
    """Return the rows whose texts hold an item, by the rules of `rules.py`.

    Args:
        new: `id` (string) and the columns of texts.
        items: The test sets.
        texts: The columns. What the first of them that is not clean holds is reported.

    Returns:
        Columns as `columns.FOUND`; clean rows are not in it.
    """
    shared = _shared(new.sparkSession.sparkContext, tuple(items))

    def match(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_found(batches, *shared.value, texts), c.FOUND)

    return new.select(c.ID, *texts).mapInArrow(match, c.FOUND)


@functools.lru_cache(maxsize=1)
def _shared(context: SparkContext, items: tuple[BenchmarkItem, ...]) -> Broadcast[tuple[Index, _Names]]:
    """Broadcast the items' index and names: once, for all rounds of a run hold their texts against the same items.

    One that gives way to others is not unpersisted: a DataFrame may still need it. Spark does so when none does.
    """
    return context.broadcast((Index.of(items), [(item.benchmark, item.id) for item in items]))


def _found(
    batches: Iterable[pa.RecordBatch], index: Index, names: _Names, texts: Sequence[str]
) -> Iterator[tuple[str, str, str, str]]:
    reported = -1  # the texts of a row come one after another
    for chunk in chunks(_normal(rows(batches, c.ID, *texts))):
        for (row, name, _), match in zip(chunk, index.matches([normal for *_, normal in chunk]), strict=True):
            if match is not None and row != reported:
                reported = row
                yield name, *names[match.item], match.rule


def _normal(texts: Iterable[tuple[Any, ...]]) -> Iterator[tuple[int, str, str]]:
    """Yield the number of a row, its id and each of its texts, normal in each line, and not blank."""
    for row, (name, *of_row) in enumerate(texts):
        for text in of_row:
            if normal := normal_lines(text):
                yield row, name, normal
