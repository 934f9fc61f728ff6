"""How offspring instructions come about."""

from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import Field, ValidationInfo, field_validator, model_validator

from genetic_udfs.config.prompts import OwnPrompt
from genetic_udfs.config.section import Positive, Section, Share

MUTATION: Final = "mutation"
CROSSOVER: Final = "crossover"

_TOURNAMENT_SIZE: Final = 3
_OTHER_PROMPTS: Final = ("coder", "judge", "tester", "repair", "mutation")
# Ways of selection that need the population's embeddings.
SELECTION_BY_EMBEDDING: Final = ("novelty", "elites")
_TOURNAMENTS: Final = ("tournament", *SELECTION_BY_EMBEDDING)
MutationTask = Literal["constraints", "rarer_requirement", "reasoning", "erroneous_code", "complexity"]


class OwnTask(Section):
    """A mutation task of the user's: its prompt, and its weight among all tasks."""

    prompt: OwnPrompt
    weight: Annotated[float, Field(ge=0.0)] = 1.0


class Operators(Section):
    """How offspring instructions come about.

    Parents are drawn uniformly, or each is the best of `tournament_size` (3 unless given) drawn so: the fittest
    (`tournament`), the farthest from its neighbours (`novelty`), or that of the rarest kind (`elites`). The five
    mutation tasks and the even split are the method's (arXiv 2407.21077), `tasks` are the user's beside them; how many
    parents a crossover shows and how many instructions it asks for are not published.
    """

    crossover_share: Share = 0.5
    tasks: dict[Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")], OwnTask] = {}
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
    selection: Literal["uniform", "tournament", "novelty", "elites"] = "uniform"
    tournament_size: Annotated[int, Field(ge=2, le=64)] | None = None

    @model_validator(mode="before")
    @classmethod
    def _a_tournament_has_a_size(cls, given: Any) -> Any:
        if isinstance(given, dict) and given.get("tournament_size") is None and given.get("selection") in _TOURNAMENTS:
            return {**given, "tournament_size": _TOURNAMENT_SIZE}
        return given

    @model_validator(mode="after")
    def _only_a_tournament_has_a_size(self) -> Self:
        if self.selection == "uniform" and self.tournament_size is not None:
            raise ValueError("tournament_size is for selection: tournament, novelty or elites")
        return self

    @field_validator("tasks")
    @classmethod
    def _names_are_free(cls, tasks: dict[str, OwnTask]) -> dict[str, OwnTask]:
        for name in tasks:
            if name in (*get_args(MutationTask), CROSSOVER, *_OTHER_PROMPTS):
                raise ValueError(
                    f"{name!r} is a name of the project's; roles.instructor.prompts changes the prompt of a mutation"
                )
        return tasks

    @field_validator("mutation_tasks")
    @classmethod
    def _some_task_has_weight(
        cls, weights: dict[MutationTask, float], given: ValidationInfo
    ) -> dict[MutationTask, float]:
        own = sum(task.weight for task in given.data.get("tasks", {}).values())
        if sum(weights.values()) + own <= 0:
            raise ValueError("at least one task needs a weight above 0")
        return weights

    def weights(self) -> dict[str, float]:
        """Return the weights of all mutation tasks, the user's among them."""
        own = {name: task.weight for name, task in self.tasks.items()}
        return {**{str(task): weight for task, weight in self.mutation_tasks.items()}, **own}
