import math
from typing import Any

import pytest

from genetic_udfs.config import ReasoningTags
from genetic_udfs.config.turns import mark
from genetic_udfs.engine.chat_completion import (
    Reply,
    Sampling,
    TokenLogprobs,
    beginning_of,
    is_cut_off,
    request_body,
)
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.response import fault_in, reply_in, with_yes_probability


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


EVERYTHING = Sampling(
    temperature=0.6,
    top_p=0.95,
    max_tokens=9,
    system="Be strict.",
    top_k=20,
    min_p=0.05,
    stop=["END"],
    presence_penalty=1.5,
    frequency_penalty=0.5,
    repetition_penalty=1.05,
    json_schema={"type": "object"},
    extra={"chat_template_kwargs": {"enable_thinking": False}, "reasoning_effort": "low", "seed": 5},
)


def test_a_request_has_every_field_that_is_set() -> None:
    assert request_body("m", "p", EVERYTHING) == {
        "model": "m",
        "messages": [{"role": "system", "content": "Be strict."}, {"role": "user", "content": "p"}],
        "temperature": 0.6,
        "top_p": 0.95,
        "max_tokens": 9,
        "top_k": 20,
        "min_p": 0.05,
        "stop": ["END"],
        "presence_penalty": 1.5,
        "frequency_penalty": 0.5,
        "repetition_penalty": 1.05,
        "response_format": {
            "type": "json_schema",
            "json_schema": {"name": "reply", "schema": {"type": "object"}, "strict": True},
        },
        "chat_template_kwargs": {"enable_thinking": False},
        "reasoning_effort": "low",
        "seed": 5,
    }


@pytest.mark.parametrize(
    ("longest", "field", "sent"),
    [
        (9, "max_tokens", {"max_tokens": 9}),
        (9, "max_completion_tokens", {"max_completion_tokens": 9}),
        (None, "max_tokens", {}),
    ],
)
def test_the_longest_reply_has_the_name_that_the_endpoint_knows(
    longest: int | None, field: str, sent: dict[str, int]
) -> None:
    body = request_body("m", "p", Sampling(0.5, 1.0, longest), field)
    assert {key: value for key, value in body.items() if key.startswith("max_")} == sent


def test_what_the_system_says_stands_before_a_system_turn_of_the_prompt() -> None:
    body = request_body("m", f"{mark('system')}own\n{mark('user')}p", Sampling(0.5, 1.0, 8, system="first"))
    assert [message["content"] for message in body["messages"]] == ["first\n\nown", "p"]


@pytest.mark.parametrize("said", ["Yes}", "\\boxed{Yes}"])
def test_a_reply_has_its_beginning_whether_or_not_the_server_gives_it_back(said: str) -> None:
    logprobs = {"content": [{"token": text, "logprob": -0.1, "top_logprobs": []} for text in ("Yes", "}")]}
    data = completion(message={"content": said}, logprobs=logprobs)
    reply, tokens = reply_in(data, seconds=1.0, attempt=1, beginning="\\boxed{")
    assert reply.text == "\\boxed{Yes}"
    assert [token.token for token in tokens] == ["\\boxed{", "Yes", "}"]


def test_a_model_that_has_thought_first_begins_its_answer_anew() -> None:
    said = {"content": "<think>Yes</think>\\boxed{No}"}
    reply, _ = reply_in(completion(message=said), seconds=1.0, attempt=1, beginning="\\boxed{")
    assert (reply.text, reply.reasoning) == ("\\boxed{No}", "Yes")


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
        completion(message={"content": 5}),
    ],
)
def test_what_is_no_chat_completion_is_a_value_error(data: Any) -> None:
    with pytest.raises(ValueError, match="not a chat completion"):
        reply_in(data, seconds=1.0, attempt=1)


