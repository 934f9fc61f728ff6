import math
from typing import Any

import pytest

from genetic_udfs.config.turns import mark
from genetic_udfs.engine.chat_completion import (
    Reply,
    Sampling,
    TokenLogprobs,
    beginning_of,
    reply_in,
    request_body,
    with_yes_probability,
)
from genetic_udfs.engine.columns import REPLY


def completion(**choice: Any) -> dict[str, Any]:
    return {"choices": [{"message": {"content": "text"}, "finish_reason": "stop", **choice}]}


def test_a_reply_has_the_fields_of_the_schema_in_its_order() -> None:
    assert list(Reply.__dataclass_fields__) == REPLY.names


@pytest.mark.parametrize(
    ("prompt", "prefill", "messages", "beginning"),
    [
        ("p", None, [("user", "p")], ""),
        ("p", "def", [("user", "p"), ("assistant", "def")], "def"),
        (f"{mark('system')}s{mark('user')}p", "def", [("system", "s"), ("user", "p"), ("assistant", "def")], "def"),
        (f"{mark('user')}p\n{mark('assistant')}own\n", "def", [("user", "p"), ("assistant", "own")], "own"),
    ],
)
def test_turns_are_messages_and_the_last_may_be_the_reply_s_beginning(
    prompt: str, prefill: str | None, messages: list[tuple[str, str]], beginning: str
) -> None:
    sampling = Sampling(0.5, 1.0, 8, prefill=prefill)
    body = request_body("m", prompt, sampling)
    assert [(message["role"], message["content"]) for message in body["messages"]] == messages
    assert beginning_of(prompt, sampling) == beginning
    continued = {name: body.get(name) for name in ("continue_final_message", "add_generation_prompt")}
    assert continued == (
        {"continue_final_message": True, "add_generation_prompt": False}
        if beginning
        else {"continue_final_message": None, "add_generation_prompt": None}
    )


@pytest.mark.parametrize("said", ["Yes}", "\\boxed{Yes}"])
def test_a_reply_has_its_beginning_whether_or_not_the_server_gives_it_back(said: str) -> None:
    logprobs = {"content": [{"token": "Yes", "logprob": -0.1, "top_logprobs": []}]}
    data = completion(message={"content": said}, logprobs=logprobs)
    reply, tokens = reply_in(data, seconds=1.0, attempt=1, beginning="\\boxed{")
    assert reply.text == "\\boxed{Yes}"
    assert "".join(token.token for token in tokens) == ("\\boxed{Yes" if said == "Yes}" else "Yes")


def test_what_an_endpoint_leaves_out_is_null() -> None:
    reply, tokens = reply_in(completion(message={"content": None}, finish_reason=None), seconds=1.0, attempt=2)
    assert (reply.text, reply.finish_reason, reply.prompt_tokens, reply.completion_tokens) == ("", None, None, None)
    assert (reply.seconds, reply.attempt, tokens) == (1.0, 2, [])


@pytest.mark.parametrize(
    "data",
    [
        None,
        [],
        {},
        {"choices": []},
        {"choices": [{}]},
        completion(message=None),
        completion(message={"content": ["parts"]}),
        {**completion(), "usage": {"prompt_tokens": "many"}},
        completion(logprobs={"content": [{"token": "Yes"}]}),
    ],
)
def test_what_is_no_chat_completion_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError, match="not a chat completion"):
        reply_in(data, seconds=1.0, attempt=1)


@pytest.mark.parametrize(("value", "kept"), [(0.25, 0.25), (None, None), (math.nan, None), (math.inf, None)])
def test_only_a_finite_number_is_a_probability(value: float | None, kept: float | None) -> None:
    tokens = [TokenLogprobs("Yes", -0.1, ())]
    assert with_yes_probability(Reply("Yes"), tokens, lambda seen: value).yes_probability == kept


def test_a_fault_in_reading_logprobs_is_not_taken_for_a_broken_answer() -> None:
    def read(tokens: list[TokenLogprobs]) -> float:
        raise KeyError("a defect")

    with pytest.raises(KeyError, match="a defect"):
        with_yes_probability(Reply("Yes"), [TokenLogprobs("Yes", -0.1, ())], read)
