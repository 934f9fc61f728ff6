import asyncio
import base64
import json
import math
import random
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from genetic_udfs.config import Engine
from genetic_udfs.engine.chat_completion import Reply, Sampling, TokenLogprobs
from genetic_udfs.engine.client import Client
from genetic_udfs.engine.embedding_request import vector_in
from genetic_udfs.engine.endpoint import Endpoint
from genetic_udfs.engine.retry import RetryPolicy
from genetic_udfs.engine.window import Window
from genetic_udfs.errors import EngineError
from tests.scripted_server import Answer, Request, ScriptedServer

QUICK = RetryPolicy(attempts=5, timeouts=2, first_wait=0.01, longest_wait=0.05, busy=1.0)
SAMPLING = Sampling(temperature=0.5, top_p=0.9, max_tokens=7)
KEY = "sk-very-secret-0123456789"


def ask_all(
    server: ScriptedServer,
    prompts: list[str | None],
    *,
    engine: Engine | None = None,
    sampling: Sampling | None = SAMPLING,
    share: int = 256,
    policy: RetryPolicy = QUICK,
    read_logprobs: Callable[[list[TokenLogprobs]], float | None] | None = None,
    told: list[str] | None = None,
    refused_after: int | None = None,
) -> list[Reply]:
    async def scenario() -> list[Reply]:
        async with Endpoint("remote", endpoint_engine, share) as endpoint:
            client = Client(
                endpoint,
                sampling,
                read_logprobs,
                policy,
                max_tokens_field=endpoint_engine.max_tokens_field,
                refused_after=refused_after,
                on_notice=(told if told is not None else []).append,
            )
            window = asyncio.Semaphore(share * len(endpoint_engine.urls))

            async def ask(prompt: str | None) -> Reply:
                async with window:
                    return await client.ask(prompt)

            return await asyncio.gather(*(ask(prompt) for prompt in prompts))

    endpoint_engine = engine or Engine(model="m", url=server.url)
    return asyncio.run(asyncio.wait_for(scenario(), 600))


def once(fault: Answer) -> Callable[[Request], Answer | str]:
    """Fail the first sending of each prompt, answer the second."""
    return lambda request: fault if request.attempt == 1 else f"answer to {request.prompt}"


def test_a_reply_holds_text_tokens_and_time() -> None:
    with ScriptedServer(lambda request: Answer("one two", after=0.1, finish_reason="length")) as server:
        [reply] = ask_all(server, ["a b c"])
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == (
        "one two",
        "length",
        3,
        2,
    )
    assert reply.seconds is not None and 0.1 <= reply.seconds < 2
    assert (reply.error, reply.attempt, reply.yes_probability) == (None, 1, None)


def test_the_request_carries_the_sampling() -> None:
    with ScriptedServer() as server:
        ask_all(server, ["hello"], sampling=Sampling(0.25, 0.5, 9, top_logprobs=3))
    assert server.requests[0].body == {
        "model": "m",
        "messages": [{"role": "user", "content": "hello"}],
        "temperature": 0.25,
        "top_p": 0.5,
        "max_tokens": 9,
        "logprobs": True,
        "top_logprobs": 3,
    }


def wants_max_completion_tokens(request: Request) -> Answer | str:
    if "max_tokens" in request.body:
        message = "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens'"
        return Answer(status=400, message=f"{message} instead.")
    return "fine"


def test_an_endpoint_that_wants_max_completion_tokens_gets_it_and_that_is_reported_once() -> None:
    told: list[str] = []
    with ScriptedServer(wants_max_completion_tokens) as server:
        engine = Engine(model="m", url=server.url)
        replies = [*ask_all(server, ["a", "b"], told=told, share=1), *ask_all(server, ["c"], told=told)]
        assert [reply.text for reply in replies] == ["fine"] * 3
        assert [request.body.get("max_completion_tokens") for request in server.requests] == [None, 7, 7, 7]
        assert len(told) == 1 and "wants max_completion_tokens" in told[0]
        refused = ask_all(server, ["d"], engine=engine.model_copy(update={"max_tokens_field": "max_tokens"}))
    assert refused[0].error is not None and refused[0].error.startswith("HTTP 400: Unsupported parameter")


