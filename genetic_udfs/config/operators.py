"""How offspring instructions come about."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, field_validator, model_validator

from genetic_udfs.config.section import Positive, Section, Share

MUTATION: Final = "mutation"
CROSSOVER: Final = "crossover"

_TOURNAMENT_SIZE: Final = 3
MutationTask = Literal["constraints", "rarer_requirement", "reasoning", "erroneous_code", "complexity"]


class Operators(Section):
    """How offspring instructions come about.

    Parents are drawn uniformly, or each is the fittest of `tournament_size` (3 unless given) drawn so. The five
    mutation tasks and the even split are the method's (arXiv 2407.21077); how many parents a crossover shows and how
    many instructions it asks for are not published.
    """

    crossover_share: Share = 0.5
    mutation_tasks: dict[MutationTask, Annotated[float, Field(ge=0.0)]] = {
        "constraints": 1.0,
        "rarer_requirement": 1.0,
        "reasoning": 1.0,
        "erroneous_code": 1.0,
        "complexity": 0.25,
    }
    crossover_parents: Annotated[int, Field(ge=2, le=32)] = 3
    crossover_instructions: Annotated[int, Field(ge=1, le=20)] = 3
    max_depth: Positive = 3
    selection: Literal["uniform", "tournament"] = "uniform"
    tournament_size: Annotated[int, Field(ge=2, le=64)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_tournament_has_a_size(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("selection") == "tournament" and given.get("tournament_size") is None:
            return {**given, "tournament_size": _TOURNAMENT_SIZE}
        return given

    @model_validator(mode="after")
    def _only_a_tournament_has_a_size(self) -> Self:
        if self.selection == "uniform" and self.tournament_size is not None:
            raise ValueError("tournament_size is for selection: tournament")
        return self

    @field_validator("mutation_tasks")
    @classmethod
    def _some_task_has_weight(cls, weights: dict[MutationTask, float]) -> dict[MutationTask, float]:
        if sum(weights.values()) <= 0:
            raise ValueError("at least one task needs a weight above 0")
        return weights
