"""What an endpoint sends back, read: a reply, its thoughts apart, its log-probabilities; errors in disguise."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from genetic_udfs.config.engines import ReasoningTags
from genetic_udfs.engine.chat_completion import ReadLogprobs, Reply, TokenLogprobs, encodable, is_cut_off
from genetic_udfs.engine.thoughts import Parted, parted

_THOUGHTS: Final = ("reasoning_content", "reasoning")
_STATUS_OF_CODE: Final = {
    "rate_limit_exceeded": 429,
    "insufficient_quota": 402,
    "invalid_api_key": 401,
    "model_not_found": 404,
    "context_length_exceeded": 400,
    "invalid_request_error": 400,
    "badrequesterror": 400,
}
_UNKNOWN_FAULT: Final = 502


def fault_in(data: Any) -> tuple[int, str] | None:
    """Return status and message of an error that a response of status 200 holds, in its body or in its choice.

    One without a code that says more is a gateway's: it may pass.
    """
    choices = data.get("choices") if isinstance(data, dict) else None
    holders = [data, *(choices[:1] if isinstance(choices, list) else [])]
    for error in (holder.get("error") for holder in holders if isinstance(holder, dict)):
        if not error:
            continue
        message = error.get("message") if isinstance(error, dict) else error
        return _status_of(error), message if isinstance(message, str) else repr(error)
    return None


def _status_of(error: Any) -> int:
    said = [error.get(key) for key in ("code", "status", "type")] if isinstance(error, dict) else []
    for code in said:
        status = _STATUS_OF_CODE.get(code.lower()) if isinstance(code, str) else None
        if status is None and not isinstance(code, bool):
            status = whole_number(code)
        if status is not None and 400 <= status < 600:
            return status
    return _UNKNOWN_FAULT


def reply_in(
    data: Any, *, seconds: float, attempt: int, beginning: str = "", reasoning: ReasoningTags | bool = True
) -> tuple[Reply, list[TokenLogprobs]]:
    """Return the reply that a chat completion response holds, and its answer's tokens with their log-probabilities.

    There are no tokens where the response has no log-probabilities, has them in another form than OpenAI's, or not of
    the answer.

    Args:
        data: The response's JSON.
        seconds: Time from sending to the last byte.
        attempt: How many sendings it took.
        beginning: What the reply was to begin with; it comes back as if it were generated too, as a token of its own.
        reasoning: The tags that thoughts stand in, if they are not the known ones; whether there are any.

    Raises:
        ValueError: The data is not a chat completion.
    """
    try:
        choice = data["choices"][0]
        message = choice["message"]
        content, of_parts = _content(message.get("content"))
        text = encodable(content or _texts(message.get("refusal")))
        is_given_back = text.startswith(beginning)  # as some servers do
        apart = next((found for name in _THOUGHTS if (found := _texts(message.get(name)).strip())), "")
        given = [part for part in (apart, of_parts.strip()) if part]
        ended_by = str(choice["finish_reason"]) if choice.get("finish_reason") is not None else None
        inside = _inside(text, reasoning, ended_by, is_apart=bool(given))
        # A model that has thought first begins its answer anew.
        if not is_given_back and not (inside.reasoning and inside.answer.startswith(beginning)):
            inside = _inside(beginning + text, reasoning, ended_by, is_apart=bool(given))
        thoughts = [*given, *filter(None, [inside.reasoning])]
        usage = data.get("usage") or {}
        reply = Reply(
            text=inside.answer,
            finish_reason=ended_by,
            prompt_tokens=whole_number(usage.get("prompt_tokens")),
            completion_tokens=whole_number(usage.get("completion_tokens")),
            sent_at=datetime.now(UTC) - timedelta(seconds=seconds),
            seconds=seconds,
            attempt=attempt,
            reasoning=encodable("\n\n".join(thoughts)) or None,
            reasoning_tokens=_reasoning_tokens(usage),
        )
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not a chat completion: {error!r}") from error
    tokens = _token_logprobs(choice.get("logprobs"))
    return reply, of_answer(inside.answer, [TokenLogprobs(beginning, 0.0, ()), *tokens])


def of_answer(answer: str, tokens: list[TokenLogprobs]) -> list[TokenLogprobs]:
    """Return the tokens that an answer is made of, each with its part of the answer as its text; none if it is not.

    Tokens may be those of thoughts and end marks, too, and their texts differ from the answer's in white space and in
    what is not ASCII, which tokenizers part and mark.
    """
    places = [place for place, character in enumerate(answer) if _is_plain(character)]
    owners = [
        (character, number) for number, token in enumerate(tokens) for character in filter(_is_plain, token.token)
    ]
    said = "".join(character for character, _ in owners)
    first = said.rfind("".join(answer[place] for place in places)) if places else -1
    if first < 0:
        return []
    ends: dict[int, int] = {}  # of each token, where its part of the answer ends
    for place, (_, number) in zip(places, owners[first:], strict=False):
        ends[number] = place + 1
    last = max(ends)
    starts, made = 0, []
    for number, end in ends.items():
        stop = len(answer) if number == last else end
        made.append(replace(tokens[number], token=answer[starts:stop]))
        starts = stop
    return made


def with_yes_probability(reply: Reply, tokens: list[TokenLogprobs], read: ReadLogprobs) -> Reply:
    """Return the reply with what `read` makes of its tokens; nothing but a finite number is a probability."""
    value = read(tokens)
    return replace(reply, yes_probability=value if value is not None and math.isfinite(value) else None)


def _is_plain(character: str) -> bool:
    return "!" <= character <= "~"


def _inside(text: str, reasoning: ReasoningTags | bool, ended_by: str | None, *, is_apart: bool) -> Parted:
    if reasoning is False:
        return Parted(None, text)
    tags = None if reasoning is True else reasoning
    found = parted(text, tags, was_cut=is_cut_off(ended_by), is_apart=is_apart)
    # What a server parts by itself leaves the empty lines that stood between thoughts and answer.
    return found._replace(answer=found.answer.lstrip("\r\n")) if is_apart else found


def _content(content: Any) -> tuple[str, str]:
    """Return the text of a message's content, and the thoughts among its typed parts."""
    if not isinstance(content, list):
        if content is not None and not isinstance(content, str):
            raise TypeError(f"content is {type(content).__name__}")
        return content or "", ""
    texts: list[str] = []
    thoughts: list[str] = []
    for part in content:
        kind = str(part.get("type", "text")) if isinstance(part, dict) else "text"
        is_thought = "think" in kind or "reason" in kind
        (thoughts if is_thought else texts).append(_texts(part))
    return "".join(texts), "\n\n".join(filter(None, thoughts))


