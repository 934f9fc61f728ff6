"""What is asked of an engine and what comes back, as plain data. How it travels is `client.py`'s."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from genetic_udfs.config.turns import turns_of

MAX_TOP_LOGPROBS: Final = 20
"""So many alternatives of a token OpenAI-compatible endpoints give at most."""

CONTINUED: Final = {"continue_final_message": True, "add_generation_prompt": False}
"""What of vLLM's a request has whose last message is the beginning of the reply."""


@dataclass(frozen=True)
class Sampling:
    """How an engine samples.

    `top_logprobs` asks for that many alternatives of each token, 0 for none. `prefill` is the beginning of the reply,
    unless the prompt has one of its own. What comes after that must match `regex`.
    """

    temperature: float
    top_p: float
    max_tokens: int
    top_logprobs: int = 0
    regex: str | None = None
    prefill: str | None = None


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


def beginning_of(prompt: str, sampling: Sampling) -> str:
    """Return the text that the reply begins with: the assistant's turn that ends the prompt, or the prefill."""
    last = turns_of(prompt)[-1]
    return encodable(last.text) if last.speaker == "assistant" else sampling.prefill or ""


def request_body(model: str, prompt: str, sampling: Sampling) -> dict[str, Any]:
    """Return the body of a chat completion request: the prompt's turns, and the reply's beginning if it has one.

    Args:
        model: The name under which the server serves the model.
        prompt: What is asked; without turns it is a user's message.
        sampling: How to sample.
    """
    turns = turns_of(prompt)
    body: dict[str, Any] = {
        "model": model,
        "messages": [{"role": turn.speaker, "content": encodable(turn.text)} for turn in turns],
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "max_tokens": sampling.max_tokens,
    }
    if beginning := beginning_of(prompt, sampling):
        if turns[-1].speaker != "assistant":
            body["messages"].append({"role": "assistant", "content": beginning})
        body |= CONTINUED
    if sampling.regex is not None:
        body["structured_outputs"] = {"regex": sampling.regex}
    if sampling.top_logprobs:
        body["logprobs"] = True
        body["top_logprobs"] = sampling.top_logprobs
    return body


def reply_in(data: Any, *, seconds: float, attempt: int, beginning: str = "") -> tuple[Reply, list[TokenLogprobs]]:
    """Return the reply that a chat completion response holds, and its tokens' log-probabilities if there are any.

    Args:
        data: The response's JSON.
        seconds: Time from sending to the last byte.
        attempt: How many sendings it took.
        beginning: What the reply was to begin with; it comes back as if it were generated too, as a token of its own.

    Raises:
        ValueError: The data is not a chat completion.
    """
    try:
        choice = data["choices"][0]
        text = encodable(choice["message"].get("content") or "")
        if text.startswith(beginning):  # some servers give it back with the rest
            beginning = ""
        usage = data.get("usage") or {}
        reply = Reply(
            text=beginning + text,
            finish_reason=str(choice["finish_reason"]) if choice.get("finish_reason") is not None else None,
            prompt_tokens=_whole(usage.get("prompt_tokens")),
            completion_tokens=_whole(usage.get("completion_tokens")),
            sent_at=datetime.now(UTC) - timedelta(seconds=seconds),
            seconds=seconds,
            attempt=attempt,
        )
        tokens = _token_logprobs(choice.get("logprobs"))
        return reply, [TokenLogprobs(beginning, 0.0, ()), *tokens] if beginning and tokens else tokens
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a chat completion: {error!r}") from error


def with_yes_probability(reply: Reply, tokens: list[TokenLogprobs], read: ReadLogprobs) -> Reply:
    """Return the reply with what `read` makes of its tokens; nothing but a finite number is a probability."""
    value = read(tokens)
    return replace(reply, yes_probability=value if value is not None and math.isfinite(value) else None)


def encodable(text: str) -> str:
    """Return `text` with question marks for lone surrogates, which neither UTF-8 nor Arrow can hold."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _token_logprobs(logprobs: Any) -> list[TokenLogprobs]:
    return [
        TokenLogprobs(
            token=str(token["token"]),
            logprob=float(token["logprob"]),
            top=tuple((str(other["token"]), float(other["logprob"])) for other in token.get("top_logprobs") or ()),
        )
        for token in (logprobs or {}).get("content") or ()
    ]


def _whole(value: Any) -> int | None:
    return int(value) if value is not None else None