@pytest.mark.parametrize(
    ("message", "text", "reasoning"),
    [
        ({"content": "a", "reasoning_content": "b"}, "a", "b"),
        ({"content": "\n\n    a\n", "reasoning_content": "b"}, "    a\n", "b"),
        ({"content": "a", "reasoning": "b", "reasoning_content": None}, "a", "b"),
        ({"content": "a", "reasoning": "b", "reasoning_content": "b"}, "a", "b"),
        ({"content": "<think>c</think>a", "reasoning": "b"}, "a", "b\n\nc"),
        (
            {
                "content": [
                    {"type": "thinking", "thinking": [{"type": "text", "text": "b"}]},
                    {"type": "text", "text": "a"},
                ]
            },
            "a",
            "b",
        ),
        ({"content": [{"type": "text", "text": "a"}, {"type": "text", "text": "z"}]}, "az", None),
        ({"content": ["a", {"type": "output_text", "text": "z"}, {"type": "image_url", "image_url": {}}]}, "az", None),
        (
            {"content": [{"type": "reasoning", "summary": [{"type": "summary_text", "text": "b"}]}, {"text": "a"}]},
            "a",
            "b",
        ),
        ({"content": None, "reasoning": "b"}, "", "b"),
        ({"content": "<think>\n\n</think>\n\na"}, "a", None),
        ({"content": "b\n</think>\n\na"}, "a", "b"),
    ],
)
def test_thoughts_are_kept_apart_wherever_they_stand(message: dict[str, Any], text: str, reasoning: str | None) -> None:
    reply, _ = reply_in(completion(message=message), seconds=1.0, attempt=1)
    assert (reply.text, reply.reasoning) == (text, reasoning)


@pytest.mark.parametrize(
    ("reasoning", "text", "thoughts"),
    [
        (False, "<think>b</think>a", None),
        (ReasoningTags(begin="<<", end=">>"), "<think>b</think>a", None),
        (ReasoningTags(begin="<think>", end="</think>"), "a", "b"),
        (ReasoningTags(end="</think>"), "a", "<think>b"),
        (ReasoningTags(end="[END]"), "<think>b</think>a", None),
    ],
)
def test_tags_are_those_that_the_engine_is_said_to_use(
    reasoning: ReasoningTags | bool, text: str, thoughts: str | None
) -> None:
    data = completion(message={"content": "<think>b</think>a"})
    reply, _ = reply_in(data, seconds=1.0, attempt=1, reasoning=reasoning)
    assert (reply.text, reply.reasoning) == (text, thoughts)


@pytest.mark.parametrize(
    ("message", "finish_reason", "text", "thoughts"),
    [
        ({"content": "Answer", "reasoning_content": "b"}, "stop", "Answer", "b"),
        ({"content": "Ans", "reasoning_content": "b"}, "length", "Ans", "b"),
        ({"content": [{"type": "thinking", "thinking": "b"}, {"text": "Ans"}]}, "length", "Ans", "b"),
        ({"content": "Answer"}, "stop", "Answer", None),
        ({"content": "Answer"}, None, "Answer", None),
        ({"content": "b"}, "length", "", "b"),
        ({"content": "b</think>Answer"}, "stop", "Answer", "b"),
        ({"content": "b</think>Ans"}, "length", "Ans", "b"),
        ({"content": "a draft\n```\n</think>Answer\n```"}, "stop", "Answer\n```", "a draft\n```"),
        ({"content": "Answer\n```\n</think>\n```", "reasoning": "b"}, "stop", "Answer\n```\n</think>\n```", "b"),
    ],
)
def test_thoughts_that_the_template_opens_are_those_of_replies_that_end_them_or_were_cut_off(
    message: dict[str, Any], finish_reason: str | None, text: str, thoughts: str | None
) -> None:
    data = completion(message=message, finish_reason=finish_reason)
    reply, _ = reply_in(data, seconds=1.0, attempt=1, reasoning=ReasoningTags(end="</think>"))
    assert (reply.text, reply.reasoning) == (text, thoughts)


@pytest.mark.parametrize(
    "message",
    [
        {"content": None, "refusal": "I will not."},
        {"content": "", "refusal": "I will not."},
        {"content": [{"type": "refusal", "refusal": "I will not."}]},
        {"content": "I will not.", "refusal": None},
    ],
)
def test_a_refusal_of_the_model_is_what_it_says(message: dict[str, Any]) -> None:
    assert reply_in(completion(message=message), seconds=1.0, attempt=1)[0].text == "I will not."


@pytest.mark.parametrize(
    ("finish_reason", "is_cut"),
    [("length", True), ("max_output_tokens", True), ("incomplete", True), ("STOP", False), (None, False)],
)
def test_a_reply_that_the_model_has_not_ended_is_cut_off(finish_reason: str | None, is_cut: bool) -> None:
    assert is_cut_off(finish_reason) is is_cut