def test_the_name_of_max_tokens_may_be_set() -> None:
    with ScriptedServer(wants_max_completion_tokens) as server:
        engine = Engine(model="m", url=server.url, max_tokens_field="max_completion_tokens")
        assert ask_all(server, ["a"], engine=engine)[0].text == "fine"
    assert server.calls["a"] == 1


@pytest.mark.parametrize(("rows", "ends"), [(11, False), (12, True)])
def test_refusals_of_one_kind_before_any_answer_are_no_fault_of_rows(rows: int, ends: bool) -> None:
    def answer(request: Request) -> Answer:
        return Answer(status=400, message=f"request req-{request.prompt}1: unknown field top_k")

    with ScriptedServer(answer) as server:
        prompts: list[str | None] = [f"p{number}" for number in range(rows)]
        if not ends:
            assert {reply.text for reply in ask_all(server, prompts, refused_after=12)} == {None}
            return
        with pytest.raises(EngineError, match=r"every request: HTTP 400: request req-p\d+: unknown field"):
            ask_all(server, prompts, refused_after=12)


def test_refusals_after_an_answer_or_of_different_kinds_are_their_rows() -> None:
    def answer(request: Request) -> Answer | str:
        if request.prompt == "good":
            return "fine"
        return Answer(status=400, message="no" if request.prompt < "p5" else "never")

    rows: list[str | None] = [f"p{number}" for number in range(9)]
    with ScriptedServer(answer) as server:
        assert ask_all(server, ["good", *rows], refused_after=4, share=1)[0].text == "fine"
        assert {reply.text for reply in ask_all(server, rows[3:], refused_after=3, share=1)} == {None}


@pytest.mark.parametrize(
    ("message", "is_reported"),
    [("Unrecognized request argument: continue_final_message", True), ("the prompt is too long", False)],
)
def test_a_beginning_that_is_not_to_be_had_is_reported_beside_the_refusal(message: str, is_reported: bool) -> None:
    refusal = Answer(message=message, status=400)
    with ScriptedServer(lambda request: refusal) as server:
        [reply] = ask_all(server, ["p"], sampling=replace(SAMPLING, prefill="def"))
    assert reply.error is not None and message in reply.error
    assert ("a beginning of the answer is not to be had there: leave out prefill" in reply.error) == is_reported


@pytest.mark.parametrize(
    "fault",
    [
        Answer(status=429, headers={"Retry-After": "0"}),
        Answer(status=429),
        Answer(status=500),
        Answer(status=502),
        Answer(status=503, headers={"Retry-After": "0.01"}),
        Answer(drop=True),
        Answer("half", truncate=True),
    ],
    ids=["429-after", "429", "500", "502", "503", "dropped", "truncated"],
)
def test_a_passing_fault_costs_a_second_sending(fault: Answer) -> None:
    with ScriptedServer(once(fault)) as server:
        replies = ask_all(server, [f"p{n}" for n in range(20)])
    assert [(reply.text, reply.attempt) for reply in replies] == [(f"answer to p{n}", 2) for n in range(20)]
    assert set(server.calls.values()) == {2}


def test_an_error_in_a_good_status_is_treated_as_its_own() -> None:
    def answer(request: Request) -> Answer:
        code = {"bad": 400, "busy": 429}[request.prompt]
        if request.attempt == 2:
            return Answer("fine")
        error = {"error": {"message": "scripted", "code": code}}
        return Answer(body=error if request.prompt == "bad" else {"choices": [{"message": {}, **error}]})

    with ScriptedServer(answer) as server:
        bad, busy = ask_all(server, ["bad", "busy"])
    assert (bad.error, bad.attempt) == ("HTTP 400: scripted", 1)
    assert (busy.text, busy.attempt) == ("fine", 2)


@pytest.mark.parametrize("status", [301, 302])
def test_an_endpoint_that_has_moved_is_named_with_its_new_address(status: int) -> None:
    moved = Answer(status=status, headers={"Location": "https://elsewhere.example/v1/chat/completions"})
    with ScriptedServer(lambda request: moved) as server, pytest.raises(EngineError) as raised:
        ask_all(server, ["p"])
    assert f"{server.url} has moved (HTTP {status}); set its url to https://elsewhere.example/v1" in str(raised.value)
    assert server.calls["p"] == 1


