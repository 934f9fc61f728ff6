"""Asking: one row becomes one HTTP request, and what goes wrong a retry, the row's error or the engine's.

Where requests go is a `Router`'s: `endpoint.py` for an address elsewhere, `connection.py` for a server of our own.
"""

import asyncio
import json
import re
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Any, Final, Protocol
from urllib.parse import urljoin

import aiohttp

from genetic_udfs.config.engines import ReasoningTags
from genetic_udfs.engine.chat_completion import (
    MAX_COMPLETION_TOKENS,
    MAX_TOKENS,
    ReadLogprobs,
    Reply,
    Sampling,
    TokenLogprobs,
    beginning_of,
    encodable,
    request_body,
)
from genetic_udfs.engine.embedding_request import PATH as EMBEDDINGS
from genetic_udfs.engine.embedding_request import embedding_body, embedding_in, shortened
from genetic_udfs.engine.response import fault_in, reply_in, with_yes_probability
from genetic_udfs.engine.retry import (
    DEFAULT_RETRY,
    Answers,
    AttemptFailed,
    Attempts,
    FirstAnswers,
    RetryPolicy,
    without_echo,
)
from genetic_udfs.errors import EngineError

NO_PROMPT: Final = "no prompt"
"""The error of a row about which nothing was asked."""

_CHAT: Final = "chat/completions"
_OF_THE_ROW: Final = frozenset({400, 413, 414, 422})
_BUSY: Final = frozenset({429, 503, 529})
_BROKEN_OFF: Final = frozenset({"abort", "error"})  # as vLLM ends what it works on when it has to end
_FOLLOWED: Final = frozenset({307, 308})
_PASSING: Final = frozenset({408, 425})  # below 500, and worth another try
_LONGEST_MESSAGE: Final = 500
# Words of a refusal that mean the request's beginning of an answer, which is vLLM's.
_NOT_CONTINUED: Final = re.compile(
    r"continue_final_message|add_generation_prompt|prefill|(?:final|last|assistant) message|role.{0,9}assistant",
    re.IGNORECASE,
)
_NO_PREFILL: Final = (
    "a beginning of the answer is not to be had there: leave out prefill, and the assistant's turn that ends a prompt"
)
# A refusal that names the other field also when it is only out of range.
_UNSUPPORTED: Final = re.compile(r"not supported|unsupported|unrecognized|use 'max_completion|instead", re.IGNORECASE)
# What endpoints were found to want, by address and model: for all feeders of this process.
_FIELDS_FOUND: dict[tuple[str, str], str] = {}


def all_refused(engine: str, refusal: str, *, embeds: bool = False) -> str:
    """Return the message of a stage whose first requests are all refused for one reason."""
    what = "the engine" if embeds else "what is asked for under `roles`, or the engine"
    return f"{engine} refuses every request: {refusal}. That is no fault of single rows: change {what}, and start again"


class _TooLong(Exception):
    """A text was refused for its length; `beginning` is what to embed in its place."""

    def __init__(self, beginning: str) -> None:
        super().__init__()
        self.beginning = beginning


@dataclass(frozen=True)
class Route:
    """Where to send a request now. `epoch` tells the lives of a server apart."""

    session: aiohttp.ClientSession
    url: str
    model: str
    epoch: int = 0


class Router(Protocol):
    """Knows where an engine is."""

    @property
    def name(self) -> str:
        """How messages call the engine, such as `engine 'smol'`."""

    def route(self) -> AbstractAsyncContextManager[Route]:
        """Wait until there is somewhere to send a request to; raise EngineError when there will not be.

        The context lasts as long as the request.
        """

    def answered(self, route: Route) -> None:
        """A request was answered."""

    def refused(self, route: Route) -> None:
        """A request was answered with 429: there are too many."""

    async def failed(self, route: Route) -> None:
        """A request got no answer, or a dying server's: find out whether the route still stands."""

    def refusal(self, route: Route, status: int, message: str) -> str:
        """Return what the user should do about 401, 402, 403, 404 and the like."""

    def without_secrets(self, text: str) -> str:
        """Return the text with what nobody may see taken out."""


