"""What models send, with the code, verdict or instructions that are right, from the response's message to the parser.

`replies.jsonl` has a case a line: `reply` is the message's content, `reasoning` the thoughts that come apart.
For the Coder `expected` is the code, for the Judge the verdict, null where there is none, for the Instructor the
instructions.
"""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genetic_udfs.config.operators import CROSSOVER, MUTATION
from genetic_udfs.engine.chat_completion import Reply
from genetic_udfs.engine.response import reply_in
from genetic_udfs.engine.thoughts import parted
from genetic_udfs.roles import tester
from genetic_udfs.roles.coder import extract_code
from genetic_udfs.roles.instructor import offspring
from genetic_udfs.roles.judge import ruling, verdict, yes_probability
from genetic_udfs.roles.solution import fault_of

CASES = [json.loads(line) for line in Path(__file__).with_name("replies.jsonl").read_text().split("\n") if line]
NAMES = [f"{case['role']}: {case['name']}" for case in CASES]

# Pieces of which replies that are hard to read are made.
PIECES = [
    *("<think>", "</think>", "[THINK]", "[/THINK]", "<thinking>", "</thinking>", "\n", "\n\n", " ", "    ", "> ", "- "),
    *("```", "```python", "````", "~~~", "`", "'", '"', "'''", "\f", "\r\n", "\u2028", "Sure! Here is a new problem:"),
    *(
        "def f(x):",
        "    return x + 1",
        "print(f(1))",
        "import math",
        "nums = [1, 2]",
        "class A:",
        "return",
        "x = '</think>'",
    ),
    *(
        "\\boxed{Yes}",
        "\\boxed{",
        "No}",
        "Verdict: ",
        "Yes",
        "No",
        "otherwise",
        "?",
        "if",
        "**",
        "__",
        "---",
        "1. ",
        "2. ",
    ),
    *(
        "### Problem 1",
        "Problem 2:",
        "**Task 3**",
        "New problem",
        "Write a function.",
        "Here are",
        "That is wrong.",
        "é",
        "\0",
    ),
]
replies = st.one_of(st.text(), st.lists(st.sampled_from(PIECES), max_size=30).map("".join))
endings = st.sampled_from(["stop", "length", None, "content_filter"])


def reply_of(case: dict[str, Any]) -> Reply:
    message = {"content": case["reply"], "reasoning_content": case.get("reasoning")}
    choice = {"message": message, "finish_reason": case["finish_reason"]}
    return reply_in({"choices": [choice]}, seconds=1.0, attempt=1)[0]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_what_is_right_is_read_from_a_reply(case: dict[str, Any]) -> None:
    reply = reply_of(case)
    assert reply.text is not None
    match case["role"]:
        case "coder":
            assert extract_code(reply.text, reply.finish_reason).code == case["expected"]
        case "judge":
            assert verdict(reply.text, reply.finish_reason) is case["expected"]
            assert ruling(reply.text, reply.finish_reason).verdict is bool(case["expected"])
        case "instructor":
            operator = MUTATION if case["asked"] == 1 else CROSSOVER
            found = offspring(operator, reply.text, reply.finish_reason, case["asked"])
            assert [one.instruction for one in found if one.reason is None] == case["expected"]


def test_what_was_cut_off_while_thinking_is_truncated_for_every_role() -> None:
    reply = reply_of({"reply": "<think>\n\\boxed{Yes} 1. Write it.\n```python\nx = 1\n```", "finish_reason": "length"})
    assert (reply.text, reply.finish_reason) == ("", "length")
    assert reply.reasoning is not None
    reasons = [
        extract_code("", "length").reason,
        ruling("", "length").reason,
        tester.tests_in("", "def f(x): return x", 5, "length").reason,
        *(offspring(operator, "", "length", 3)[0].reason for operator in (MUTATION, CROSSOVER)),
    ]
    assert reasons == ["truncated"] * 5


@given(replies)
def test_no_thought_is_left_at_the_beginning_of_an_answer_and_there_is_none_in_it(text: str) -> None:
    found = parted(text)
    assert not found.answer.lstrip().lower().startswith(("<think>", "<thinking>", "[think]"))
    assert parted(found.answer).answer == found.answer


@given(replies, endings)
def test_code_compiles_and_is_its_own_solution(text: str, finish_reason: str | None) -> None:
    found = extract_code(parted(text).answer, finish_reason)
    assert (found.code is None) == (found.reason is not None)
    if found.code is not None:
        assert fault_of(found.code) is None
        assert extract_code(f"```python\n{found.code}\n```", "stop").code == found.code


@given(replies, endings)
def test_a_verdict_is_one_whatever_a_reply_is_like(text: str, finish_reason: str | None) -> None:
    answer = parted(text).answer
    found = ruling(answer, finish_reason)
    assert found.verdict is (verdict(answer, finish_reason) or False)
    assert (found.reason is None) == found.verdict
    assert yes_probability([]) is None


@given(replies, endings, st.integers(1, 4))
def test_an_instruction_is_its_own_instruction(text: str, finish_reason: str | None, asked: int) -> None:
    answer = parted(text).answer
    for operator in (MUTATION, CROSSOVER):
        found = offspring(operator, answer, finish_reason, 1 if operator == MUTATION else asked)
        assert 1 <= len(found) <= asked + 1
        for one in found:
            if one.reason is None:
                assert offspring(MUTATION, one.instruction, "stop", 1)[0].instruction == one.instruction


@given(replies, endings)
def test_tests_are_read_from_anything(text: str, finish_reason: str | None) -> None:
    found = tester.tests_in(parted(text).answer, "def f(x):\n    return x", 5, finish_reason)
    assert (found.tests is None) == (found.reason is not None)