def test_a_redirection_that_keeps_the_method_is_followed() -> None:
    with ScriptedServer() as there:
        moved = Answer(status=308, headers={"Location": f"{there.url}/chat/completions"})
        with ScriptedServer(lambda request: moved) as server:
            [reply] = ask_all(server, ["p"])
    assert reply.text == "echo: p"


def test_thoughts_come_apart_from_the_answer() -> None:
    answers = {"tags": Answer("<think>b</think>a"), "field": Answer("a", message_fields={"reasoning_content": "b"})}
    with ScriptedServer(lambda request: answers[request.prompt]) as server:
        replies = ask_all(server, ["tags", "field"])
    assert [(reply.text, reply.reasoning) for reply in replies] == [("a", "b")] * 2


def test_a_timeout_is_tried_again() -> None:
    def answer(request: Request) -> Answer:
        return Answer("late", after=3600 if request.attempt == 1 else 0)

    with ScriptedServer(answer) as server:
        [reply] = ask_all(server, ["p"], engine=Engine(model="m", url=server.url, request_timeout=1))
    assert (reply.text, reply.attempt) == ("late", 2)


def test_retry_after_is_waited_for() -> None:
    with ScriptedServer(once(Answer(status=429, headers={"Retry-After": "1.5"}))) as server:
        started = time.monotonic()
        ask_all(server, ["p"])
    assert time.monotonic() - started >= 1.5


@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_bad_row_keeps_its_error_and_is_not_asked_twice(status: int) -> None:
    def answer(request: Request) -> Answer | str:
        return Answer(status=status, message="prompt too long") if request.prompt == "bad" else "fine"

    with ScriptedServer(answer) as server:
        good, bad = ask_all(server, ["good", "bad"])
    assert good.text == "fine"
    assert (bad.text, bad.error, bad.attempt) == (None, f"HTTP {status}: prompt too long", 1)
    assert server.calls["bad"] == 1


def test_a_row_without_a_prompt_is_not_sent() -> None:
    with ScriptedServer() as server:
        assert ask_all(server, [None]) == [Reply(error="no prompt")]
    assert server.calls.total() == 0


def test_a_row_that_always_breaks_the_server_keeps_its_error_while_others_are_answered() -> None:
    def answer(request: Request) -> Answer | str:
        return Answer(status=500, message="poison") if request.prompt == "bad" else "fine"

    with ScriptedServer(answer) as server:
        *good, bad = ask_all(server, ["1", "2", "3", "bad"])
    assert [reply.text for reply in good] == ["fine"] * 3
    assert bad.error == "HTTP 500: poison (5 attempts)"


def test_an_endpoint_that_answers_nobody_is_an_engine_error_after_bounded_attempts() -> None:
    server = ScriptedServer(lambda request: Answer(status=500, message="down"))
    with server, pytest.raises(EngineError, match=r"engine 'remote' \(http.*does not answer: HTTP 500: down"):
        ask_all(server, ["p"])
    assert server.calls["p"] == 5


def test_an_endpoint_that_is_not_there_is_an_engine_error() -> None:
    with ScriptedServer() as server:
        pass
    with pytest.raises(EngineError, match="does not answer: ClientConnectorError"):
        ask_all(server, ["p"])


@pytest.mark.parametrize("reason", ["abort", "error"])
def test_an_answer_that_was_broken_off_is_no_answer(reason: str) -> None:
    with ScriptedServer(once(Answer("half of it", finish_reason=reason))) as server:
        [reply] = ask_all(server, ["p"])
    assert (reply.text, reply.attempt) == ("answer to p", 2)


def test_a_row_that_always_takes_too_long_for_a_gateway_keeps_its_error() -> None:
    def answer(request: Request) -> Answer | str:
        return Answer(status=504, message="took too long") if request.prompt == "long" else "fine"

    with ScriptedServer(answer) as server:
        replies = ask_all(server, ["a", "long", *(f"b{k}" for k in range(20))], share=2)
    assert replies[1].error == "HTTP 504: took too long (5 attempts)"
    assert {reply.error for reply in replies if reply is not replies[1]} == {None}


