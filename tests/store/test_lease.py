"""One writer at a time: who gets a lease, who is refused, and when a silent holder's is up."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.process import ProcessId, this_machine
from genetic_udfs.store.lease import Lease, LeaseError
from genetic_udfs.store.numbered_log import NumberedLog
from genetic_udfs.store.schema import REPLIES, REPLIES_SCHEMA
from genetic_udfs.store.tables import Store

FOR_EVER = 3600.0  # seconds
LONG = 12.0  # seconds; a watcher looks twice a second then


@pytest.fixture
def log(spark: SparkSession, tmp_path: Path) -> NumberedLog:
    return NumberedLog(spark, str(tmp_path / "store" / "_lease"))


def held_elsewhere(log: NumberedLog, **changes: Any) -> dict[str, Any]:
    """Write what a holder on another machine writes, and return it."""
    record = {
        "run_id": "theirs",
        "host": "far",
        "pid": 77,
        "process_started": 1,
        "machine": "another",
        "renewals": 3,
        "released": False,
        "since": "2026-01-01 10:00:00 UTC",
        "until": "2026-01-01 10:05:00 UTC",
        **changes,
    }
    latest = log.latest()
    assert log.add(0 if latest is None else latest + 1, record)
    return record


def test_a_record_that_is_read_while_it_is_replaced_is_none(log: NumberedLog, tmp_path: Path) -> None:
    assert log.add(0, {"run_id": "ours", "renewals": 1})
    (file,) = (tmp_path / "store" / "_lease").glob("*.json")
    file.write_text(file.read_text().replace("1", "2"))  # the checksum beside it is still that of before
    assert log.read(0) is None
    log.replace(0, {"run_id": "ours", "renewals": 3})
    assert log.read(0) == {"run_id": "ours", "renewals": 3}


def test_a_second_writer_is_refused_with_who_holds_the_lease_and_until_when(log: NumberedLog) -> None:
    with Lease(log, "first").held():
        with pytest.raises(LeaseError) as refused, Lease(log, "second").held():
            pytest.fail("two writers")
        record = log.read(0)
        assert record is not None
    message = str(refused.value)
    for part in ("run first", f"process {os.getpid()} on {record['host']}", record["until"], "--take-over"):
        assert part in message


def test_a_lease_that_was_given_up_is_taken_at_once(log: NumberedLog) -> None:
    with Lease(log, "first").held():
        pass
    second = Lease(log, "second", lifetime=FOR_EVER)
    told: list[str] = []
    with second.held(on_status=told.append):
        second.check()
        assert not second.was_abandoned
    assert not told
    assert log.latest() == 1


def test_a_killed_holder_on_this_machine_is_known_to_be_gone(log: NumberedLog) -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    process = ProcessId.of(child.pid)
    assert process is not None
    held_elsewhere(log, pid=process.pid, process_started=process.started, machine=this_machine())
    with pytest.raises(LeaseError), Lease(log, "ours").held():
        pytest.fail("the holder is alive")
    child.kill()
    child.wait()
    ours = Lease(log, "ours", lifetime=FOR_EVER)
    told: list[str] = []
    with ours.held(on_status=told.append):
        assert ours.was_abandoned
    assert not told


# What clocks say must not matter: a holder's may have been an hour ahead, or have jumped back since.
@pytest.mark.parametrize("until", ["1970-01-01 00:00:00 UTC", "2999-01-01 00:00:00 UTC", "no time at all"])
def test_a_silent_holder_elsewhere_loses_its_lease_after_a_lifetime_of_the_watchers(
    log: NumberedLog, until: str
) -> None:
    held_elsewhere(log, until=until)
    told: list[str] = []
    started = time.monotonic()
    with Lease(log, "ours", lifetime=0.7).held(on_status=told.append):
        assert time.monotonic() - started >= 0.7
    assert len(told) == 1 and "run theirs (process 77 on far" in told[0]


@pytest.mark.parametrize("until", ["1970-01-01 00:00:00 UTC", "2999-01-01 00:00:00 UTC"])
def test_a_holder_elsewhere_that_renews_keeps_its_lease(log: NumberedLog, until: str) -> None:
    record = held_elsewhere(log, until=until)

    def renew_when_watched(_: str) -> None:
        log.replace(0, record | {"renewals": 4})

    with (
        pytest.raises(LeaseError, match="run theirs"),
        Lease(log, "ours", lifetime=LONG).held(on_status=renew_when_watched),
    ):
        pytest.fail("the holder is alive")
    assert log.latest() == 0


def test_a_holder_elsewhere_that_gives_up_while_it_is_watched_is_followed(log: NumberedLog) -> None:
    record = held_elsewhere(log)
    ours = Lease(log, "ours", lifetime=LONG)

    def give_up_when_watched(_: str) -> None:
        log.replace(0, record | {"released": True})

    with ours.held(on_status=give_up_when_watched):
        assert not ours.was_abandoned


def test_one_of_many_that_come_at_once_gets_it(log: NumberedLog) -> None:
    held_elsewhere(log, released=True)
    all_there = threading.Barrier(6)
    holders: list[str] = []
    done = threading.Barrier(6)

    def take(name: str) -> None:
        all_there.wait()
        try:
            with Lease(log, name, lifetime=60.0).held():
                holders.append(name)
                done.wait(600)
        except LeaseError:
            done.wait(600)

    threads = [threading.Thread(target=take, args=[f"run-{n}"]) for n in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(holders) == 1


def test_it_is_renewed_while_it_is_held(log: NumberedLog) -> None:
    ours = Lease(log, "ours", lifetime=1.0)
    with ours.held():
        wait_until(lambda: ours._renewals >= 2)
        with ours._renewing:  # so that the record is not replaced at this moment
            record = log.read(0)
    assert record is not None and record["renewals"] >= 2


def test_whoever_lost_it_stops_its_jobs_and_commits_nothing_more(
    log: NumberedLog, spark: SparkSession, tmp_path: Path
) -> None:
    first, second = Lease(log, "first", lifetime=3.0), Lease(log, "second")
    store = Store(spark, str(tmp_path / "store"), first.check)
    store.create(REPLIES)

    begun = tmp_path / "begun"

    @F.udf(StringType())
    def slowly(text: str) -> str:
        begun.touch()
        time.sleep(FOR_EVER)
        return text

    def take_over() -> None:
        wait_until(begun.exists)
        held.enter_context(second.held(take_over=True))

    with ExitStack() as held:
        held.enter_context(first.held())
        taking = threading.Thread(target=take_over)
        taking.start()
        with pytest.raises(Exception, match="cancelled"):
            spark.range(1).select(slowly(F.col("id").cast("string"))).collect()
        taking.join()
        assert first.is_lost
        with pytest.raises(LeaseError, match=r"run second .* has taken the lease over from this run, first"):
            store.append(REPLIES, spark.createDataFrame([], REPLIES_SCHEMA), transaction="t", version=0)
        second.check()
    assert store.version(REPLIES) == 0


def test_a_fence_fails_the_append_that_was_under_way(spark: SparkSession, tmp_path: Path) -> None:
    store = Store(spark, str(tmp_path / "store"))
    store.create(REPLIES)
    begun, fenced = tmp_path / "begun", tmp_path / "fenced"

    @F.udf(StringType())
    def slowly(text: str) -> str:
        begun.touch()
        while not fenced.exists():
            time.sleep(0.02)
        return text

    rows = spark.createDataFrame([{"request_id": "late"}], REPLIES_SCHEMA)
    failures: list[BaseException] = []

    def append() -> None:
        try:
            late = rows.withColumn("request_id", slowly("request_id"))
            store.append(REPLIES, late, transaction="late", version=0)
        except Exception as error:
            failures.append(error)

    thread = threading.Thread(target=append)
    thread.start()
    wait_until(begun.exists)
    store.fence(REPLIES, "the other")
    fenced.touch()
    thread.join()
    assert len(failures) == 1 and "METADATA_CHANGED" in str(failures[0])
    assert store.read(REPLIES).count() == 0
    store.append(REPLIES, rows, transaction="later", version=0)
    assert store.read(REPLIES).count() == 1


def test_a_store_that_cannot_be_written_to_is_said(spark: SparkSession, tmp_path: Path) -> None:
    (tmp_path / "store").write_text("a file")
    with (
        pytest.raises(StoreError, match="_lease: cannot be written"),
        Lease(NumberedLog(spark, str(tmp_path / "store" / "_lease")), "ours").held(),
    ):
        pytest.fail("a file is no store")


def test_a_holder_that_cannot_renew_its_lease_stops_when_it_has_run_out(
    spark: SparkSession, log: NumberedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else it would ask engines, for pay, until its next commit."""

    def unreachable(log: NumberedLog, number: int, record: dict[str, Any]) -> None:
        raise StoreError("the storage is away")

    monkeypatch.setattr("genetic_udfs.store.lease.cancel_jobs", lambda: cancelled.append(time.monotonic()))
    cancelled: list[float] = []
    lease = Lease(log, "ours", lifetime=2.0)
    with lease.held():
        began = time.monotonic()
        monkeypatch.setattr(NumberedLog, "replace", unreachable)
        wait_until(lambda: cancelled)
        assert cancelled[0] - began >= 1.5
        assert lease.is_lost
        with pytest.raises(LeaseError, match=r"ours, could not be renewed for 2 s, .* the storage is away"):
            lease.check()
        monkeypatch.undo()
    with Lease(log, "next").held() as _:
        pass


def wait_until(condition: Callable[[], object], seconds: float = 300.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_record_that_is_replaced_in_two_steps_is_missed_by_nobody(
    log: NumberedLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = Lease(log, "first")
    with lease.held():
        seen = iter([None, 0])  # as while the record is renewed
        monkeypatch.setattr(NumberedLog, "latest", lambda self: next(seen, 0))
        lease.check()
        assert not lease.is_lost
        monkeypatch.undo()
        real, misses, unseen = NumberedLog.read, iter([True]), iter([None])
        monkeypatch.setattr(NumberedLog, "latest", lambda self: next(unseen, 0))
        monkeypatch.setattr(
            NumberedLog, "read", lambda self, number: None if next(misses, False) else real(self, number)
        )
        with pytest.raises(LeaseError, match="run first"), Lease(log, "second").held():
            pytest.fail("two writers")
        monkeypatch.undo()
