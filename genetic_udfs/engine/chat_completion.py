"""What is asked of an engine, and what a reply is, as plain data. How it travels is `client.py`'s."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from genetic_udfs.config.turns import Turn, turns_of

MAX_TOP_LOGPROBS: Final = 20
"""So many alternatives of a token OpenAI-compatible endpoints give at most."""

CUT_OFF: Final = frozenset(
    {"length", "max_tokens", "max_output_tokens", "model_length", "incomplete", "content_filter"}
)
"""Reasons for a reply's end that are not the model's: `length` is OpenAI's word and vLLM's, others are passed on."""

MAX_TOKENS: Final = "max_tokens"
MAX_COMPLETION_TOKENS: Final = "max_completion_tokens"
"""What OpenAI calls it since its models think; some of them refuse the older name."""

_AS_GIVEN: Final = ("top_k", "min_p", "stop", "presence_penalty", "frequency_penalty", "repetition_penalty")

CONTINUED: Final = {"continue_final_message": True, "add_generation_prompt": False}
"""What of vLLM's a request has whose last message is the beginning of the reply."""


@dataclass(frozen=True)
class Sampling:
    """How an engine samples.

    `top_logprobs` asks for that many alternatives of each token, 0 for none. `prefill` is the beginning of the reply,
    unless the prompt has one of its own. What comes after that must match `regex`, or be JSON of `json_schema`.
    `system` is said before the prompt's turns, and before a system turn of its own. The other fields are the request's
    own; those that are None are not sent. `extra` are more of them.
    """

    temperature: float
    top_p: float
    max_tokens: int | None
    top_logprobs: int = 0
    regex: str | None = None
    prefill: str | None = None
    system: str | None = None
    top_k: int | None = None
    min_p: float | None = None
    stop: Sequence[str] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    repetition_penalty: float | None = None
    json_schema: Mapping[str, Any] | None = None
    extra: Mapping[str, Any] | None = None


@dataclass(frozen=True)
class TokenLogprobs:
    """One generated token: its text, its log-probability and the likeliest tokens in its place, in order."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...]


ReadLogprobs = Callable[[list[TokenLogprobs]], float | None]


@dataclass(frozen=True)
class Reply:
    """One answered row: the fields of `columns.REPLY`, in its order."""

    text: str | None = None
    finish_reason: str | None = None
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    sent_at: datetime | None = None
    seconds: float | None = None
    yes_probability: float | None = None
    error: str | None = None
    attempt: int = 0
    reasoning: str | None = None
    reasoning_tokens: int | None = None


def is_cut_off(finish_reason: str | None) -> bool:
    """Whether a reply ended before the model had ended it, at its token limit or by a filter of the endpoint's."""
    return (finish_reason or "").lower() in CUT_OFF


def beginning_of(prompt: str, sampling: Sampling) -> str:
    """Return the text that the reply begins with: the assistant's turn that ends the prompt, or the prefill."""
    last = turns_of(prompt)[-1]
    return encodable(last.text) if last.speaker == "assistant" else sampling.prefill or ""


def request_body(model: str, prompt: str, sampling: Sampling, max_tokens_field: str = MAX_TOKENS) -> dict[str, Any]:
    """Return the body of a chat completion request: the prompt's turns, and the reply's beginning if it has one.

    Args:
        model: The name under which the server serves the model.
        prompt: What is asked; without turns it is a user's message.
        sampling: How to sample.
        max_tokens_field: What the endpoint calls the longest reply.
    """
    turns = _with_system(turns_of(prompt), sampling.system)
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": turn.speaker, "content": encodable(turn.text)} for turn in turns],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
    }
    if sampling.max_tokens is not None:
        body[max_tokens_field] = sampling.max_tokens
    body |= {name: value for name in _AS_GIVEN if (value := getattr(sampling, name)) is not None}
    if beginning := beginning_of(prompt, sampling):
        if turns[-1].speaker != "assistant":
            body["messages"].append({"role": "assistant", "content": beginning})
        body |= CONTINUED
    if sampling.regex is not None:
        body["structured_outputs"] = {"regex": sampling.regex}
    if sampling.json_schema is not None:
        schema = {"name": "reply", "schema": sampling.json_schema, "strict": True}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    if sampling.top_logprobs:
        body["logprobs"] = True
        body["top_logprobs"] = sampling.top_logprobs
    return body | dict(sampling.extra or {})


def _with_system(turns: list[Turn], system: str | None) -> list[Turn]:
    if system is None:
        return turns
    if turns[0].speaker == "system":
        return [Turn("system", f"{system}\n\n{turns[0].text}"), *turns[1:]]
    return [Turn("system", system), *turns]


def encodable(text: str) -> str:
    """Return `text` with question marks for lone surrogates, which neither UTF-8 nor Arrow can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
