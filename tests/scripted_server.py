"""A test double for an OpenAI-compatible endpoint: answers by a function of the prompt, and misbehaves on
demand.

It runs in a thread of the test (`with ScriptedServer(answer) as server: server.url`) or as a process of its
own (`python tests/scripted_server.py --uds PATH`), where it stands in for vLLM's server. It generates
nothing; what an engine really does is tested on vLLM.
"""

import argparse
import asyncio
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

TopLogprobs = Sequence[tuple[str, float]]


@dataclass(frozen=True)
class Request:
    """One request as the server saw it; `attempt` counts the sendings of this prompt, the first is 1."""

    prompt: str
    attempt: int
    body: dict[str, Any]
    headers: dict[str, str]


@dataclass(frozen=True)
class Answer:
    """What to send back, and how badly.

    `after` seconds pass first. `drop` closes the connection instead of answering, `truncate` cuts the JSON in
    half. `message` is the text of an error. `body` is sent in place of a completion, `message_fields` stand in its
    message beside the content, which is `content` if that is given, and the text otherwise. `tops` gives each token's
    alternatives, most likely first; without it a request for logprobs gets one certain token a word.
    """

    text: str = ""
    status: int = 200
    after: float = 0.0
    headers: dict[str, str] = field(default_factory=dict)
    message: str = "scripted"
    finish_reason: str = "stop"
    drop: bool = False
    truncate: bool = False
    body: dict[str, Any] | None = None
    content: Any = None
    message_fields: dict[str, Any] = field(default_factory=dict)
    tops: Sequence[TopLogprobs] | None = None


def echo(request: Request) -> str:
    """Answer with the prompt itself."""
    return f"echo: {request.prompt}"


class ScriptedServer:
    """An endpoint at `url` (or on the Unix socket `uds`) whose answers come from `answer`.

    `calls` counts the requests by prompt, `most_running` is the largest number that were in flight at once.
    `is_blind` metrics never show a request that runs, as vLLM's do before a first step ends. With `model`, any other
    model's name is answered with 404; with `api_key`, any other key with 401. With `gate`, requests run until there is
    a file of that name.
    """

    def __init__(
        self,
        answer: Callable[[Request], str | Answer] = echo,
        *,
        model: str | None = None,
        api_key: str | None = None,
        latency: float = 0.0,
        uds: str | None = None,
        is_blind: bool = False,
        gate: Path | None = None,
    ) -> None:
        self.answer = answer
        self.model = model
        self.api_key = api_key
        self.latency = latency
        self.uds = uds
        self.is_blind = is_blind
        self.gate = gate
        self.url = ""
        self.calls: Counter[str] = Counter()
        self.requests: list[Request] = []
        self.running = 0
        self.most_running = 0
        self.tokens = 0
        self.is_asleep = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._connections: set[_Connection] = set()

    def __enter__(self) -> Self:
        ready = threading.Event()

        def run() -> None:
            with asyncio.Runner() as runner:
                self._loop = runner.get_loop()
                runner.run(self._serve(ready))

        self._thread = threading.Thread(target=run, name="scripted-server", daemon=True)
        self._thread.start()
        if not ready.wait(10):
            raise RuntimeError("the scripted server did not start in 10 s")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._loop is not None and self._thread is not None
        self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join(10)

    def serve_for_ever(self) -> None:
        """Serve in this process until it is killed."""
        asyncio.run(self._serve(threading.Event()))

    async def _serve(self, ready: threading.Event) -> None:
        self._stopping = asyncio.Event()
        loop = asyncio.get_running_loop()
        if self.uds is not None:
            server = await loop.create_unix_server(lambda: _Connection(self), self.uds, backlog=2048)
        else:
            server = await loop.create_server(lambda: _Connection(self), "127.0.0.1", 0, backlog=2048)
            self.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
        ready.set()
        async with server:
            await self._stopping.wait()
            server.close()
            for connection in list(self._connections):
                connection.drop()

    async def respond(self, method: str, path: str, headers: dict[str, str], body: bytes) -> bytes | None:
        """Return the bytes of a whole response, or None for a dropped connection."""
        if path == "/health":
            return _response(200, b"")
        if path == "/metrics":
            return _response(200, self._metrics().encode(), content_type="text/plain")
        if path.endswith("/models"):
            return _json_response(200, {"object": "list", "data": [{"id": self.model or "scripted"}]})
        if method == "POST" and path in {"/sleep?level=1&mode=wait", "/wake_up"}:
            self.is_asleep = path != "/wake_up"
            return _response(200, b"")
        if method != "POST" or not path.endswith(("/chat/completions", "/embeddings")):
            return _json_response(404, {"error": {"message": f"no such path: {path}"}})
        return await self._complete(headers, json.loads(body))

    async def _complete(self, headers: dict[str, str], body: dict[str, Any]) -> bytes | None:
        prompt = body["input"] if "input" in body else body["messages"][-1]["content"]
        self.calls[prompt] += 1
        request = Request(prompt, self.calls[prompt], body, headers)
        self.requests.append(request)
        if self.api_key is not None and headers.get("authorization") != f"Bearer {self.api_key}":
            given = headers.get("authorization", "").removeprefix("Bearer ")
            return _error(Answer(status=401, message=f"Incorrect API key provided: {given}"))
        if self.model is not None and body["model"] != self.model:
            return _error(Answer(status=404, message=f"The model `{body['model']}` does not exist."))
        if self.is_asleep:
            return _error(Answer(status=500, message="asked while it sleeps"))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            answer = self.answer(request)
            if isinstance(answer, str):
                answer = Answer(answer)
            if self.latency + answer.after > 0:
                await asyncio.sleep(self.latency + answer.after)
            while self.gate is not None and not self.gate.exists():
                await asyncio.sleep(0.02)
        finally:
            self.running -= 1
        if answer.drop:
            return None
        if answer.status != 200:
            return _error(answer)
        self.tokens += len(answer.text.split())
        data = answer.body if answer.body is not None else _completion(answer, request)
        return _json_response(200, data, answer.headers, truncate=answer.truncate)

    def _metrics(self) -> str:
        return (
            f'vllm:num_requests_running{{engine="0"}} {float(0 if self.is_blind else self.running)}\n'
            f'vllm:num_requests_waiting{{engine="0"}} 0.0\n'
            f'vllm:generation_tokens_total{{engine="0"}} {float(self.tokens)}\n'
            f'vllm:engine_sleep_state{{engine="0",sleep_state="awake"}} {float(not self.is_asleep)}\n'
        )