def _texts(part: Any) -> str:
    """Return the text in a part of a message, in whichever of the usual fields it stands; empty if in none."""
    if isinstance(part, str):
        return part
    if isinstance(part, list):
        return "".join(map(_texts, part))
    if isinstance(part, dict):
        return next(
            (
                text
                for key in ("text", "thinking", "reasoning", "content", "summary", "refusal")
                if (text := _texts(part.get(key)))
            ),
            "",
        )
    return ""


def _reasoning_tokens(usage: Any) -> int | None:
    details = usage.get("completion_tokens_details")
    counted = details.get("reasoning_tokens") if isinstance(details, dict) else None
    return whole_number(counted if counted is not None else usage.get("reasoning_tokens"))


def _token_logprobs(logprobs: Any) -> list[TokenLogprobs]:
    try:
        return [
            TokenLogprobs(
                token=_token_text(token),
                logprob=_logprob(token["logprob"]),
                top=tuple(
                    (str(other["token"]), _logprob(other["logprob"])) for other in token.get("top_logprobs") or ()
                ),
            )
            for token in (logprobs or {}).get("content") or ()
        ]
    except (KeyError, TypeError, AttributeError, ValueError):
        return []


def _token_text(token: Any) -> str:
    """Return a token's text; of a part of a character the bytes say more than what stands for it."""
    octets = token.get("bytes")
    return bytes(octets).decode("utf-8", "ignore") if isinstance(octets, list) else str(token["token"])


def _logprob(value: Any) -> float:
    found = float(value)
    if math.isnan(found):
        raise ValueError("no number")
    return min(found, 0.0)


def whole_number(value: Any) -> int | None:
    """Return a count, as endpoints give it; None for what is none."""
    try:
        return int(value) if value is not None else None
    except (TypeError, ValueError, OverflowError):
        return None