@pytest.mark.parametrize(
    ("usage", "counted"),
    [
        ({"completion_tokens_details": {"reasoning_tokens": 7}}, 7),
        ({"reasoning_tokens": 7}, 7),
        ({"completion_tokens_details": None}, None),
        ({"prompt_tokens": "many", "completion_tokens": float("inf")}, None),
    ],
)
def test_tokens_of_thoughts_are_counted_where_the_server_does(usage: dict[str, Any], counted: int | None) -> None:
    reply, _ = reply_in({**completion(), "usage": usage}, seconds=1.0, attempt=1)
    assert (reply.reasoning_tokens, reply.prompt_tokens, reply.completion_tokens) == (counted, None, None)


def token(text: str, logprob: Any = -0.1, **more: Any) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "top_logprobs": [{"token": text, "logprob": logprob}], **more}


@pytest.mark.parametrize(
    "logprobs",
    [
        None,
        {},
        {"content": None},
        {"content": [{"token": "text"}]},
        {"content": [token("text", None)]},
        {"content": [token("text", math.nan)]},
        {"content": ["text"]},
        {"content": [token("text", bytes=[-1])]},
        {"tokens": ["text"], "token_logprobs": [-0.1], "top_logprobs": [{"text": -0.1}]},
        ["text"],
        {"content": [token("something else")]},
    ],
)
def test_odd_log_probabilities_spoil_no_answer(logprobs: Any) -> None:
    reply, tokens = reply_in(completion(logprobs=logprobs), seconds=1.0, attempt=1)
    assert (reply.text, tokens) == ("text", [])


@pytest.mark.parametrize(
    "said",
    [
        ["<think>", "\\boxed{", "Yes", "}", "</think>", "\n\n", "So é.", "\n", "\\boxed{", "No", "}", "<|im_end|>"],
        ["\u0120So", "\u0120\ufffd", "\ufffd", ".\u010a", "\\boxed{", "No", "}"],
    ],
)
def test_log_probabilities_are_those_of_the_answers_text(said: list[str]) -> None:
    content = "<think>\\boxed{Yes}</think>\n\nSo é.\n\\boxed{No}"
    data = completion(message={"content": content}, logprobs={"content": [token(text) for text in said]})
    reply, tokens = reply_in(data, seconds=1.0, attempt=1)
    assert reply.text == "So é.\n\\boxed{No}"
    assert "".join(one.token for one in tokens) == reply.text
    assert [one.token for one in tokens if one.top and one.top[0][0] == "No"] == ["No"]


def test_there_are_no_log_probabilities_of_an_answer_that_thoughts_left_empty() -> None:
    data = completion(
        message={"content": "<think>\\boxed{Yes}"}, logprobs={"content": [token("<think>"), token("Yes")]}
    )
    assert reply_in(data, seconds=1.0, attempt=1)[1] == []


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        ({"error": {"message": "slow down", "code": 429}}, (429, "slow down")),
        ({"error": {"message": "slow down", "code": "rate_limit_exceeded"}}, (429, "slow down")),
        ({"error": {"message": "too long", "code": "400"}}, (400, "too long")),
        ({"error": {"message": "too long", "code": None, "type": "invalid_request_error"}}, (400, "too long")),
        ({"error": "down"}, (502, "down")),
        ({"choices": [{"error": {"message": "gone", "code": 503}, "message": {"content": ""}}]}, (503, "gone")),
        ({"error": None, **completion(error=None)}, None),
        (completion(), None),
        ([], None),
    ],
)
def test_an_error_in_a_good_status_has_its_own(data: Any, fault: tuple[int, str] | None) -> None:
    assert fault_in(data) == fault


@pytest.mark.parametrize(("value", "kept"), [(0.25, 0.25), (None, None), (math.nan, None), (math.inf, None)])
def test_only_a_finite_number_is_a_probability(value: float | None, kept: float | None) -> None:
    tokens = [TokenLogprobs("Yes", -0.1, ())]
    assert with_yes_probability(Reply("Yes"), tokens, lambda seen: value).yes_probability == kept


def test_a_fault_in_reading_logprobs_is_not_taken_for_a_broken_answer() -> None:
    def read(tokens: list[TokenLogprobs]) -> float:
        raise KeyError("a defect")

    with pytest.raises(KeyError, match="a defect"):
        with_yes_probability(Reply("Yes"), [TokenLogprobs("Yes", -0.1, ())], read)