def test_an_endpoint_that_has_answered_may_be_away_for_a_while() -> None:
    """Far more refusals than a row may have, before the endpoint is back: longer than any row is patient by itself."""
    server = ScriptedServer()
    away_until = 0.0

    def answer(request: Request) -> Answer | str:
        nonlocal away_until
        if request.prompt == "p3" and not away_until:
            away_until = time.monotonic() + 1.5
        return Answer(status=502) if time.monotonic() < away_until else "fine"

    server.answer = answer
    policy = RetryPolicy(attempts=3, first_wait=0.01, longest_wait=0.05, silence=20.0)
    with server:
        replies = ask_all(server, [f"p{k}" for k in range(12)], share=1, policy=policy)
    assert {reply.error for reply in replies} == {None}
    assert max(reply.attempt for reply in replies) > 3


def test_a_busy_endpoint_is_waited_for_as_long_as_it_answers_others() -> None:
    """Far more refusals than a broken row may have: being busy is no fault."""

    def answer(request: Request) -> Answer | str:
        return Answer(status=429) if request.prompt == "unlucky" and request.attempt < 12 else "fine"

    with ScriptedServer(answer) as server:

        async def scenario() -> Reply:
            async with Endpoint("remote", Engine(model="m", url=server.url), 4) as endpoint:
                client = Client(endpoint, SAMPLING, None, replace(QUICK, busy=300.0))
                unlucky = asyncio.create_task(client.ask("unlucky"))
                while not unlucky.done():
                    await client.ask("lucky")
                return await unlucky

        reply = asyncio.run(asyncio.wait_for(scenario(), 300))
    assert (reply.text, reply.attempt) == ("fine", 12)


def test_a_wrong_model_fails_at_once_and_says_where_to_look() -> None:
    with ScriptedServer(model="other") as server, pytest.raises(EngineError) as raised:
        ask_all(server, ["p"])
    assert "does not serve the model 'm'" in str(raised.value)
    assert "The model `m` does not exist." in str(raised.value)
    assert "engines.remote.model" in str(raised.value)
    assert server.calls["p"] == 1


