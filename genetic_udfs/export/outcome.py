"""What was asked for of an export, and what came of it, in plain values: the card and the manifest tell of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from genetic_udfs.export.folder import File
from genetic_udfs.export.formats import ExportFormat, FileType


@dataclass(frozen=True)
class ExportOptions:
    """What is wanted: a format and a place, and which pairs in which files."""

    format: ExportFormat
    output: str
    where: str | None = None
    generation: int | None = None
    split: tuple[str, ...] = ()
    shuffle: int | None = None
    shards: int | None = None
    file_type: FileType = FileType.PARQUET
    preference: bool = False
    reasoning: bool = False


@dataclass(frozen=True)
class WrittenSplit:
    """A split: its rows, the bytes of their values, and its files."""

    name: str
    rows: int
    num_bytes: int
    files: Sequence[File]


@dataclass(frozen=True)
class Export:
    """What was asked for, and what came of it.

    `shares` are those of the splits, drawn with `seed`. `pairs` are those of the population that were looked at,
    `selected` those that `where` and the partner of a preference pair left, `contaminated` those of the selected ones
    that hold an item of `test_sets`, `apart` those that are in no split, as ancestors. `languages` and `with_reasoning`
    count the rows that were written by the language of their code, and those whose solution has thoughts.
    """

    name: str
    options: ExportOptions
    shares: Mapping[str, float]
    seed: int
    generation: int
    population_version: int
    pairs: int
    selected: int
    contaminated: Mapping[str, int]
    test_sets: Mapping[str, str]
    apart: int
    languages: Mapping[str, int]
    with_reasoning: int
    splits: Sequence[WrittenSplit]
    features: Sequence[Mapping[str, Any]]
    example: str

    @property
    def rows(self) -> int:
        """How many rows the data set has."""
        return sum(split.rows for split in self.splits)

    @property
    def files(self) -> list[File]:
        """The files of all splits."""
        return [file for split in self.splits for file in split.files]
