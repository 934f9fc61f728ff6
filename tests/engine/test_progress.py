import json
import pickle
import socket
import time
from dataclasses import replace

import pytest

from genetic_udfs.engine.metrics import ServerMetrics
from genetic_udfs.engine.progress import Counters, ProgressAddress, ProgressListener, ProgressReporter, StageProgress
from genetic_udfs.engine.utilization import ServerWatch, engine_utilization
from tests.engine.conftest import eventually


def send(address: ProgressAddress, **data: object) -> None:
    datagram = {"token": address.token, "stage": "coder", "feeder": "1.0", "attempt": 0, "rows": 5, **data}
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(json.dumps(datagram).encode(), (address.host, address.port))


def test_a_stage_is_the_sum_of_its_feeders() -> None:
    with ProgressListener() as listener:
        for feeder in ("1.0", "1.1"):
            reporter = ProgressReporter(listener.address, "coder", feeder, 0)
            reporter.note("engine 'smol': starting, 43 s")
            reporter.add(Counters(rows=3, errors=1, prompt_tokens=10, completion_tokens=20, in_flight=7))
            reporter.add(Counters(rows=1, in_flight=6))
            reporter.close()
        assert eventually(lambda: "coder" in listener.snapshot() and listener.snapshot()["coder"].rows == 8)
        seen = listener.snapshot()["coder"]
    assert replace(seen, seconds=None) == StageProgress(8, 2, 20, 40)


def test_time_counts_from_when_a_feeder_has_an_engine_to_ask() -> None:
    with ProgressListener() as listener:
        reporter = ProgressReporter(listener.address, "coder", "1.0", 0)
        reporter.note("starting, 43 s")
        assert eventually(lambda: "coder" in listener.snapshot())
        assert listener.snapshot()["coder"].seconds is None
        reporter.note("")
        assert eventually(lambda: listener.snapshot()["coder"].seconds is not None)


def test_each_different_note_is_shown_once_while_it_is_true() -> None:
    with ProgressListener() as listener:
        for feeder in ("1.0", "1.1"):
            ProgressReporter(listener.address, "coder", feeder, 0).note("starting, 43 s")
        expected = StageProgress(notes=("starting, 43 s",))
        assert eventually(lambda: listener.snapshot().get("coder") == expected)


def test_a_retried_task_takes_the_place_of_the_first() -> None:
    with ProgressListener() as listener:
        send(listener.address, attempt=0, rows=50)
        assert eventually(lambda: "coder" in listener.snapshot())
        send(listener.address, attempt=1, rows=2)
        send(listener.address, attempt=0, rows=60)
        send(listener.address, feeder="other")
        assert eventually(lambda: listener.snapshot()["coder"].rows == 7)


def test_the_metrics_of_two_servers_become_the_utilization_of_the_engine() -> None:
    with ProgressListener() as listener:
        reporter = ProgressReporter(listener.address, "coder", "1.0", 0)
        reporter.server("a-1", 64, ServerMetrics(running=10, generation_tokens=1000, prefix_queries=100, preemptions=1))
        reporter.server("b-1", 32, ServerMetrics(running=30, waiting=4, kv_cache_usage=0.5))
        time.sleep(0.2)
        reporter.server("b-1", 32, ServerMetrics(running=30, waiting=4, kv_cache_usage=0.5))
        reporter.server(
            "a-1",
            64,
            ServerMetrics(
                running=20,
                kv_cache_usage=0.2,
                generation_tokens=1100,
                prefix_queries=300,
                prefix_hits=50,
                preemptions=3,
            ),
        )
        assert eventually(lambda: (use := listener.snapshot()["coder"].engine) is not None and use.preemptions == 2)
        use = listener.snapshot()["coder"].engine
    assert use is not None
    assert (use.servers, use.max_num_seqs, use.running_now) == (2, 96, 50)
    assert (use.running, use.waiting) == (pytest.approx(45, rel=0.1), pytest.approx(4, rel=0.1))
    assert (use.kv_cache_usage, use.prefix_cache_hit_rate) == (0.5, 0.25)
    assert 100 < use.tokens_per_second < 1000  # 100 tokens in the 0.2 s between two looks, or a little less


def test_servers_that_end_at_different_times_are_summed_over_the_whole_stage(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 0.0
    monkeypatch.setattr("genetic_udfs.engine.utilization.time.monotonic", lambda: now)
    first = ServerWatch("a", 256, ServerMetrics(running=200))
    second = ServerWatch("b", 256, ServerMetrics(running=200))
    now = 50.0
    first.take(ServerMetrics(running=200))
    now = 100.0
    second.take(ServerMetrics(running=200))
    third = ServerWatch("b", 256, ServerMetrics())  # the second's successor on the same executor
    now = 140.0
    use = engine_utilization([first, second, third])
    assert use is not None
    assert (use.servers, use.max_num_seqs, use.seconds) == (3, 512, 100)
    assert (use.running, use.running_now) == (300, 0)


def test_an_older_datagram_that_comes_late_changes_nothing() -> None:
    with ProgressListener() as listener:
        send(listener.address, rows=9)
        send(listener.address, rows=4)
        send(listener.address, stage="end")
        assert eventually(lambda: "end" in listener.snapshot())
        assert listener.snapshot()["coder"].rows == 9


def test_a_stranger_is_not_heard() -> None:
    with ProgressListener() as listener:
        send(listener.address, token="guessed")
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
            for junk in (b"", b"[]", b"{}", b"\xff", json.dumps({"token": listener.address.token}).encode()):
                sender.sendto(junk, (listener.address.host, listener.address.port))
        send(listener.address, stage="end")
        assert eventually(lambda: "end" in listener.snapshot())
        assert "coder" not in listener.snapshot()


def test_nobody_listening_harms_nothing() -> None:
    with ProgressListener() as listener:
        address = listener.address
    for reporter in (ProgressReporter(address, "s", "1", 0), ProgressReporter(None, "s", "1", 0)):
        for _ in range(3):
            reporter.add(Counters(rows=1))
        reporter.close()
        assert reporter.counters.rows == 3


def test_the_address_travels_and_hides_its_token() -> None:
    with ProgressListener() as listener:
        assert pickle.loads(pickle.dumps(listener.address)) == listener.address
        assert listener.address.token not in repr(listener.address)
