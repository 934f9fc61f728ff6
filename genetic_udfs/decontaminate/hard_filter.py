"""The hard filter on a table: the items' n-grams are broadcast, and texts matched in numpy."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

import pyarrow as pa
from pyspark.sql import DataFrame

from genetic_udfs.decontaminate import columns as c
from genetic_udfs.decontaminate.items import Item
from genetic_udfs.decontaminate.rules import Index
from genetic_udfs.dedup.arrow import batches_of, rows
from genetic_udfs.text import normalise

# Characters matched at a time, some 1,000 usual texts: Arrow batches of few rows make numpy slow.
_CHARACTERS: Final = 1 << 20


def found_by_words(new: DataFrame, items: Sequence[Item], texts: Sequence[str]) -> DataFrame:
    """Return the rows whose texts hold an item, by the rules of `rules.py`.

    Args:
        new: `id` (string) and the columns of texts.
        items: The test sets.
        texts: The columns. What the first of them that is not clean holds is told.

    Returns:
        Columns as `columns.FOUND`; clean rows are not in it.
    """
    shared = new.sparkSession.sparkContext.broadcast(Index.of(items))
    names = [(item.benchmark, item.id) for item in items]

    def match(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        return batches_of(_found(batches, shared.value, names, texts), c.FOUND)

    return new.select(c.ID, *texts).mapInArrow(match, c.FOUND)


def _found(
    batches: Iterable[pa.RecordBatch], index: Index, names: Sequence[tuple[str, str]], texts: Sequence[str]
) -> Iterator[tuple[str, str, str, str]]:
    for chunk in _chunks(rows(batches, c.ID, *texts)):
        told: set[int] = set()
        for (row, name, _), match in zip(chunk, index.matches([normal for *_, normal in chunk]), strict=True):
            if match is not None and row not in told:
                told.add(row)
                yield name, *names[match.item], match.rule


def _chunks(texts: Iterable[tuple[Any, ...]]) -> Iterator[list[tuple[int, str, str]]]:
    """Yield the number of a row, its id and one of its texts, normal and not blank, some `_CHARACTERS` at a time."""
    chunk: list[tuple[int, str, str]] = []
    characters = 0
    for row, (name, *of_row) in enumerate(texts):
        normals = [normal for text in of_row if (normal := normalise(text))]
        chunk += [(row, name, normal) for normal in normals]
        characters += sum(map(len, normals))
        if characters >= _CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk
