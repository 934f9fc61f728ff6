"""Who plays a role, how it samples, and what it is asked by."""

import json
import re
from typing import Annotated, Any, Final, Literal, Self, get_args

from pydantic import Field, field_validator, model_validator

from genetic_udfs.config.operators import CROSSOVER, MutationTask
from genetic_udfs.config.prompts import OwnPrompt
from genetic_udfs.config.section import Positive, Section, Share

# Which of the request's fields have keys of their own, or are the engine's business.
_KEYS_OF_FIELDS: Final = {
    **{key: f"roles.ROLE.{key}" for key in ("temperature", "top_p", "max_tokens", "top_k", "min_p", "stop")},
    **{key: f"roles.ROLE.{key}" for key in ("presence_penalty", "frequency_penalty", "repetition_penalty")},
    "model": "engines.NAME.model",
    "messages": "the prompt and roles.ROLE.system",
    **{key: f"roles.ROLE.{key}" for key in ("system", "regex", "json_schema", "prefill")},
    **dict.fromkeys(
        ("max_completion_tokens", "max_output_tokens"), "roles.ROLE.max_tokens and engines.NAME.max_tokens_field"
    ),
    **dict.fromkeys(("response_format", "guided_json"), "roles.ROLE.json_schema"),
    **dict.fromkeys(("structured_outputs", "guided_regex", "guided_choice", "guided_grammar"), "roles.ROLE.regex"),
    **dict.fromkeys(("echo", "return_tokens_as_token_ids"), "the job, which reads text and tokens as they are"),
    **dict.fromkeys(("continue_final_message", "add_generation_prompt"), "roles.ROLE.prefill"),
    **dict.fromkeys(("logprobs", "top_logprobs"), "the job, for the Judge"),
    **dict.fromkeys(("stream", "stream_options", "n"), "the job, which reads one whole answer"),
}
# What the prompt of a repair is called; the other prompts of roles are called after them.
REPAIR: Final = "repair"
Penalty = Annotated[float, Field(ge=-2.0, le=2.0)]

Role = Literal["instructor", "coder", "judge", "tester"]
# Those that every run has; the Tester is a setting.
ROLES: Final[tuple[Role, ...]] = ("instructor", "coder", "judge")


class RoleSettings(Section):
    """Which engine plays a role, and how it samples.

    Without `max_tokens` a reply may be as long as fits. `prefill` is the beginning of each answer, which the model
    continues, unless the prompt's template ends with an assistant's turn, which is one of its own. `regex` holds a
    model that is too weak to keep a form to it, by vLLM's structured outputs, `json_schema` by `response_format`; both
    are for what comes after the beginning. `system` is said before a prompt, `extra` are fields of the request's body
    that have no key here. What is not set is not sent; what an endpoint does not know it may refuse.
    """

    engine: str
    temperature: Annotated[float, Field(ge=0.0, le=5.0)] = 0.7
    top_p: Annotated[float, Field(gt=0.0, le=1.0)] = 1.0
    max_tokens: Positive | None = 1024
    prefill: Annotated[str, Field(min_length=1)] | None = None
    regex: str | None = None
    system: Annotated[str, Field(min_length=1)] | None = None
    top_k: Positive | None = None
    min_p: Share | None = None
    stop: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=1)] | None = None
    presence_penalty: Penalty | None = None
    frequency_penalty: Penalty | None = None
    repetition_penalty: Annotated[float, Field(gt=0.0, le=10.0)] | None = None
    json_schema: dict[str, Any] | None = None
    extra: dict[str, Any] | None = None

    @field_validator("stop", mode="before")
    @classmethod
    def _one_stop_is_a_list(cls, stop: object) -> object:
        return [stop] if isinstance(stop, str) else stop

    @field_validator("extra")
    @classmethod
    def _extra_has_no_key_of_its_own(cls, extra: dict[str, Any] | None) -> dict[str, Any] | None:
        for name in extra or {}:
            if name in _KEYS_OF_FIELDS:
                raise ValueError(f"{name!r} is set by {_KEYS_OF_FIELDS[name]}; leave it out here")
        _check_json(extra)
        return extra or None

    @field_validator("json_schema")
    @classmethod
    def _schema_is_json(cls, schema: dict[str, Any] | None) -> dict[str, Any] | None:
        _check_json(schema)
        return schema

    @model_validator(mode="after")
    def _one_form(self) -> Self:
        if self.regex is not None and self.json_schema is not None:
            raise ValueError("regex and json_schema both say what form a reply has; leave one of them out")
        return self

    def sampling(self) -> dict[str, Any]:
        """Return what decides on a reply beside the prompt and the model, as it stands in a request's identity.

        What is not set is left out, but for what had its place there from the beginning: requests of earlier stores
        keep their identity.
        """
        given = self.model_dump(include=set(RoleSettings.model_fields) - {"engine"})
        return {key: value for key, value in given.items() if value is not None or key in ("max_tokens", "regex")}

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


def _check_json(value: object) -> None:
    """Refuse what cannot be sent, such as a date, which YAML knows and JSON does not."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"cannot be sent as JSON: {error}") from None


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
    """The Coder: how many solutions it writes of an instruction, and whether it repairs one that failed its tests.

    `repair_prompt` is the prompt for that, in place of the project's.
    """

    samples: Annotated[int, Field(ge=1, le=100)] = 1
    repair: bool = False
    repair_prompt: OwnPrompt | None = None

    @model_validator(mode="after")
    def _samples_differ(self) -> Self:
        if self.repair_prompt is not None and not self.repair:
            raise ValueError("repair_prompt is for repair: true")
        if self.samples > 1 and self.temperature == 0.0:
            raise ValueError(f"samples: {self.samples} solutions at temperature 0 would be the same; set one above 0")
        return self


class TesterSettings(PromptedRole):
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
        """Return the prompts that are the user's, by what is asked for: a role, a repair, or the Instructor's tasks."""
        given: dict[str, OwnPrompt | None] = {
            "coder": self.coder.prompt,
            REPAIR: self.coder.repair_prompt,
            "judge": self.judge.prompt,
            "tester": self.tester.prompt if self.tester is not None else None,
        }
        return {
            **self.instructor.prompts,
            **{role: prompt for role, prompt in given.items() if prompt is not None},
        }