class _Connection(asyncio.Protocol):
    """One HTTP/1.1 connection, kept alive; just enough of the protocol for the clients in use here."""

    def __init__(self, server: ScriptedServer) -> None:
        self._server = server
        self._buffer = b""
        self._tasks: set[asyncio.Task[None]] = set()
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._server._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server._connections.discard(self)
        for task in self._tasks:
            task.cancel()

    def drop(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while b"\r\n\r\n" in self._buffer:
            head, _, rest = self._buffer.partition(b"\r\n\r\n")
            first, *lines = head.decode("latin-1").split("\r\n")
            headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
            length = int(headers.get("content-length", "0"))
            if len(rest) < length:
                return
            self._buffer = rest[length:]
            method, path, _ = first.split(" ")
            task = asyncio.get_running_loop().create_task(self._answer(method, path, headers, rest[:length]))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> None:
        response = await self._server.respond(method, path, headers, body)
        assert self._transport is not None
        if response is None:
            self._transport.abort()
        else:
            self._transport.write(response)


def _completion(answer: Answer, request: Request) -> dict[str, Any]:
    choice: dict[str, Any] = {
        "index": 0,
        "finish_reason": answer.finish_reason,
        "message": {
            "role": "assistant",
            "content": answer.text if answer.content is None else answer.content,
            **answer.message_fields,
        },
    }
    if request.body.get("logprobs"):
        tops = answer.tops if answer.tops is not None else [[(word, 0.0)] for word in answer.text.split()]
        choice["logprobs"] = {"content": [_token(top) for top in tops]}
    prompt_tokens, completion_tokens = len(request.prompt.split()), len(answer.text.split())
    return {
        "id": f"scripted-{request.attempt}",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": request.body["model"],
        "choices": [choice],
        "usage": {
            "prompt_tokens": prompt_tokens,
            "completion_tokens": completion_tokens,
            "total_tokens": prompt_tokens + completion_tokens,
        },
    }


def _token(top: TopLogprobs) -> dict[str, Any]:
    token, logprob = top[0]
    return {
        "token": token,
        "logprob": logprob,
        "bytes": None,
        "top_logprobs": [{"token": text, "logprob": value, "bytes": None} for text, value in top],
    }


def _error(answer: Answer) -> bytes:
    error = {"error": {"message": answer.message, "type": "scripted", "code": answer.status}}
    return _json_response(answer.status, error, answer.headers, truncate=answer.truncate)


def _json_response(
    status: int, data: dict[str, Any], headers: dict[str, str] | None = None, truncate: bool = False
) -> bytes:
    content = json.dumps(data).encode()
    return _response(status, content[: len(content) // 2] if truncate else content, headers)


def _response(
    status: int, content: bytes, headers: dict[str, str] | None = None, content_type: str = "application/json"
) -> bytes:
    lines = [
        f"HTTP/1.1 {status} Scripted",
        f"content-type: {content_type}",
        f"content-length: {len(content)}",
    ]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + content


def main() -> None:
    """Serve in a process of its own, with the start-up faults that a real engine can have."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--uds", required=True)
    parser.add_argument("--model")
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--blind", type=int, default=0, help="1: its metrics never show a request that runs")
    parser.add_argument("--start-after", type=float, default=0.0, help="seconds until the server listens")
    parser.add_argument("--start-when", type=Path, help="a file without which the server does not listen")
    parser.add_argument("--answer-when", type=Path, help="a file without which it does not answer")
    parser.add_argument("--say", help="a line for stderr at the start")
    parser.add_argument("--exit", type=int, help="exit with this code instead of serving")
    parser.add_argument("--exit-after", type=float, help="seconds after which a serving server exits with code 0")
    options = parser.parse_args()
    if options.say:
        print(options.say, file=sys.stderr, flush=True)
    time.sleep(options.start_after)
    while options.start_when is not None and not options.start_when.exists():
        time.sleep(0.02)
    if options.exit is not None:
        sys.exit(options.exit)
    if options.exit_after is not None:
        timer = threading.Timer(options.exit_after, lambda: os._exit(0))
        timer.daemon = True
        timer.start()
    Path(options.uds).unlink(missing_ok=True)
    server = ScriptedServer(
        model=options.model,
        latency=options.latency,
        uds=options.uds,
        is_blind=bool(options.blind),
        gate=options.answer_when,
    )
    server.serve_for_ever()


if __name__ == "__main__":
    main()
