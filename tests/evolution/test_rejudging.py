"""Another judge over a past generation: only its replies are asked for, and nothing that was there changes."""

import io
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from rich.console import Console

from genetic_udfs.commands.evolve import new_run
from genetic_udfs.commands.rejudge import print_rejudged, rejudge_generation
from genetic_udfs.config import Config
from genetic_udfs.errors import ConfigurationError, EngineError
from genetic_udfs.evolution.rejudging import Rejudged
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import REPLIES, SCHEMA_VERSION_PROPERTY
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.evolution.test_evolution import evolve, seeds, settings
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

UNTOUCHED = ("population", "candidates", "generations", "runs", "dedup_index", "dedup_manifest")


def strict(request: Request) -> Answer:
    """Say No to one in three, and refuse one in eleven."""
    number = sum(map(ord, request.prompt))
    if number % 11 == 0:
        return Answer(status=400, message="maximum context length is 64 tokens")
    return scripted_model.verdict(number % 3 != 0, 0.7)


class Judged:
    """A store of one generation, and a judge who had no part in it."""

    def __init__(self, store: Path, server: ScriptedServer, other: ScriptedServer) -> None:
        self.store, self.server, self.other = store, server, other

    def config(self, judge: str, **changes: Any) -> Config:
        engines = {
            "scripted": {"model": "scripted", "url": self.server.url, "max_num_seqs": 16},
            "other": {"model": "org/strict", "url": self.other.url},
        }
        roles = {role: {"engine": "scripted", "max_tokens": 200} for role in ("instructor", "coder")}
        roles["judge"] = {"engine": judge, "max_tokens": 200}
        few = {"generations": 1, "colonies": 1, "samples_per_generation": 8, **changes}
        return settings(self.store, self.server.url, engines=engines, roles=roles, **few)

    def table(self, name: str) -> list[dict[str, Any]]:
        """A table's rows; a reader may give its files in any order."""
        return delta_rows(self.store / name)

    def of(self, generation: int) -> dict[str, dict[str, Any]]:
        """The candidates of a generation that have a verdict."""
        rows = self.table("candidates")
        return {row["id"]: row for row in rows if row["generation"] == generation and row["verdict"] is not None}


@pytest.fixture(scope="module")
def finished(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, ScriptedServer]]:
    store = tmp_path_factory.mktemp("judged")
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        evolve(spark, Judged(store, server, server).config("scripted"))
        yield store, server


@pytest.fixture
def judged(finished: tuple[Path, ScriptedServer], tmp_path: Path) -> Iterator[Judged]:
    """A copy of the store, with another judge whom nobody has asked yet."""
    store, server = finished
    with ScriptedServer(strict, model="org/strict") as other:
        yield Judged(shutil.copytree(store, tmp_path / "judged"), server, other)


def rejudge(spark: SparkSession, config: Config, generation: int) -> Rejudged:
    with Progress() as progress:
        return rejudge_generation(new_run(spark, config, progress), seeds(), generation)


def with_columns_of_version_5(spark: SparkSession, judged: Judged) -> None:
    """Write the store's replies as they were before they had a stage."""
    replies = Store(spark, str(judged.store)).table(REPLIES)
    writer = replies.toDF().drop("stage").write.format("delta").mode("overwrite").option("overwriteSchema", "true")
    writer.save(str(judged.store / REPLIES))
    spark.sql(f"ALTER TABLE delta.`{judged.store / REPLIES}` SET TBLPROPERTIES ('{SCHEMA_VERSION_PROPERTY}' = '5')")


def printed(found: Rejudged) -> str:
    out = io.StringIO()
    print_rejudged(Console(file=out, width=120), found, 1)
    return out.getvalue()


def test_another_judge_is_asked_once_about_every_judged_candidate_and_old_verdicts_stay(
    judged: Judged, spark: SparkSession
) -> None:
    before = {name: judged.table(name) for name in (*UNTOUCHED, "replies")}
    calls = judged.server.calls.total()
    found = rejudge(spark, judged.config("other"), 1)

    candidates = judged.of(1)
    verdicts = {row["id"]: row for row in judged.table("verdicts")}
    assert verdicts.keys() == candidates.keys()
    assert judged.server.calls.total() == calls
    assert judged.other.calls.total() == len(candidates) == found.asked
    assert all("You review answers" in prompt for prompt in judged.other.calls)
    assert {name: judged.table(name) for name in UNTOUCHED} == {name: before[name] for name in UNTOUCHED}

    replies = {row["request_id"]: row for row in judged.table("replies") if row["role"] == "rejudge"}
    assert len(judged.table("replies")) == len(before["replies"]) + len(replies)
    for row in verdicts.values():
        reply = replies[row["request_id"]]
        assert row["request_id"] != candidates[row["id"]]["judge_request"]
        assert (row["generation"], reply["generation"], reply["round"], reply["stage"]) == (1, 1, None, "rejudge")
        assert (row["model"], reply["model"], reply["engine"]) == ("org/strict", "org/strict", "other")
        assert (row["template"], row["run_id"], row["judged_at"]) == (
            reply["template"],
            reply["run_id"],
            reply["sent_at"],
        )
        if reply["error"] is None:
            assert row["verdict"] == ("Yes" in reply["text"])
            assert row["fitness"] == reply["yes_probability"] == pytest.approx(0.7 if row["verdict"] else 0.3)
        else:
            assert (row["verdict"], row["fitness"], row["reason"]) == (None, None, "engine_error")

    pairs = [(row["verdict"], verdicts[row["id"]]["verdict"]) for row in candidates.values()]
    agreement = found.agreement
    assert (agreement.yes_yes, agreement.yes_no, agreement.no_yes, agreement.no_no) == tuple(
        pairs.count(pair) for pair in ((True, True), (True, False), (False, True), (False, False))
    )
    assert min(agreement.yes_yes, agreement.yes_no) > 0
    assert found.unanswered == len(pairs) - agreement.total
    text = printed(found)
    assert "first judge: scripted; second judge: org/strict" in text
    assert f"{len(pairs)} of {len(pairs)} replies were asked for now" in text


