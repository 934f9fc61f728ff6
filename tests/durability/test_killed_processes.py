"""Real processes that are killed or told to end: the driver with its JVM, and Python workers.

What such a process leaves behind is gone on with by the next one, in the end by this process, in the session that all
tests share. `tests/cluster/test_standalone.py` kills executors.
"""

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import psutil
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from genetic_udfs.runtime.stopping import cancel_jobs
from genetic_udfs.store.lease import LeaseError
from genetic_udfs.store.schema import REPLIES
from tests import scripted_model
from tests.conftest import PROJECT
from tests.durability.conftest import Undisturbed
from tests.durability.small_run import (
    COMMITTED_AT_THE_END,
    SPARK,
    WAVE,
    copy_of,
    evolve,
    ledger,
    population,
    settings,
    settle,
    table,
    table_path,
    without_generation_1,
    write_config,
)
from tests.durability.test_killed_at_each_point import role_of
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TRIED_AGAIN = {**SPARK, "master": "local[2,4]"}  # a task whose worker was killed, as on a cluster
HANGS_AFTER = 900.0  # seconds, of a process that needs some twenty


class Driver:
    """Starts a configuration's run, with a server that answers it and may do something else first."""

    def __init__(self) -> None:
        self.on_request: Callable[[Request], None] = lambda request: None
        self.latency: Mapping[str, float] = {}  # seconds, by role
        self.server = ScriptedServer(self._answer, model="scripted")
        self.process: subprocess.Popen[str] | None = None

    def _answer(self, request: Request) -> Answer:
        self.on_request(request)
        answer = scripted_model.answer(request)
        return Answer(answer.text, tops=answer.tops, after=self.latency.get(role_of(request), 0.0))

    def start(self, config: Config, *options: str) -> subprocess.Popen[str]:
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK", "SPARK"))}
        command = [sys.executable, "-m", "tests.durability.driver", str(write_config(config)), *options]
        self.process = subprocess.Popen(
            command,
            cwd=PROJECT,
            env={**inherited, "PYTHONPATH": str(PROJECT), "SPARK_LOCAL_IP": "127.0.0.1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        return self.process

    def run(self, config: Config, *options: str) -> tuple[int, str]:
        """Start a run and wait for its end; return its exit code and what it said on stderr."""
        process = self.start(config, *options)
        _, errors = process.communicate(timeout=HANGS_AFTER)
        return process.returncode, errors

    def kill(self) -> None:
        assert self.process is not None
        os.killpg(self.process.pid, signal.SIGKILL)

    def descendants(self, name: str) -> list[psutil.Process]:
        """Return the processes below the driver that have a word in their command line."""
        assert self.process is not None
        found = []
        for process in psutil.Process(self.process.pid).children(recursive=True):
            with suppress(psutil.Error):  # it has ended meanwhile
                if any(name in word for word in process.cmdline()):
                    found.append(process)
        return found


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver()
    with driver.server:
        yield driver
    if driver.process is not None and driver.process.poll() is None:
        driver.kill()
        driver.process.wait()


def files_of_population(config: Config) -> set[Path]:
    return set(table_path(config, "population").glob("*.parquet"))


def test_a_run_that_is_stopped_taken_over_and_killed_while_it_commits_ends_as_one_that_nothing_befell(
    spark: SparkSession, driver: Driver, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    """One run of one round, which goes through the hands of several processes."""
    expected = undisturbed.first_round()
    folder = without_generation_1(copy_of(undisturbed.config, tmp_path), REPLIES, *COMMITTED_AT_THE_END)
    config = settings(folder, driver.server.url, max_rounds=1, spark=TRIED_AGAIN)
    asked_again = killed_workers_are_made_up_for_and_sigterm_keeps_what_was_asked_for(spark, driver, config)
    of_the_stopped = ledger(config)
    assert of_the_stopped.items() <= expected.replies.items()

    driver.latency = {"judge": 3600.0}
    judging = threading.Event()
    driver.on_request = once("judge", judging.set)
    before = files_of_population(config)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(evolve, spark, config)
        try:
            assert judging.wait(HANGS_AFTER)
            driver.latency = {}
            code, errors = driver.run(config, "--take-over", "--kill-at", "within append population generation-1")
            assert code == -signal.SIGKILL, errors
            with pytest.raises(LeaseError, match="has taken the lease over from this run"):
                first.result(HANGS_AFTER)
        finally:
            cancel_jobs()
    settle(spark, driver.server)
    assert files_of_population(config) - before, "not at that point"
    assert DeltaTable(table_path(config, "population")).version() == 0, "not at that point"
    assert ledger(config) == expected.replies
    asked = driver.server.calls.total()
    assert 1 <= asked - asked_again - len(expected.replies) <= 2 * WAVE

    evolve(spark, config)
    assert driver.server.calls.total() == asked
    assert ledger(config) == expected.replies
    assert population(config) == expected.population
    accepted = len(expected.population) - 8
    assert {row["generation"]: row["accepted"] for row in table(config, "generations")} == {0: 8, 1: accepted}
    assert len(table(config, "dedup_index")) == 8 + accepted
    outcomes = [run["outcome"] for run in sorted(table(config, "runs"), key=lambda run: run["started_at"])]
    assert outcomes == ["finished", "stopped", "killed", "killed", "finished"]


def killed_workers_are_made_up_for_and_sigterm_keeps_what_was_asked_for(
    spark: SparkSession, driver: Driver, config: Config
) -> int:
    """Have Spark's Python workers killed as the Instructor is asked, and the run stopped as the Coder is.

    Meanwhile a second run is refused.

    Returns:
        How many requests were asked twice.
    """
    driver.latency = {"instructor": 0.3, "coder": 1.0}
    killed: list[int] = []
    coding, refused = threading.Event(), threading.Event()

    def kill_workers() -> None:
        for victim in driver.descendants("pyspark.daemon"):
            victim.kill()
            killed.append(victim.pid)

    def wait_for_refusal() -> None:
        coding.set()
        refused.wait(HANGS_AFTER)

    actions = [once("instructor", kill_workers), once("coder", wait_for_refusal)]

    def look(request: Request) -> None:
        for action in actions:
            action(request)

    driver.on_request = look
    process = driver.start(config)
    try:
        assert coding.wait(HANGS_AFTER)
        with pytest.raises(LeaseError, match=f"process {process.pid} on .*--take-over"):
            evolve(spark, config)
        process.send_signal(signal.SIGTERM)
    finally:
        refused.set()
    _, errors = process.communicate(timeout=HANGS_AFTER)
    assert process.returncode == 143
    assert errors.splitlines()[-1] == "stopped; run the same command to resume"
    assert "stopping: finishing the requests under way, for 600 s at most" in errors
    assert killed
    asked = driver.server.calls
    assert len(asked) == len(ledger(config)), "a reply that was asked for is not kept"
    roles = Counter(role_of(request) for request in driver.server.requests)
    assert 2 <= roles["coder"] <= 2 * WAVE and not roles["judge"]
    asked_again = asked.total() - len(asked)
    assert 1 <= asked_again <= 2 * WAVE
    return asked_again


def once(role: str, action: Callable[[], object]) -> Callable[[Request], None]:
    """Act when a role is asked for the second time, before that request or any other one is answered."""
    seen = [0]

    def look(request: Request) -> None:
        if role_of(request) == role:
            seen[0] += 1
            if seen[0] == 2:
                action()

    return look
