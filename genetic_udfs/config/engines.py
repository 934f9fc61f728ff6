"""Language models that answer: served here by vLLM, or endpoints elsewhere."""

import math
from typing import Annotated, Any, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from genetic_udfs.config.section import Positive, Scalar, Section

_PARALLEL_SIZES: Final = ("tensor-parallel-size", "pipeline-parallel-size", "data-parallel-size")
# So many that the end of one task's rows overlaps with the work of others.
_FEEDERS: Final = 8
DEFAULT_LENGTH: Final = 4096
MEMORY_SHARE: Final = "gpu-memory-utilization"
# Keys that mean nothing to an engine that embeds: what vectors cost is not counted.
_FOR_TEXTS: Final = ("price", "gpu_hour", "reasoning", "max_tokens_field")


class ReasoningTags(Section):
    """What a model puts around its thoughts, in place of the tags that are known.

    Without `begin` a reply begins with thoughts, as the chat template opens them, if it has `end` or was cut off.
    """

    begin: Annotated[str, Field(pattern=r"\S")] | None = None
    end: Annotated[str, Field(pattern=r"\S")]

    @model_validator(mode="after")
    def _tell_apart(self) -> Self:
        if self.begin == self.end:
            raise ValueError(f"begin and end are both {self.end!r}; thoughts that end as they begin cannot be read")
        return self


class Price(Section):
    """What a million tokens cost, read (`prompt`) and written (`completion`, thoughts among them), in any currency."""

    prompt: Annotated[float, Field(ge=0.0)]
    completion: Annotated[float, Field(ge=0.0)]

    def of(self, prompt_tokens: Any, completion_tokens: Any) -> Any:
        """Return what so many tokens cost: a number for numbers, a column for Spark's columns."""
        return (prompt_tokens * self.prompt + completion_tokens * self.completion) / 1e6