class Client:
    """Asks one engine, for one feeder.

    Args:
        router: Where the engine is.
        sampling: How it samples; None of one that embeds, whose replies' texts are vectors.
        read_logprobs: Fills `yes_probability`.
        policy: How often to try again.
        reasoning: How thoughts are separated from answers, as `engines.NAME.reasoning`.
        max_tokens_field: What the endpoint calls the longest reply; found out unless given.
        refused_after: So many refusals of one kind, before anything is answered, are no fault of rows; None for never.
        on_notice: Told what was found out.
    """

    def __init__(
        self,
        router: Router,
        sampling: Sampling | None,
        read_logprobs: ReadLogprobs | None = None,
        policy: RetryPolicy = DEFAULT_RETRY,
        reasoning: ReasoningTags | bool = True,
        max_tokens_field: str | None = None,
        refused_after: int | None = None,
        on_notice: Callable[[str], None] = lambda notice: None,
    ) -> None:
        self._router = router
        self._sampling = sampling
        self._path = EMBEDDINGS if sampling is None else _CHAT
        self._read_logprobs = read_logprobs
        self._policy = policy
        self._reasoning = reasoning
        self._max_tokens_field = max_tokens_field
        self._first = FirstAnswers(refused_after)
        self._on_notice = on_notice
        self._progress = Answers()

    async def ask(self, prompt: str | None) -> Reply:
        """Return the reply to one row.

        Raises:
            EngineError: The engine refuses everybody, or answers nobody any more.
        """
        if prompt is None:
            return Reply(error=NO_PROMPT)
        attempts = Attempts(self._policy, self._progress)
        while True:
            try:
                return await self._send(prompt, attempts)
            except _TooLong as refusal:
                attempts.take_back()
                prompt, pause = refusal.beginning, 0.0
            except AttemptFailed as failure:
                if attempts.is_enough(failure):
                    return self._given_up(attempts, failure)
                pause = attempts.wait(failure)
            await asyncio.sleep(pause)

    def _given_up(self, attempts: Attempts, failure: AttemptFailed) -> Reply:
        text = f"{failure} ({attempts.count} attempts)"
        if attempts.row_is_at_fault():
            return Reply(error=text, attempt=attempts.count)
        raise EngineError(f"{self._router.name} does not answer: {text}") from None

    async def _send(self, prompt: str, attempts: Attempts) -> Reply:
        async with self._router.route() as route:
            return await self._send_to(route, prompt, attempts)

    async def _send_to(self, route: Route, prompt: str, attempts: Attempts) -> Reply:
        attempts.begin(route.epoch)
        if attempts.has_seen_enough_deaths():
            raise EngineError(f"{self._router.name} died {attempts.deaths} times under one and the same row")
        beginning = "" if self._sampling is None else beginning_of(prompt, self._sampling)
        field = self._field_of(route)
        body = json.dumps(self._body(route, prompt, field)).encode()
        started = time.monotonic()
        try:
            status, headers, content = await _posted(route.session, f"{route.url}/{self._path}", body)
        except TimeoutError:
            await self._router.failed(route)
            raise AttemptFailed(
                f"no answer within {time.monotonic() - started:.0f} s", at_most=self._policy.timeouts
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            await self._router.failed(route)
            raise AttemptFailed(
                self._shown(f"{type(error).__name__}: {error}"), at_most=self._policy.attempts
            ) from None
        seconds = time.monotonic() - started
        if status == 200:
            data = self._json_in(content)
            if (fault := fault_in(data)) is None:
                return self._read(route, data, seconds, attempts, beginning)
            status, message = fault
        elif 300 <= status < 400:
            raise EngineError(
                f"{self._router.name}: {self._shown(_moved(route, self._path, status, headers.get('Location')))}"
            )
        else:
            message = _message_in(content)
        message = without_echo(message)
        if self._is_another_field_wanted(route, status, message, field):
            return await self._send_to(route, prompt, attempts)
        if self._sampling is None and (half := shortened(prompt, status, message)) is not None:
            raise _TooLong(half)
        return await self._refused(route, status, headers.get("Retry-After"), message, attempts, bool(beginning))

    def _body(self, route: Route, prompt: str, field: str) -> dict[str, Any]:
        if self._sampling is None:
            return embedding_body(route.model, prompt)
        return request_body(route.model, prompt, self._sampling, field)

    def _field_of(self, route: Route) -> str:
        return self._max_tokens_field or _FIELDS_FOUND.get((route.url, route.model), MAX_TOKENS)

    def _is_another_field_wanted(self, route: Route, status: int, message: str, field: str) -> bool:
        """Whether a refusal asks for the other name of `max_tokens`; from now on that is used."""
        wanted = status in _OF_THE_ROW and MAX_COMPLETION_TOKENS in message and _UNSUPPORTED.search(message) is not None
        has_field = self._sampling is not None and self._sampling.max_tokens is not None
        if not (wanted and has_field) or field != MAX_TOKENS or self._max_tokens_field is not None:
            return False
        if (route.url, route.model) not in _FIELDS_FOUND:
            _FIELDS_FOUND[route.url, route.model] = MAX_COMPLETION_TOKENS
            key = f"max_tokens_field: {MAX_COMPLETION_TOKENS}"
            self._on_notice(f"{self._router.name} wants {MAX_COMPLETION_TOKENS} and gets it; {key} saves its refusals")
        return True

    def _json_in(self, content: bytes) -> Any:
        try:
            return json.loads(content)
        except (ValueError, RecursionError) as error:
            raise AttemptFailed(f"the answer is broken: {error}", at_most=self._policy.attempts) from None

    def _read(self, route: Route, data: Any, seconds: float, attempts: Attempts, beginning: str) -> Reply:
        tokens: list[TokenLogprobs]
        try:
            if self._sampling is None:
                reply, tokens = embedding_in(data, seconds=seconds, attempt=attempts.count), []
            else:
                reply, tokens = reply_in(
                    data, seconds=seconds, attempt=attempts.count, beginning=beginning, reasoning=self._reasoning
                )
        except ValueError as error:
            raise AttemptFailed(f"the answer is broken: {error}", at_most=self._policy.attempts) from None
        if reply.finish_reason in _BROKEN_OFF:
            raise AttemptFailed(f"the answer was broken off ({reply.finish_reason})", at_most=self._policy.attempts)
        self._progress.answered()
        self._first.answered()
        self._router.answered(route)
        if self._read_logprobs is not None and tokens:
            reply = with_yes_probability(reply, tokens, self._read_logprobs)
        return reply

    async def _refused(
        self,
        route: Route,
        status: int,
        retry_after: str | None,
        message: str,
        attempts: Attempts,
        is_continued: bool,
    ) -> Reply:
        message = self._shown(message)
        if is_continued and _NOT_CONTINUED.search(message):
            message = f"{message} ({_NO_PREFILL})"
        if status in _OF_THE_ROW:
            self._progress.answered()
            refusal = f"HTTP {status}: {message}"
            if self._first.refused(refusal):
                raise EngineError(all_refused(self._router.name, refusal, embeds=self._sampling is None))
            return Reply(error=refusal, attempt=attempts.count)
        if status < 500 and status not in _BUSY | _PASSING:
            raise EngineError(f"{self._router.name}: {self._router.refusal(route, status, message)}")
        if status == 429:
            self._router.refused(route)
        else:
            await self._router.failed(route)
        raise AttemptFailed(
            f"HTTP {status}: {message}",
            at_most=self._policy.attempts,
            after=_seconds(retry_after),
            busy=status in _BUSY,
        )

    def _shown(self, text: str) -> str:
        text = encodable(self._router.without_secrets(text))
        return text if len(text) <= _LONGEST_MESSAGE else text[:_LONGEST_MESSAGE] + " ..."


async def _posted(session: aiohttp.ClientSession, url: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
    """Send a body; return status, headers and content.

    aiohttp would follow a 301 or 302 with a GET, which asks for something else. A 307 or 308 asks to be followed with
    the same body.
    """
    headers = {"Content-Type": "application/json"}
    async with session.post(url, data=body, headers=headers, allow_redirects=False) as response:
        if response.status not in _FOLLOWED:
            return response.status, response.headers, await response.read()
    async with session.post(url, data=body, headers=headers) as response:
        return response.status, response.headers, await response.read()


def _moved(route: Route, path: str, status: int, location: str | None) -> str:
    """Return what to do about an answer that sends elsewhere."""
    if location is None:
        return f"{route.url} sends elsewhere without saying where (HTTP {status}); check its url"
    url = urljoin(route.url, location).removesuffix(f"/{path}")
    return f"{route.url} has moved (HTTP {status}); set its url to {url}"


def _seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header; its other form, a date, is rare and left to the backoff."""
    try:
        return max(0.0, float(retry_after)) if retry_after is not None else None
    except ValueError:
        return None


def _message_in(content: bytes) -> str:
    """Return what an error response says, whichever of the usual shapes it has."""
    text = content.decode("utf-8", "replace")
    try:
        data: Any = json.loads(text)
    except ValueError:
        return text
    for key in ("error", "message", "detail"):
        if isinstance(data, dict) and data.get(key):
            data = data[key]
    return data if isinstance(data, str) else json.dumps(data)
