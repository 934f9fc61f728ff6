"""Which requests of a stage are asked, and which reply each row gets: of this stage, of another one, of another run."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.evolution.round import with_columns_of
from genetic_udfs.store.ledger import Ledger, Stage
from genetic_udfs.store.schema import REPLIES, REPLIES_SCHEMA
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

Turn = Callable[..., tuple[tuple[int, int, int], dict[str, str | None]]]


@pytest.fixture(params=[None, 1 << 20], ids=["of any size", "small"])
def turn(spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Turn:
    """Take requests through a stage of a run; return what was missing, here and elsewhere, and the replies.

    Of a run's plans the first alone reads `replies`; replies of other stages are read of files of its role. A small
    stage whose requests are all new reads `replies` not at all.
    """
    max_bytes: int | None = request.param

    store = Store(spark, str(tmp_path / "store"))
    ledgers: dict[str, Ledger] = {}
    read, reads = Store.read, []

    def counted(of: Store, table: str, version: int | None = None) -> DataFrame:
        reads.append(table)
        return read(of, table, version)

    monkeypatch.setattr(Store, "read", counted)

    def take(
        run: str, round_: int, *requests: str, failing: str = "", role: str = "coder"
    ) -> tuple[tuple[int, int, int], dict[str, str | None]]:
        is_first = run not in ledgers
        if is_first:
            ledgers[run] = Ledger(store, Scratch(spark, str(tmp_path / run)), run, wave_size=100)
        ledger = ledgers[run]

        def ask(rows: DataFrame) -> DataFrame:
            is_error = F.col("request_id") == failing
            of_stage = {"role": F.lit(role), "generation": F.lit(1), "round": F.lit(round_), "run_id": F.lit(run)}
            said = F.concat(F.lit(f"{run} "), "prompt")
            of_reply = {
                "text": F.when(~is_error, said),
                "error": F.when(is_error, said),
                "sent_at": F.current_timestamp(),
            }
            full = with_columns_of(REPLIES_SCHEMA, rows.withColumns({**of_stage, **of_reply}))
            return full.select(*REPLIES_SCHEMA.fieldNames())

        given = [(str(place), request or None, request.upper(), "v1") for place, request in enumerate(requests)]
        rows = spark.createDataFrame(given, "id string, request_id string, prompt string, template string")
        reads.clear()
        plan = ledger.plan(rows, Stage(role, role, 1, round_, role), max_bytes)
        assert reads == ([REPLIES] if is_first else [])
        reads.clear()
        recorded = ledger.record(plan, ask) if plan.missing else None
        replied = ledger.with_replies(plan, recorded)
        is_kept = max_bytes is not None and plan.missing and not plan.here and not plan.elsewhere
        assert reads == ([] if is_kept else [REPLIES])
        if plan.elsewhere:
            of_others = read(store, REPLIES).filter(F.col("role") != role)
            assert not {*replied.inputFiles()} & {*of_others.inputFiles()}
        replies = {row["request_id"]: row["said"] for row in said_to(replied).collect()}
        assert len(replies) == len(set(requests))
        return (plan.missing, plan.here, plan.elsewhere), replies

    return take


def said_to(rows: DataFrame) -> DataFrame:
    return rows.select("request_id", F.coalesce("reply.text", "reply.error").alias("said")).distinct()


def test_each_request_is_asked_once_in_a_generation(turn: Turn, spark: SparkSession, tmp_path: Path) -> None:
    assert turn("one", 0, "a", "b", "") == ((2, 0, 0), {"a": "one A", "b": "one B", None: None})
    # A request has a role in its identity: what another role was asked is not looked at.
    assert turn("one", 0, "a", role="judge") == ((1, 0, 0), {"a": "one A"})
    # An equal request of an earlier round, and equal ones in a stage.
    assert turn("one", 1, "b", "c", "c") == ((2, 0, 1), {"b": "one B", "c": "one C"})
    # Others were asked before, and none of these; an equal request of an earlier round, twice.
    assert turn("one", 2, "e") == ((1, 0, 0), {"e": "one E"})
    assert turn("one", 3, "b", "b", "f") == ((1, 0, 2), {"b": "one B", "f": "one F"})
    # What another run has asked, in this stage and in another one, also in the second stage after it.
    assert turn("two", 0, "a", "a") == ((0, 2, 0), {"a": "one A"})
    assert turn("two", 1, "a", "c", "d") == ((1, 1, 1), {"a": "one A", "c": "one C", "d": "two D"})
    assert turn("two", 0, "a", "d", role="judge") == ((1, 1, 0), {"a": "one A", "d": "two D"})
    replies = Store(spark, str(tmp_path / "store")).read(REPLIES)
    assert replies.count() == 8
    first, second = ({*replies.filter(f"role = 'coder' AND round = {n}").inputFiles()} for n in (0, 1))
    assert first and second and not first & second  # Delta skips those of other rounds


def test_a_wave_reads_its_own_folder_alone(spark: SparkSession, tmp_path: Path) -> None:
    ledger = Ledger(Store(spark, str(tmp_path / "store")), Scratch(spark, str(tmp_path / "one")), "one", wave_size=1)
    folders: list[str] = []

    def ask(rows: DataFrame) -> DataFrame:
        plan = rows._jdf.queryExecution().executedPlan().toString()
        folders.extend(re.findall(r"PartitionFilters: \[.*\(wave#\d+ = (\d)\)\]", plan))
        return with_columns_of(REPLIES_SCHEMA, rows).select(*REPLIES_SCHEMA.fieldNames())

    rows = spark.createDataFrame(
        [("a", "A", "v1"), ("b", "B", "v1")], "request_id string, prompt string, template string"
    )
    ledger.record(ledger.plan(rows, Stage("coder", "coder", 1, 0, "coder")), ask)
    assert sorted(folders) == ["0", "1"]


def test_what_failed_is_asked_again_by_the_next_run_alone(turn: Turn) -> None:
    assert turn("one", 0, "a", "b", failing="a") == ((2, 0, 0), {"a": "one A", "b": "one B"})
    assert turn("one", 1, "a") == ((0, 0, 1), {"a": "one A"})
    assert turn("two", 0, "a", "b") == ((1, 1, 0), {"a": "two A", "b": "one B"})
    assert turn("two", 1, "a") == ((0, 0, 1), {"a": "two A"})
