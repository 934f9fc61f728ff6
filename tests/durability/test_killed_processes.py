"""Real processes that are killed or told to end: the driver with its JVM, an executor, a Python worker.

What such a process leaves behind is finished in this process, in the session that all tests share.
"""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pyspark
import pytest
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from genetic_udfs.store.lease import LeaseError
from tests import scripted_model
from tests.conftest import FOR_LITTLE_DATA, PROJECT
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
    table,
    table_path,
    without_generation_1,
    write_config,
)
from tests.durability.test_killed_at_each_point import role_of
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

EXECUTOR = {
    "spark.executor.memory": "768m",
    "spark.executor.extraJavaOptions": FOR_LITTLE_DATA["spark.driver.extraJavaOptions"],
}
HANGS_AFTER = 900.0  # seconds, of a process that needs some twenty


class Driver:
    """Starts a configuration's run, with a server that answers it and may do something else first."""

    def __init__(self, folder: Path) -> None:
        self.on_request: Callable[[Request], None] = lambda request: None
        self.latency: Mapping[str, float] = {}  # seconds, by role
        self.server = ScriptedServer(self._answer, model="scripted")
        self.folder = folder
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
            env={
                **inherited,
                "PYTHONPATH": str(PROJECT),
                "SPARK_HOME": str(spark_home(self.folder)),
                "SPARK_LOCAL_IP": "127.0.0.1",
            },
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


def spark_home(folder: Path) -> Path:
    """Return a Spark of our own, in whose folder `work` executors work."""
    home = folder / "spark"
    if not home.exists():
        home.mkdir()
        for name in ("bin", "jars"):
            (home / name).symlink_to(Path(pyspark.__file__).parent / name)
    return home


def one_round(folder: Path, url: str, **changes: Any) -> Config:
    """Return a configuration of a single round; `test_killed_at_each_point.py` has several."""
    return settings(folder, url, max_rounds=1, **changes)


@pytest.fixture
def driver(tmp_path: Path) -> Iterator[Driver]:
    driver = Driver(tmp_path)
    with driver.server:
        yield driver
    if driver.process is not None and driver.process.poll() is None:
        driver.kill()
        driver.process.wait()


def once(role: str, action: Callable[[], object]) -> Callable[[Request], None]:
    """Act when a role is asked for the second time, before that request or any other one is answered."""
    seen = [0]

    def look(request: Request) -> None:
        if role_of(request) == role:
            seen[0] += 1
            if seen[0] == 2:
                action()

    return look


def test_a_run_under_way_is_not_disturbed_by_a_second_one_but_may_be_taken_over(
    spark: SparkSession, driver: Driver, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    config = one_round(tmp_path, driver.server.url)
    driver.latency = {"judge": 3600.0}
    judging = threading.Event()
    driver.on_request = once("judge", judging.set)
    first = driver.start(config)
    assert judging.wait(HANGS_AFTER)
    replies = ledger(config)
    driver.latency = {}
    with pytest.raises(LeaseError, match=f"process {first.pid} on .*--take-over"):
        evolve(spark, config)
    evolve(spark, config, take_over=True)
    _, errors = first.communicate(timeout=HANGS_AFTER)
    assert first.returncode == 1
    assert "has taken the lease over from this run" in errors.splitlines()[-1]

    expected = undisturbed.first_round()
    assert replies.items() <= ledger(config).items()
    assert ledger(config) == expected.replies
    assert population(config) == expected.population
    assert 1 <= driver.server.calls.total() - len(expected.replies) <= 2 * WAVE


def test_a_driver_killed_while_it_commits_loses_no_reply_and_its_generation_is_completed(
    spark: SparkSession, driver: Driver, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    folder = without_generation_1(copy_of(undisturbed.config, tmp_path), *COMMITTED_AT_THE_END[1:])
    config = one_round(folder, driver.server.url)
    before = files_of_population(config)
    assert driver.run(config, "--kill-at", "within append population generation-1")[0] == -signal.SIGKILL
    assert files_of_population(config) - before, "not at that point"
    assert DeltaTable(table_path(config, "population")).version() == 0, "not at that point"
    evolve(spark, config)
    assert driver.server.calls.total() == 0
    assert population(config) == population(undisturbed.config)
    accepted = len(population(undisturbed.config)) - 8
    assert {row["generation"]: row["accepted"] for row in table(config, "generations")} == {0: 8, 1: accepted}
    assert len(table(config, "dedup_index")) == 8 + accepted


def files_of_population(config: Config) -> set[Path]:
    return set(table_path(config, "population").glob("*.parquet"))


def test_a_killed_worker_and_executor_are_made_up_for_and_sigterm_keeps_what_was_asked_for(
    spark: SparkSession, driver: Driver, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    cluster = {**SPARK, "master": "local-cluster[1,2,1024]", "conf": {**SPARK["conf"], **EXECUTOR}}
    config = one_round(tmp_path, driver.server.url, spark=cluster)
    driver.latency = {"instructor": 0.3, "coder": 0.3, "judge": 1.0}
    killed: list[int] = []

    def kill(name: str) -> Callable[[], None]:
        def act() -> None:
            victim = driver.descendants(name)[-1]
            victim.kill()
            killed.append(victim.pid)

        return act

    actions = [
        once("instructor", kill("pyspark.daemon")),
        once("coder", kill("CoarseGrainedExecutor")),
        once("judge", lambda: driver.process and driver.process.send_signal(signal.SIGTERM)),
    ]

    def look(request: Request) -> None:
        for action in actions:
            action(request)

    driver.on_request = look
    code, errors = driver.run(config)
    assert code == 143
    assert errors.splitlines()[-1] == "stopped; run the same command to resume"
    assert "stopping: finishing the requests under way, for 600 s at most" in errors
    assert [run["outcome"] for run in table(config, "runs")] == ["stopped"]
    assert len(set(killed)) == 2
    asked = driver.server.calls
    assert len(asked) == len(ledger(config)), "a reply that was asked for is not kept"
    judged = sum(role_of(request) == "judge" for request in driver.server.requests)
    assert 2 <= judged <= 2 * WAVE
    asked_again = asked.total() - len(asked)
    assert 1 <= asked_again <= 2 * 2 * WAVE

    driver.latency, driver.on_request = {}, lambda request: None
    evolve(spark, config)
    expected = undisturbed.first_round()
    assert population(config) == expected.population
    assert ledger(config) == expected.replies
    assert driver.server.calls.total() == len(expected.replies) + asked_again
