"""A generation without a Tester: what runs and agrees is accepted, and the Judge is heard beside it."""

import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.roles.entry_points import asked_of
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.evolution.test_verification import evolve, fenced, instruction_in, number, settings
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

ADD = "def solve(number):\n    return number + {}"
# As `number + 2` for what the example shows, and for each instruction something else beyond.
OWN = "def solve(number):\n    return number + 2 + max(number - 1, 0) * {}"
# The three solutions of each kind of instruction; what comes of it.
SOLUTIONS = {
    "two agree": (ADD.format(3), OWN, OWN.replace("number", "n")),
    "the same function": (ADD.format(2),) * 3,
    "all differ": (ADD.format(1), ADD.format(2), ADD.format(3)),
    "a constant": ("def solve(number):\n    return None",) * 3,
    "wrong example": (ADD.format(7),) * 3,
    "never returns": ("def solve(number):\n    raise ValueError",) * 3,
    "another name": ("def other(number):\n    return number",) * 3,
}


def kind(instruction: str) -> str:
    return list(SOLUTIONS)[number(instruction.split(" Call")[0], len(SOLUTIONS))]


def plain(value: Any) -> Any:
    """Return a text, or a list of texts, in which functions have one name: each instruction asks for another."""
    if isinstance(value, list):
        return [plain(each) for each in value]
    return re.sub(r"solve_\d+", "solve", value) if isinstance(value, str) else value


class Models:
    @staticmethod
    def answer(request: Request) -> Answer:
        if "You review answers" in request.prompt:
            return scripted_model.verdict(False)
        if "Solve the programming problem" in request.prompt:
            code = SOLUTIONS[kind(instruction_in(request.prompt))]
            text = code[(request.attempt - 1) % 3].format(number(instruction_in(request.prompt), 10**6))
            return fenced(text.replace("solve", asked_of(instruction_in(request.prompt))[0]))
        written = scripted_model.answer(request).text
        lines = []
        for line in written.splitlines():
            name = f"solve_{number(line, 10**6)}"
            lines.append(f"{line} Call it `{name}(number)`, so that `{name}(1)` returns 3.")
        return Answer("\n".join(lines))


@pytest.fixture(scope="module")
def rows(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, Any]]]:
    store = tmp_path_factory.mktemp("agreement")
    with ScriptedServer(Models.answer, model="scripted") as server:
        config = settings(store, server.url, {"coder": {"samples": 3}}, acceptance="execution", generations=2)
        evolve(spark, config)
        judged = [prompt for prompt in server.calls if "You review answers" in prompt]
    found = delta_rows(store / "candidates")
    assert len(judged) == len([row for row in found if row["verdict"] is not None])
    plain_rows = [{name: plain(value) for name, value in row.items() if name != "instruction"} for row in found]
    yield [
        {**each, "instruction": row["instruction"]}
        for row, each in zip(found, plain_rows, strict=True)
        if row["code"] is not None
    ]


def of(rows: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    found = [row for row in rows if kind(row["instruction"]) == name]
    assert found, name
    return found


def test_what_agrees_is_accepted_whatever_the_judge_says(rows: list[dict[str, Any]]) -> None:
    for row in of(rows, "two agree"):
        if row["code"] == ADD.format(3):
            assert row["reason"] == "failed_tests"
            assert row["detail"] == "the problem's example assert solve(1) == 3: failed"
        elif row["reason"] is None:
            assert (row["status"], row["verdict"], row["agreement"]) == ("accepted", False, pytest.approx(2 / 3))
            assert (row["tests"], row["tests_status"]) == (["assert solve(1) == 3"], ["passed"])
        elif row["reason"] != "over_quota":
            assert row["reason"] == "not_chosen"
            assert "answers 12 calls, with 2 solutions in all, this one 12, with 2" in row["detail"]
            assert len(row["behaviour"]) == 32
    counts = Counter(row["reason"] for row in of(rows, "two agree"))
    assert counts[None] + counts["over_quota"] == counts["not_chosen"] == counts["failed_tests"] > 0


def test_a_function_is_accepted_once_whatever_it_is_called(rows: list[dict[str, Any]]) -> None:
    found = [row for row in of(rows, "the same function") if row["reason"] != "not_chosen"]
    assert len({row["instruction"] for row in found}) == len(found) > 2
    assert len({row["behaviour"] for row in found}) == 1
    (kept,) = [row for row in found if row["status"] == "accepted"]
    assert {row["generation"] for row in found} == {1, 2}
    for row in found:
        if row is not kept:
            assert row["reason"] == "same_behaviour"
            assert (
                row["detail"] == f"returns the same for all arguments that were drawn as the solution of {kept['id']}"
            )


@pytest.mark.parametrize(
    ("name", "reason", "detail"),
    [
        (
            "all differ",
            "no_agreement",
            "0 of the other 2 solutions return the same, 1 are needed; it returned values for",
        ),
        ("a constant", "failed_tests", "the problem's example assert solve(1) == 3: failed"),
        ("wrong example", "failed_tests", "the problem's example assert solve(1) == 3: failed"),
        ("never returns", "failed_tests", "the problem's example assert solve(1) == 3: error:ValueError"),
        ("another name", "entry_point_missing", "the code does not define solve"),
    ],
)
def test_everything_else_is_rejected_with_its_reason(
    rows: list[dict[str, Any]], name: str, reason: str, detail: str
) -> None:
    found = {(row["reason"], row["detail"]) for row in of(rows, name)}
    assert any(each == reason and detail in said for each, said in found), found
    assert not [row for row in of(rows, name) if row["status"] == "accepted"]
