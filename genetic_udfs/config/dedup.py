"""When two instructions are near-duplicates."""

from typing import Annotated, Any, Final

from pydantic import Field, model_validator

from genetic_udfs.config.embedding import EMBEDDING_MODEL
from genetic_udfs.config.section import Positive, Section

_MAX_HASHES: Final = 126
_MAX_ROWS: Final = 14
_MISSED_AT_THRESHOLD: Final = 0.015


class Semantic(Section):
    """When two instructions say the same: a cosine of their embeddings by `model` at or above `threshold`."""

    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.95
    model: Annotated[str, Field(min_length=1)] = EMBEDDING_MODEL


class Dedup(Section):
    """When two instructions are near-duplicates: Jaccard similarity of their word shingles at or above `threshold`.

    Bands and rows follow from the threshold unless given: as many rows as leave at least 98.5% of the pairs right at
    the threshold among the candidates (fewer below 0.033), with 126 hash functions at most. `audit` texts are checked
    for missed pairs. With `semantic`, those that say the same in other words are duplicates, too.
    """

    threshold: Annotated[float, Field(gt=0.0, le=1.0)] = 0.7
    shingle_words: Positive = 3
    bands: Positive = 25
    rows: Positive = 5
    audit: Annotated[int, Field(ge=0)] = 2000
    semantic: Semantic | None = None

    @model_validator(mode="before")
    @classmethod
    def _bands_follow_from_the_threshold(cls, given: Any) -> Any:
        if isinstance(given, dict) and not {"bands", "rows"} & given.keys():
            threshold = given.get("threshold", 0.7)
            if isinstance(threshold, int | float) and 0 < threshold <= 1:
                bands, rows = _bands_for(float(threshold))
                return {**given, "bands": bands, "rows": rows}
        return given


def _bands_for(threshold: float) -> tuple[int, int]:
    """Return bands and rows: the more rows, the fewer pairs below the threshold have to be compared."""
    for rows in range(_MAX_ROWS, 1, -1):
        bands = _MAX_HASHES // rows
        if (1 - threshold**rows) ** bands <= _MISSED_AT_THRESHOLD:
            return bands, rows
    return _MAX_HASHES, 1
