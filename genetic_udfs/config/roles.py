"""Who plays a role, how it samples, and what it is asked by."""

import hashlib
import re
from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_serializer, model_validator

from genetic_udfs.config.operators import CROSSOVER, MutationTask
from genetic_udfs.config.section import Positive, Section

Role = Literal["instructor", "coder", "judge", "tester"]
# Those that every run has; the Tester is a setting.
ROLES: Final[tuple[Role, ...]] = ("instructor", "coder", "judge")


class RoleSettings(Section):
    """Which engine plays a role, and how it samples.

    `prefill` is the beginning of each answer, which the model continues, unless the prompt's template ends with an
    assistant's turn, which is one of its own. `regex` holds a model that is too weak to keep a form to it: vLLM's
    structured outputs, for what comes after the beginning. Endpoints that are not vLLM may refuse both.
    """

    engine: str
    temperature: Annotated[float, Field(ge=0.0, le=5.0)] = 0.7
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    max_tokens: Positive = 1024
    prefill: Annotated[str, Field(min_length=1)] | None = None
    regex: str | None = None

    @field_validator("prefill")
    @classmethod
    def _prefill_ends_with_a_token(cls, prefill: str | None) -> str | None:
        if prefill is not None and prefill != prefill.strip():
            raise ValueError(
                "begins or ends with white space: the tokens of most models begin with it, so that what would come next"
                " does not come; leave it out"
            )
        return prefill

    @field_validator("regex")
    @classmethod
    def _regex_compiles(cls, regex: str | None) -> str | None:
        try:
            re.compile(regex or "")
        except re.error as error:
            raise ValueError(f"is not a regular expression: {error}") from None
        return regex


class OwnPrompt(Section):
    """A template of the user's in place of a role's own: where it lies, and its text, which travels to executors."""

    path: str
    text: str

    @property
    def version(self) -> str:
        """A short hash of the text: the prompt's version in the ledger."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]

    @model_serializer
    def _as_given(self) -> str:
        return self.path


class PromptedRole(RoleSettings):
    """A role that can be given another prompt: a Jinja2 file, which `file.py` reads and checks."""

    prompt: OwnPrompt | None = None


class InstructorSettings(RoleSettings):
    """The Instructor: prompts in place of its own, for the crossover and for each mutation task."""

    prompts: dict[str, OwnPrompt] = {}

    @field_validator("prompts", mode="before")
    @classmethod
    def _prompts_are_known(cls, prompts: object) -> object:
        allowed = (CROSSOVER, *get_args(MutationTask))
        for name in prompts if isinstance(prompts, dict) else ():
            if name not in allowed:
                raise ValueError(f"there is no prompt {name!r}; allowed: {', '.join(allowed)}")
        return prompts


class CoderSettings(PromptedRole):
    """The Coder: how many solutions it writes of an instruction, and whether it repairs one that failed its tests."""

    samples: Annotated[int, Field(ge=1, le=100)] = 1
    repair: bool = False

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.samples > 1 and self.temperature == 0.0:
            raise ValueError(f"samples: {self.samples} solutions at temperature 0 would be the same; set one above 0")
        return self


class TesterSettings(RoleSettings):
    """The Tester, which writes `tests` tests for each solution.

    `tests_from` says what it sees beside the instruction: the heads of the solution's functions alone, or its code.
    """

    tests_from: Literal["instruction", "code"] = "instruction"
    tests: Annotated[int, Field(ge=1, le=50)] = 5


class Roles(Section):
    """The three roles of the method, and the Tester where tests are wanted."""

    instructor: InstructorSettings
    coder: CoderSettings
    judge: PromptedRole
    tester: TesterSettings | None = None

    def of(self, role: Role) -> RoleSettings:
        """Return the settings of one role, which must be assigned."""
        return self.assigned()[role]

    def assigned(self) -> dict[Role, RoleSettings]:
        """Return the settings of every role that the run has."""
        assigned: dict[Role, RoleSettings] = {"instructor": self.instructor, "coder": self.coder, "judge": self.judge}
        return assigned if self.tester is None else {**assigned, "tester": self.tester}

    def own_prompts(self) -> dict[str, OwnPrompt]:
        """Return the prompts that are the user's, by what is asked for: of a role, or of the Instructor's tasks."""
        given: dict[str, OwnPrompt | None] = {"coder": self.coder.prompt, "judge": self.judge.prompt}
        return {
            **self.instructor.prompts,
            **{role: prompt for role, prompt in given.items() if prompt is not None},
        }
