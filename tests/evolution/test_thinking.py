"""A run whose three roles think, each in every form that there is, under a budget that has to be raised."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.errors import BudgetReached
from genetic_udfs.store.schema import CANDIDATES
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.durability.small_run import evolve, settings, table
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

# What stands in thoughts alone: a draft for each role, and the opposite of every verdict.
DRAFT = (
    "Problem 1: a DRAFT of a problem that is long enough to be one.\n"
    "```python\ndef solve(x):\n    return 'DRAFT'\n```\n\\boxed{%s}"
)
FORMS = ("field", "parts", "tags", "end alone")


class Thinker:
    """Answers as the scripted model does, after thoughts in one form after another for each role.

    The first answer to each role is cut off while thinking.
    """

    def __init__(self) -> None:
        self.cut: set[str] = set()
        self.answered: Counter[str] = Counter()
        self.forms: set[tuple[str, str]] = set()

    def answer(self, request: Request) -> Answer:
        said = scripted_model.answer(request)
        role = "judge" if said.tops else "coder" if "Solve the programming problem" in request.prompt else "instructor"
        thoughts = DRAFT % ("No" if "Yes" in said.text else "Yes")
        if role not in self.cut:
            self.cut.add(role)
            return Answer(f"<think>\n{thoughts}", finish_reason="length")
        form = FORMS[self.answered[role] % len(FORMS)]
        self.answered[role] += 1
        self.forms.add((role, form))
        fields: dict[str, Any] = {"tops": self.tops(said, thoughts), "text": said.text}
        match form:
            case "field":
                fields["message_fields"] = {"reasoning_content": thoughts, "reasoning": thoughts}
            case "parts":
                thinking = {"type": "thinking", "thinking": [{"type": "text", "text": thoughts}]}
                fields["content"] = [thinking, {"type": "text", "text": said.text}]
            case "tags":
                fields["content"] = f"<think>\n{thoughts}\n</think>\n\n{said.text}"
            case "end alone":
                fields["content"] = f"{thoughts}\n</think>\n\n{said.text}"
        return Answer(**fields)

    def tops(self, said: Answer, thoughts: str) -> Any:
        """The log-probabilities of thoughts and answer: a server gives those of all tokens."""
        if said.tops is None:
            return None
        return [[(thoughts, math.log(0.99))], [("</think>", 0.0)], [("\n\n", 0.0)], *said.tops, [("<|im_end|>", 0.0)]]


@pytest.fixture(scope="module")
def run(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Any, Thinker, ScriptedServer]]:
    """A finished run, which a budget has ended once."""
    thinker = Thinker()
    with ScriptedServer(thinker.answer, model="scripted") as server:
        engine = {"model": "scripted", "url": server.url, "price": {"prompt": 1_000, "completion": 4_000}}
        config = settings(
            tmp_path_factory.mktemp("thinking"),
            server.url,
            engines={"scripted": engine},
            acceptance="fitness>=0.5",
            budget={"tokens": 1},
            samples_per_generation=8,
            ledger={"wave_size": 4096},
        )
        with pytest.raises(
            BudgetReached, match=r"tokens [\d,]+ of 1\. What was answered is kept\. Left to do:.* coder"
        ) as end:
            evolve(spark, config)
        assert end.value.exit_code == 3
        assert all("Solve the programming problem" not in prompt for prompt in server.calls)
        evolve(spark, config.model_copy(update={"budget": None}))
        assert server.calls.total() == len(table(config, "replies"))  # nothing is paid for twice
        yield config, thinker, server


def test_a_budget_ends_a_run_and_a_larger_one_goes_on(run: tuple[Any, Thinker, ScriptedServer]) -> None:
    starts = sorted(table(run[0], "runs"), key=lambda start: start["started_at"])
    outcomes = [start["outcome"] for start in starts]
    assert outcomes[0].startswith("stopped: the budget is reached: tokens")
    assert outcomes[1] == "finished"


def test_no_trace_of_thoughts_is_in_the_population_but_as_reasoning(run: tuple[Any, Thinker, ScriptedServer]) -> None:
    config, thinker, _ = run
    assert thinker.forms == {(role, form) for role in ("instructor", "coder", "judge") for form in FORMS}
    pairs = [pair for pair in table(config, "population") if pair["generation"]]
    assert pairs
    for pair in pairs:
        assert not any("DRAFT" in pair[name] or "think" in pair[name] for name in ("instruction", "response", "code"))
        assert "DRAFT" in pair["reasoning"] and "think>" not in pair["reasoning"]
    replies = table(config, "replies")
    assert all("DRAFT" in reply["reasoning"] and "DRAFT" not in reply["text"] for reply in replies)


def test_fitness_is_read_where_the_answer_says_its_verdict(run: tuple[Any, Thinker, ScriptedServer]) -> None:
    config, _, _ = run
    judged = [one for one in table(config, "candidates") if one["judge_request"] and one["reason"] != "truncated"]
    verdicts = {(one["verdict"], round(one["fitness"], 3)) for one in judged if one["fitness"] is not None}
    assert (True, 0.9) in verdicts <= {(True, 0.9), (False, 0.1)}
    assert all((one["reason"] == "low_fitness") == (one["fitness"] is None or one["fitness"] < 0.5) for one in judged)
    cut = {(one["judge_request"], one["verdict"]) for one in judged if one["fitness"] is None}
    assert [verdict for _, verdict in cut] == [False]


def test_what_was_cut_off_while_thinking_is_truncated(run: tuple[Any, Thinker, ScriptedServer]) -> None:
    candidates = table(run[0], "candidates")
    truncated = [one for one in candidates if one["reason"] == "truncated"]
    assert {one["coder_request"] is None for one in truncated} == {True, False}


def test_what_replies_cost_is_in_generations_and_in_the_view(
    run: tuple[Any, Thinker, ScriptedServer], spark: SparkSession
) -> None:
    config, _, _ = run
    replies = table(config, "replies")
    expected = {
        role: sum(r["prompt_tokens"] / 1e3 + r["completion_tokens"] / 250 for r in replies if r["role"] == role)
        for role in ("instructor", "coder", "judge")
    }
    costs = next(row["costs"] for row in table(config, "generations") if row["generation"] == 1)
    assert {cost["role"]: pytest.approx(cost["money"]) for cost in costs} == expected
    session = spark.newSession()
    Store(session, config.store).register(["costs"])
    rows = session.sql("SELECT role, money, money_per_accepted, accepted FROM costs WHERE generation = 1").collect()
    assert {row["role"]: pytest.approx(row["money"]) for row in rows} == expected
    assert all(row["money_per_accepted"] == pytest.approx(row["money"] / row["accepted"]) for row in rows)
    assert Store(spark, config.store).read(CANDIDATES).filter("status = 'accepted'").count() == rows[0]["accepted"]