class Engine(Section):
    """A language model that answers requests: either `model`, served by vLLM here, or `url`, served elsewhere.

    Several URLs are servers of the same model, which share the requests; `max_num_seqs` is each server's.
    `reasoning` says how thoughts are separated from answers that hold them: by the known tags, by one's own, or not.
    `price` is by tokens, `gpu_hour` what an hour of one of its GPUs costs while it is asked.
    `max_tokens_field` is what the endpoint calls a role's `max_tokens`; where it is not set, its refusal tells.
    With `task: embed` it gives vectors of texts instead of texts, to the keys that name it as `engine:NAME`.
    """

    model: Annotated[str, Field(min_length=1)]
    task: Literal["generate", "embed"] = "generate"
    url: str | list[str] | None = None
    api_key_env: str | None = None
    dtype: Literal["auto", "float32", "float16", "bfloat16"] = "auto"
    max_num_seqs: Positive = 256
    max_num_batched_tokens: Positive = 8192
    max_model_len: Annotated[int, Field(ge=64)] | None = None
    args: dict[str, Scalar] = {}
    env: dict[str, str] = {}
    sleep: bool | None = None
    feeders: Positive | None = None
    start_timeout: Positive = 600
    request_timeout: Positive = 600
    price: Price | None = None
    gpu_hour: Annotated[float, Field(ge=0.0)] | None = None
    reasoning: ReasoningTags | bool = True
    max_tokens_field: Literal["max_tokens", "max_completion_tokens"] | None = None

    @field_validator("reasoning", mode="before")
    @classmethod
    def _tags_or_whether(cls, reasoning: Any) -> Any:
        if isinstance(reasoning, dict):
            return ReasoningTags.model_validate(reasoning)
        if not isinstance(reasoning, bool | ReasoningTags):
            raise ValueError("must be true or false, or tags such as {begin: <think>, end: </think>}")
        return reasoning

    @field_validator("url", mode="before")
    @classmethod
    def _urls_are_http(cls, url: Any) -> Any:
        if url is None:
            return None
        given = url if isinstance(url, list) else [url]
        for one in given or [""]:
            if not isinstance(one, str) or urlsplit(one).scheme not in {"http", "https"} or not urlsplit(one).netloc:
                raise ValueError(
                    "must be the http(s) address of an OpenAI-compatible endpoint, such as http://host:8000/v1, or a"
                    " list of such"
                )
            if "@" in urlsplit(one).netloc:
                raise ValueError(
                    "has a name or key in it; put the key into an environment variable, named in api_key_env"
                )
        if len(set(_urls(url))) < len(given):
            raise ValueError("has the same address twice")
        return url

    @field_validator("args")
    @classmethod
    def _no_flag_twice(cls, args: dict[str, Any]) -> dict[str, Any]:
        own = {"model", "served-model-name", "dtype", "max-model-len", "uds", "host", "port"}
        own |= {"runner", "max-num-seqs", "max-num-batched-tokens", "api-key", "ssl-keyfile", "ssl-certfile"}
        for name, value in args.items():
            if _flag(name) in own:
                raise ValueError(f"{name!r} is set by the engine's own keys and cannot be given in args")
            if _flag(name) in _PARALLEL_SIZES and (isinstance(value, bool) or not isinstance(value, int) or value < 1):
                raise ValueError(f"{name!r} is a number of GPUs (given: {value!r})")
            if _flag(name) == MEMORY_SHARE and (isinstance(value, bool | str) or not 0 < value <= 1):
                raise ValueError(f"{name!r} is a part of the memory, above 0 and not above 1 (given: {value!r})")
        return args

    @model_validator(mode="after")
    def _here_or_there(self) -> Self:
        if self.url is None and self.api_key_env is not None:
            raise ValueError("api_key_env is for an engine with a url")
        if self.url is not None and self.gpu_hour is not None:
            raise ValueError("gpu_hour is for a model that is served here; an engine with a url has a price")
        if self.max_num_batched_tokens < self.max_num_seqs:
            raise ValueError(
                f"max_num_batched_tokens ({self.max_num_batched_tokens}) is below max_num_seqs ({self.max_num_seqs});"
                " each sequence takes one in a step"
            )
        given = (name for name in _FOR_TEXTS if getattr(self, name) != type(self).model_fields[name].default)
        if self.embeds and (unread := next(given, None)) is not None:
            raise ValueError(f"{unread} is for an engine that writes texts; this one has task: embed")
        if self.url is not None and (self.args or self.env or self.feeders):
            raise ValueError("args, env and feeders are for a model that is served here; this engine has a url")
        return self

    @property
    def embeds(self) -> bool:
        """Whether it gives vectors of texts, and no texts."""
        return self.task == "embed"

    @property
    def tasks_feeding(self) -> int:
        """How many tasks of an executor feed its server at once, as far as it has cores."""
        return self.feeders or _FEEDERS

    @property
    def flags(self) -> dict[str, bool | int | float | str]:
        """`args` under the names that vLLM's command line has for them, without the dashes in front."""
        return {_flag(name): value for name, value in self.args.items()}

    @property
    def memory_share(self) -> float:
        """The part of the memory of its GPUs that the engine is set to take; all of it where it is not."""
        return float(self.flags.get(MEMORY_SHARE, 1.0))

    @property
    def gpus(self) -> int | None:
        """Over how many GPUs the engine is set to spread; None where it takes what its tasks have."""
        sizes = [int(self.flags[name]) for name in _PARALLEL_SIZES if name in self.flags]
        return math.prod(sizes) if sizes else None

    @property
    def has_price(self) -> bool:
        """Whether what it is asked costs anything that is known."""
        return self.price is not None or self.gpu_hour is not None

    def hourly(self, gpus: int | None) -> float | None:
        """Return what an hour costs in which it is asked, with so many GPUs in all; None where it costs nothing."""
        return None if self.gpu_hour is None else self.gpu_hour * (gpus or self.gpus or 1)

    @property
    def known_length(self) -> int | None:
        """How long prompt and reply may be together; None where only the endpoint or the model knows."""
        is_served_for_texts = not (self.urls or self.embeds)
        return DEFAULT_LENGTH if self.max_model_len is None and is_served_for_texts else self.max_model_len

    @property
    def batched_tokens(self) -> int | None:
        """How many tokens a server of our own computes in a step; None where vLLM's default suits the model better."""
        # A text is embedded as a whole, so one step must have room for the longest.
        is_default = self.max_num_batched_tokens == type(self).model_fields["max_num_batched_tokens"].default
        return None if self.embeds and is_default else self.max_num_batched_tokens

    @property
    def urls(self) -> tuple[str, ...]:
        """The addresses of an engine elsewhere, without a slash at the end; none of one that is served here."""
        return _urls(self.url)


def _flag(name: str) -> str:
    return name.lstrip("-").replace("_", "-")


def _urls(url: str | list[str] | None) -> tuple[str, ...]:
    given = [url] if isinstance(url, str) else url or []
    return tuple(one.rstrip("/") for one in given)
