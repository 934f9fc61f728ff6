"""Test sets that must not appear in the data."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from genetic_udfs.config.embedding import EMBEDDING_MODEL
from genetic_udfs.config.roles import RoleSettings
from genetic_udfs.config.section import Section

Form = Literal["mbpp", "livecodebench", "bigcodebench"]


class Benchmark(Section):
    """A test set in a JSONL file (which may be gzipped), and which of its fields are matched.

    `form` says that the file is as a known test set is published. Of any other file `instructions` names the fields
    with the problem, and `id` the one with an item's name; without it the line's number is. A field holds a text or a
    list of texts.
    """

    path: Annotated[str, Field(min_length=1)]
    form: Form | None = None
    id: str | None = None
    instructions: list[str] = []
    solutions: list[str] = []

    @model_validator(mode="after")
    def _fields_are_known(self) -> Self:
        if self.form is None and not self.instructions:
            raise ValueError("needs `form`, or the fields with the problem in `instructions`")
        if self.form is not None and (self.instructions or self.id is not None):
            raise ValueError(f"`form: {self.form}` has its fields; leave `id` and `instructions` out")
        return self


class Paraphrases(Section):
    """How paraphrased test items are found.

    Of a text's `nearest` items by embedding, an engine is asked about those at a cosine similarity of `similarity` or
    more. `judge` says which engine and how it samples; without it the Judge's settings are taken.
    """

    model: Annotated[str, Field(min_length=1)] = EMBEDDING_MODEL
    nearest: Annotated[int, Field(ge=1, le=100)] = 5
    similarity: Annotated[float, Field(ge=-1.0, le=1.0)] = 0.5
    judge: RoleSettings | None = None


class Decontamination(Section):
    """The test sets that must not appear in the data: HumanEval, and others from files."""

    human_eval: bool = True
    human_eval_solutions: bool = False
    benchmarks: dict[Annotated[str, Field(min_length=1)], Benchmark] = {}
    paraphrases: Paraphrases | None = None

    @property
    def has_test_sets(self) -> bool:
        """Tell whether there is anything to match."""
        return self.human_eval or bool(self.benchmarks)

    @model_validator(mode="after")
    def _something_is_there(self) -> Self:
        if "humaneval" in self.benchmarks and self.human_eval:
            raise ValueError("'humaneval' is the bundled test set's name; choose another, or human_eval: false")
        if self.human_eval_solutions and not self.human_eval:
            raise ValueError("human_eval_solutions is for human_eval: true")
        return self