def test_the_same_rejudge_again_asks_only_what_was_refused_and_keeps_nothing_twice(
    judged: Judged, spark: SparkSession
) -> None:
    with_columns_of_version_5(spark, judged)
    first = rejudge(spark, judged.config("other"), 1)
    verdicts, calls = judged.table("verdicts"), judged.other.calls.total()
    refused = [row for row in judged.table("replies") if row["role"] == "rejudge" and row["error"] is not None]
    again = rejudge(spark, judged.config("other"), 1)
    assert (again.agreement, again.asked, again.is_same_judge) == (first.agreement, len(refused), False)
    assert judged.other.calls.total() - calls == len(refused) > 0
    assert judged.table("verdicts") == verdicts
    assert f"{len(refused)} of {len(verdicts)} replies were asked for now" in printed(again)


def test_the_judge_of_the_generation_itself_agrees_with_itself_for_nothing(judged: Judged, spark: SparkSession) -> None:
    calls, replies = judged.server.calls.total(), judged.table("replies")
    found = rejudge(spark, judged.config("scripted"), 1)
    assert (found.is_same_judge, found.asked, found.agreement.share, found.unanswered) == (True, 0, 1.0, 0)
    assert found.agreement.total == len(judged.of(1))
    assert judged.server.calls.total() == calls
    assert judged.table("replies") == replies
    assert "It is the same judge: model, sampling and prompt are those of the first." in printed(found)


def test_a_rejudge_that_was_cut_off_pays_for_no_reply_twice(judged: Judged, spark: SparkSession) -> None:
    asked: list[str] = []

    def tires(request: Request) -> Answer:
        asked.append(request.prompt)
        if len(asked) > 3:
            return Answer(status=401, message="out of credit")
        return scripted_model.verdict(True)

    with ScriptedServer(tires) as server:
        config = judged.config("other", ledger={"wave_size": 1})
        engines = {**config.engines, "other": config.engines["other"].model_copy(update={"url": server.url})}
        sampled = config.roles.judge.model_copy(update={"temperature": 0.1})
        config = config.model_copy(
            update={"engines": engines, "roles": config.roles.model_copy(update={"judge": sampled})}
        )
        with pytest.raises(EngineError, match="HTTP 401"):
            rejudge(spark, config, 1)
        assert not (judged.store / "verdicts").exists()
        kept = [row for row in judged.table("replies") if '"temperature": 0.1' in row["sampling"]]
        assert kept
        server.answer = lambda request: scripted_model.verdict(True)
        calls = server.calls.total()
        found = rejudge(spark, config.model_copy(update={"ledger": judged.config("other").ledger}), 1)
        assert found.asked == server.calls.total() - calls == len(judged.of(1)) - len(kept)
        assert len(judged.table("verdicts")) == len(judged.of(1))


def test_the_costs_of_the_next_generation_are_its_own(judged: Judged, spark: SparkSession) -> None:
    rejudge(spark, judged.config("other"), 1)
    rows = evolve(spark, judged.config("scripted", generations=2))
    replies = [row for row in judged.table("replies") if row["generation"] == 2]
    assert {cost["role"]: cost["requests"] for cost in rows[2]["costs"]} == {
        role: sum(row["role"] == role for row in replies) for role in ("coder", "instructor", "judge")
    }
    assert {cost["role"] for row in rows for cost in row["costs"]} == {"coder", "instructor", "judge"}


@pytest.mark.parametrize(
    ("generation", "told"),
    [
        (9, "--generation 9: .* has generations 0 to "),
        (0, "--generation 0: there is no verdict to compare with: it is made of the seeds"),
    ],
)
def test_a_generation_without_verdicts_is_refused(
    generation: int, told: str, judged: Judged, spark: SparkSession
) -> None:
    calls = judged.other.calls.total()
    with pytest.raises(ConfigurationError, match=told):
        rejudge(spark, judged.config("other"), generation)
    assert judged.other.calls.total() == calls


def test_a_store_that_was_never_written_to_has_no_generation(
    judged: Judged, spark: SparkSession, tmp_path: Path
) -> None:
    config = judged.config("other").model_copy(update={"store": str(tmp_path / "none")})
    with pytest.raises(ConfigurationError, match=r"--generation 1: .* has no finished generation"):
        rejudge(spark, config, 1)
    assert not (tmp_path / "none").exists()


def test_another_seed_than_the_stores_is_refused(judged: Judged, spark: SparkSession) -> None:
    with pytest.raises(ConfigurationError, match="seed: 5 in the store, 6 in the configuration"):
        rejudge(spark, judged.config("other", seed=6), 1)