def test_a_wrong_key_fails_at_once_and_is_never_shown(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REMOTE_KEY", KEY)
    with ScriptedServer(api_key="another") as server:
        engine = Engine(model="m", url=server.url, api_key_env="REMOTE_KEY")
        with pytest.raises(EngineError) as raised:
            ask_all(server, ["p"], engine=engine)
    assert "does not accept the key in REMOTE_KEY (HTTP 401)" in str(raised.value)
    assert server.requests[0].headers["authorization"] == f"Bearer {KEY}"
    assert server.calls["p"] == 1
    shown = "".join([*capfd.readouterr(), str(raised.value), repr(raised.value), repr(engine)])
    assert KEY not in shown


def test_a_key_that_an_error_of_a_row_repeats_is_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REMOTE_KEY", KEY)
    with ScriptedServer(lambda request: Answer(status=400, message=f"with {KEY}: bad row")) as server:
        [reply] = ask_all(server, ["p"], engine=Engine(model="m", url=server.url, api_key_env="REMOTE_KEY"))
    assert reply.error == "HTTP 400: with ***: bad row"


def test_a_key_that_is_not_set_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("REMOTE_KEY", raising=False)
    with ScriptedServer() as server, pytest.raises(EngineError, match=r"REMOTE_KEY.*spark\.executorEnv"):
        ask_all(server, ["p"], engine=Engine(model="m", url=server.url, api_key_env="REMOTE_KEY"))
    assert server.calls.total() == 0


def test_an_endpoint_that_wants_a_key_says_which_setting_names_it() -> None:
    server = ScriptedServer(api_key="some")
    with server, pytest.raises(EngineError, match=r"it wants a key .* engines\.remote\.api_key_env"):
        ask_all(server, ["p"])


def test_a_proxy_is_taken_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    with ScriptedServer() as proxy:
        monkeypatch.setenv("http_proxy", proxy.url.removesuffix("/v1"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        engine = Engine(model="m", url="http://endpoint.example/v1")
        [reply] = ask_all(proxy, ["p"], engine=engine)
        monkeypatch.setenv("no_proxy", "127.0.0.1")
        [direct] = ask_all(proxy, ["q"])
    assert (reply.text, direct.text) == ("echo: p", "echo: q")
    assert [request.headers["host"] for request in proxy.requests][:1] == ["endpoint.example"]


def test_hostile_text_goes_there_and_back() -> None:
    prompts = ["nul \0 in it", "{{ template }} {% raw %}", "é😀\u202e", '"quotes\\', "x" * 100_000, ""]
    with ScriptedServer(lambda request: request.prompt) as server:
        replies = ask_all(server, [*prompts])
    assert [reply.text for reply in replies] == prompts


def test_lone_surrogates_become_question_marks_on_both_ways() -> None:
    with ScriptedServer(lambda request: request.prompt + "\ud800") as server:
        [reply] = ask_all(server, ["a\udc80b"])
    assert reply.text == "a?b?"


@pytest.mark.slow
def test_concurrency_backs_off_on_429_and_recovers() -> None:
    """The endpoint takes 8 requests at once for a while, and then 64 again."""
    server = ScriptedServer()
    limit = 8
    refused: list[bool] = []

    def answer(request: Request) -> Answer:
        refused.append(server.running > limit)
        return Answer(status=429, headers={"Retry-After": "0"}) if refused[-1] else Answer("fine", after=0.05)

    server.answer = answer

    async def scenario() -> None:
        nonlocal limit
        async with Endpoint("remote", Engine(model="m", url=server.url), 64) as endpoint:
            client = Client(endpoint, SAMPLING, None, RetryPolicy(attempts=50, first_wait=0.01, longest_wait=0.05))
            await asyncio.gather(*(client.ask(f"a{k}") for k in range(900)))
            limit = 64
            await asyncio.gather(*(client.ask(f"b{k}") for k in range(2000)))

    with server:
        asyncio.run(asyncio.wait_for(scenario(), 600))
    crowded, free = refused[:-2000], refused[-2000:]
    settled = crowded[len(crowded) // 2 :]
    assert sum(settled) / len(settled) < 0.25
    assert not any(free)
    assert 32 < server.most_running <= 64


def test_several_addresses_share_the_requests_by_how_fast_they_answer() -> None:
    with ScriptedServer(latency=0.01) as quick, ScriptedServer(latency=0.1) as slow:
        engine = Engine(model="m", url=[quick.url, f"{slow.url}/"])
        replies = ask_all(quick, [f"p{k}" for k in range(400)], engine=engine, share=8)
    assert {reply.error for reply in replies} == {None}
    assert quick.calls.total() + slow.calls.total() == 400
    assert quick.calls.total() > 3 * slow.calls.total() > 0
    assert (quick.most_running, slow.most_running) == (8, 8)


def test_an_address_that_does_not_answer_is_left_alone_while_another_does() -> None:
    with ScriptedServer(lambda request: Answer(drop=True)) as broken, ScriptedServer(latency=0.01) as sound:
        engine = Engine(model="m", url=[broken.url, sound.url])
        replies = ask_all(sound, [f"p{k}" for k in range(300)], engine=engine, share=4)
    assert {reply.error for reply in replies} == {None}
    assert broken.calls.total() < 20


def test_an_address_that_refuses_everybody_is_named() -> None:
    with ScriptedServer() as sound, ScriptedServer(model="other") as wrong, pytest.raises(EngineError) as raised:
        ask_all(sound, ["a", "b"], engine=Engine(model="m", url=[sound.url, wrong.url]), share=1)
    assert f"{wrong.url}: it does not serve the model 'm'" in str(raised.value)


def test_logprobs_are_read_as_plain_data() -> None:
    seen: list[list[TokenLogprobs]] = []

    def read(tokens: list[TokenLogprobs]) -> float:
        seen.append(tokens)
        return math.exp(tokens[0].logprob)

    tops = [[("Yes", math.log(0.75)), ("No", math.log(0.25))], [(".", 0.0)]]
    with ScriptedServer(lambda request: Answer("Yes .", tops=tops)) as server:
        [reply] = ask_all(server, ["p"], sampling=Sampling(0, 1, 2, top_logprobs=2), read_logprobs=read)
    assert reply.yes_probability == pytest.approx(0.75)
    assert seen == [
        [
            TokenLogprobs("Yes", math.log(0.75), (("Yes", math.log(0.75)), ("No", math.log(0.25)))),
            TokenLogprobs(" .", 0.0, ((".", 0.0),)),
        ]
    ]


@pytest.mark.slow
def test_thousands_of_rows_answered_out_of_order_land_on_their_rows() -> None:
    from genetic_udfs.engine.async_map import ordered_map
    from tests.engine.test_udf import answering_with

    def answer(request: Request) -> Answer:
        return Answer(f"answer to {request.prompt}", after=random.Random(request.prompt).random() / 10)

    window = Window(256)
    questions = [f"p{number}" for number in range(3_000)]
    with ScriptedServer(answer) as server:
        lists = ordered_map(questions, answering_with(server.url, 256), window)
        texts = [reply.text for replies in lists for reply in replies]
    assert texts == [f"answer to p{number}" for number in range(3_000)]
    assert server.most_running <= 256
    assert {json.dumps(count) for count in server.calls.values()} == {"1"}


def embedding(vector: object) -> Answer:
    return Answer(body={"object": "list", "data": [{"index": 0, "embedding": vector}], "usage": {"prompt_tokens": 3}})


def test_an_engine_that_embeds_gives_vectors_of_length_one() -> None:
    octets = base64.b64encode(np.array([3.0, 4.0], "<f4").tobytes()).decode()
    with ScriptedServer(lambda request: embedding([3, 4] if request.prompt == "list" else octets)) as server:
        replies = ask_all(server, ["list", "base64", None, ""], sampling=None)
    assert [reply.error for reply in replies] == [None, None, "no prompt", None]
    for reply in (replies[0], replies[1], replies[3]):
        assert vector_in(reply.text or "").tolist() == pytest.approx([0.6, 0.8])
        assert (reply.prompt_tokens, reply.completion_tokens, reply.attempt) == (3, None, 1)
    asked = {"model": "m", "encoding_format": "base64"}
    assert sorted((request.body for request in server.requests), key=lambda body: body["input"]) == [
        {**asked, "input": text} for text in (" ", "base64", "list")
    ]


@pytest.mark.parametrize(
    "wrong", [[], [0.0, 0.0], [float("nan")], [[3.0, 4.0], [1.0, 0.0]], "no base64!", "YWJj", None]
)
def test_what_is_no_vector_is_asked_for_again(wrong: object) -> None:
    with ScriptedServer(lambda request: embedding(wrong if request.attempt == 1 else [1.0])) as server:
        [reply] = ask_all(server, ["text"], sampling=None)
    assert reply.error is None and reply.attempt == 2


def test_of_a_text_that_is_too_long_the_beginning_is_embedded() -> None:
    refusal = "This model's maximum context length is 512 tokens. However, your request has 1204 input tokens."

    def answer(request: Request) -> Answer:
        return embedding([1.0]) if len(request.prompt) <= 500 else Answer(status=400, message=refusal)

    with ScriptedServer(answer) as server:
        replies = ask_all(server, ["a" * 400, "b" * 2400], sampling=None)
    assert [reply.error for reply in replies] == [None, None]
    assert {len(prompt) for prompt in server.calls if prompt.startswith("b")} == {2400, 1200, 600, 300}
    assert [reply.attempt for reply in replies] == [1, 1]


def test_a_text_that_was_cut_is_sent_as_often_as_another() -> None:
    def answer(request: Request) -> Answer:
        if len(request.prompt) > 500:
            return Answer(status=413, message="too long")
        return embedding([1.0]) if request.attempt == QUICK.attempts else Answer(status=503)

    with ScriptedServer(answer) as server:
        [reply] = ask_all(server, ["b" * 2400], sampling=None)
    assert (reply.error, reply.attempt) == (None, QUICK.attempts)
    assert server.calls["b" * 2400] == 1


def test_a_text_that_is_refused_for_another_reason_is_not_cut() -> None:
    def answer(request: Request) -> Answer:
        return (
            Answer(status=400, message="flagged by the content policy") if request.prompt[0] == "b" else embedding([1])
        )

    with ScriptedServer(answer) as server:
        replies = ask_all(server, ["a" * 200, "b" * 400], sampling=None)
    assert [reply.error for reply in replies] == [None, "HTTP 400: flagged by the content policy"]
    assert server.calls["b" * 400] == 1 and len(server.calls) == 2
