"""Which refusals are of one kind, and which of them are no fault of single rows."""

import json
import time
from typing import Any

import pytest

from genetic_udfs.engine.retry import MANY_ROWS, ErrorCount, kind_of, refusal_of_all, without_echo

REFUSED = "HTTP 400: top_k is not permitted"
OTHER = "HTTP 422: odd"
TOO_LONG = "HTTP 400: the prompt is too long"


def asked(prompt: str) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": prompt}], "top_k": 20}


PROMPTS = ["Write a function.", 'It\'s "hard": {[(', 'def f(x):\n    return "\\\\" + x', "\u20ac ' }, 'loc': ("]
ECHOES = [
    lambda prompt: str({"type": "extra_forbidden", "loc": ("body", "top_k"), "input": asked(prompt), "ctx": {}}),
    lambda prompt: json.dumps([{"msg": "Extra inputs", "input": asked(prompt), "url": "https://errors"}]),
    lambda prompt: str({"detail": [{"msg": "no", "input": asked(prompt)["messages"]}], "body": asked(prompt)}),
    lambda prompt: json.dumps({"msg": "no", "input": f"{prompt} And then a text that is as long as prompts are."}),
    lambda prompt: f"1 error\ntop_k\n  no [type=x, input_value={str(asked(prompt))[:60]}..., input_type=dict]\n more",
]


@pytest.mark.parametrize("echo", ECHOES, ids=["Python", "JSON", "twice", "a text", "pydantic"])
def test_refusals_that_repeat_their_request_are_of_one_kind(echo: Any) -> None:
    refusals = [f"HTTP 400: {echo(prompt)}" for prompt in PROMPTS]
    assert len({kind_of(refusal) for refusal in refusals}) == 1
    for refusal in refusals:
        shown = without_echo(refusal)
        assert "..." in shown and "messages" not in shown and shown[-1] == refusal[-1]
        assert without_echo(shown) == shown


def test_a_request_that_is_cut_off_is_cut_away_too() -> None:
    refusal = str({"msg": "no", "input": asked("Write a function that reverses a list.")})
    assert {without_echo(refusal[:length]) for length in range(80, 100)} == {"{'msg': 'no', 'input': ..."}


@pytest.mark.parametrize(
    "refusal",
    [
        "no input: none",
        "{'loc': ('body', 'top_k'), 'msg': 'must be above 0', 'input': 0}",
        "{'msg': 'must be a number', 'input': 'many', 'url': 'https://errors.pydantic.dev/int'}",
        "[type=int, input_value=5, input_type=int] and [type=int, input_value='many', input_type=str]",
    ],
)
def test_what_says_which_value_was_wrong_stays(refusal: str) -> None:
    assert without_echo(refusal) == refusal


@pytest.mark.parametrize("piece", ["'input': {", "'input': '", "input_value=", "\\'", "'body': [\"\\", "{'input':("])
def test_a_hostile_refusal_is_read_in_no_time(piece: str) -> None:
    began = time.monotonic()
    without_echo(piece * 50_000)
    assert time.monotonic() - began < 5.0


@pytest.mark.parametrize(
    ("counts", "refusal"),
    [
        ([], None),
        ([ErrorCount(None, 9, 9)], None),
        ([ErrorCount(REFUSED, 1, 1)], REFUSED),
        ([ErrorCount(TOO_LONG, 2, 2)], None),
        ([ErrorCount(TOO_LONG, MANY_ROWS, MANY_ROWS)], TOO_LONG),
        ([ErrorCount(TOO_LONG, MANY_ROWS, 2)], TOO_LONG),
        ([ErrorCount(None, 500, 0), ErrorCount(REFUSED, MANY_ROWS, MANY_ROWS)], REFUSED),
        ([ErrorCount(None, 500, 0), ErrorCount(REFUSED, MANY_ROWS, MANY_ROWS - 1)], None),
        ([ErrorCount(None, 500, 1), ErrorCount(REFUSED, 42, 42)], None),
        ([ErrorCount(OTHER, 3, 0), ErrorCount(REFUSED, 42, 42)], REFUSED),
        ([ErrorCount(OTHER, 3, 1), ErrorCount(REFUSED, 42, 42)], None),
        ([ErrorCount(OTHER, 3, 0), ErrorCount(REFUSED, 2, 2)], None),
        (
            [ErrorCount("HTTP 400: no top_k, request a1", 4, 4), ErrorCount("HTTP 400: no top_k, request b2", 4, 4)],
            "either",
        ),
        ([ErrorCount("HTTP 500: down (8 attempts)", 42, 42)], None),
    ],
)
def test_a_stage_that_is_refused_as_a_whole_is_no_fault_of_rows(counts: list[ErrorCount], refusal: str | None) -> None:
    found = refusal_of_all(counts)
    assert found == refusal if refusal != "either" else found in {one.error for one in counts}
