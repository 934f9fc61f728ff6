"""Prompts of the user's own reach the engines, and the ledger says which one was asked with."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.evolution.test_evolution import evolve, settings
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.slow

TASK = "Read the problem and make it rarer: {{ instruction }}"
JUDGE = "You review answers as I do.\n{{ instruction }}\n--\n{{ response }}"
CODER = "Solve the programming problem my way: {{ instruction }}"


def config(store: Path, url: str, coder: str, judge: str) -> Config:
    role = {"engine": "scripted", "max_tokens": 200}
    roles = {
        "instructor": role,
        "coder": {**role, "prompt": {"path": "/mine/coder.j2", "text": coder}},
        "judge": {**role, "prompt": {"path": "/mine/judge.j2", "text": judge}},
    }
    tasks = {"much_rarer": {"prompt": {"path": "/mine/rarer.j2", "text": TASK}, "weight": 1000}}
    quick = {
        "operators": {"tasks": tasks, "crossover_share": 0.0},
        "generations": 1,
        "max_rounds": 1,
    }
    return settings(store, url, colonies=1, samples_per_generation=4, roles=roles, **quick)


def rows(store: Path, name: str) -> list[dict[str, Any]]:
    return delta_rows(store / name)


@pytest.fixture(scope="module")
def asked(
    spark: SparkSession, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, ScriptedServer, Counter[str]]]:
    """The store of a run with those prompts, the server that was asked, and what it was asked."""
    store = tmp_path_factory.mktemp("own")
    with ScriptedServer(scripted_model.answer) as server:
        (_, row) = evolve(spark, config(store, server.url, CODER, JUDGE))
        assert row["accepted"] > 0
        yield store, server, server.calls.copy()


def test_a_run_asks_with_the_prompts_it_is_given_and_keeps_their_versions(
    asked: tuple[Path, ScriptedServer, Counter[str]],
) -> None:
    store, server, calls = asked
    prompts = config(store, server.url, CODER, JUDGE).own_prompts()
    names = {"instructor": "much_rarer"}
    assert {(reply["role"], reply["template"]) for reply in rows(store, "replies")} == {
        (role, prompts[names.get(role, role)].version) for role in ("instructor", "coder", "judge")
    }
    assert {candidate["task"] for candidate in rows(store, "candidates")} == {"much_rarer"}
    assert {pair["language"] for pair in rows(store, "population") if pair["generation"]} == {"python"}
    replies = [reply for reply in rows(store, "replies") if reply["role"] != "instructor"]
    beginnings = ("You review answers as I do.\n", "Solve the programming problem my way: ")
    mine_asked = [prompt for prompt in calls if prompt.startswith(beginnings)]
    assert len(mine_asked) == len(replies)
    candidate = next(c for c in rows(store, "candidates") if c["status"] == "accepted")
    judged = f"You review answers as I do.\n{candidate['instruction']}\n--\n{candidate['response']}"
    assert judged.strip() in mine_asked

    (run,) = rows(store, "runs")
    kept = yaml.safe_load(run["configuration"])["roles"]
    assert (kept["coder"]["prompt"], kept["judge"]["prompt"]) == ("/mine/coder.j2", "/mine/judge.j2")
    assert dict(run["versions"])["prompt of the judge"] == prompts["judge"].version


def test_another_text_is_another_request(
    asked: tuple[Path, ScriptedServer, Counter[str]], spark: SparkSession, tmp_path: Path
) -> None:
    store, server, _ = asked
    evolve(spark, config(tmp_path, server.url, CODER, f"{JUDGE}\nThink."))
    one, two = ({r["request_id"]: r for r in rows(of, "replies")} for of in (store, tmp_path))
    assert {two[key]["role"] for key in one.keys() & two.keys()} == {"instructor", "coder"}
    assert {two[key]["role"] for key in two.keys() - one.keys()} == {"judge"}
