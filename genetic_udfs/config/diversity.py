"""How the diversity of each generation is measured."""

from typing import Annotated

from pydantic import Field

from genetic_udfs.config.embedding import EMBEDDING_MODEL
from genetic_udfs.config.section import Section


class Diversity(Section):
    """How the diversity of each generation is measured: on `sample` drawn pairs, 0 for not at all.

    Distances are between embeddings by `model`; where the one that is taken unless given is not installed, they are
    not measured.
    """

    sample: Annotated[int, Field(ge=0, le=20_000)] = 2000
    model: Annotated[str, Field(min_length=1)] = EMBEDDING_MODEL
