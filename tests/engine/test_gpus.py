"""How the GPUs of an executor are found, and what tasks that feed an engine ask of Spark."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config import Engine
from genetic_udfs.engine import stage
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.process import ProcessId

JVM = ProcessId(1, 0)


def script(path: Path, text: str) -> str:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return str(path)


@pytest.fixture
def given(tmp_path: Path) -> Iterator[ProcessId]:
    """A process with the command line of an executor to which a standalone worker has given GPUs 2 and 5."""
    file = tmp_path / "resource.json"
    identity = {"componentName": "spark.executor", "resourceName": "gpu"}
    other = {"id": {"componentName": "spark.executor", "resourceName": "fpga"}, "addresses": ["f"]}
    file.write_text(json.dumps([other, {"id": identity, "addresses": ["2", "5"]}]))
    command = [sys.executable, "-c", "print(flush=True); input()", "--resourcesFile", str(file)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    process.stdout.readline()  # a process that only begins has no command line yet
    found = ProcessId.of(process.pid)
    assert found is not None
    yield found
    process.communicate(b"\n")


def test_those_that_a_worker_has_given_count(given: ProcessId, tmp_path: Path) -> None:
    assert ExecutorGpus(2, "/nowhere").of(given, tmp_path) == ("2", "5")


def test_else_the_script_is_asked_once_for_each_executor(tmp_path: Path) -> None:
    found = """echo 1 >> "$0.calls"; echo '{"name": "gpu", "addresses": ["3", "4", "5"]}'"""
    gpus = ExecutorGpus(2, script(tmp_path / "discover", found))
    assert [gpus.of(JVM, tmp_path) for _ in range(3)] == [("3", "4")] * 3
    assert (tmp_path / "discover.calls").read_text() == "1\n"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("echo nonsense", "printed no GPUs but 'nonsense'"),
        ("echo '[1]'", "printed no GPUs but '[1]'"),
        ("echo no driver >&2; exit 1", "printed no GPUs but 'no driver'"),
        ("""echo '{"name": "gpu", "addresses": ["0"]}'""", "found 1"),
    ],
)
def test_a_script_that_finds_none_is_an_error_and_is_asked_again(tmp_path: Path, text: str, says: str) -> None:
    gpus = ExecutorGpus(2, script(tmp_path / "discover", text))
    for _ in range(2):
        with pytest.raises(EngineError, match=r"spark\.executor\.resource\.gpu") as error:
            gpus.of(JVM, tmp_path)
        assert says in str(error.value)


@pytest.mark.parametrize(("name", "says"), [(None, "is not set"), ("/nowhere/discover", "cannot be run")])
def test_a_script_that_is_not_there_is_an_error(tmp_path: Path, name: str | None, says: str) -> None:
    with pytest.raises(EngineError, match=says):
        ExecutorGpus(1, name).of(JVM, tmp_path)


@pytest.mark.parametrize(
    ("amount", "feeders", "cores", "share", "at_once"),
    [
        (1, None, 8, 1 / 8, 8),
        (1, 3, 8, 1 / 3, 3),
        (1, None, 2, 1 / 2, 2),
        (1, 1, 8, 1.0, 1),
        (2, None, 8, 1 / 4, 8),
        (2, 3, 8, 1.0, 2),
        (8, None, 8, 1.0, 8),
        (8, 4, 8, 2.0, 4),
        (8, 1, 8, 8.0, 1),
        (3, 8, 16, 3 / 8, 6),
    ],
)
def test_so_many_tasks_feed_an_engine_as_it_says_or_as_there_are_cores(
    monkeypatch: pytest.MonkeyPatch, amount: int, feeders: int | None, cores: int, share: float, at_once: int
) -> None:
    monkeypatch.setattr(stage, "executor_cores", lambda _: cores)
    spark = cast(SparkSession, SimpleNamespace(sparkContext=SimpleNamespace(_conf={})))
    profile: Any = stage.task_profile(spark, Engine(model="m", feeders=feeders), ExecutorGpus(amount, None))
    asked = profile.taskResources["gpu"].amount
    assert asked == share
    assert amount // asked if asked >= 1 else amount * int(1 / asked) == at_once  # as Spark counts
    assert profile.executorResources == {}


@pytest.mark.parametrize(
    ("engine", "gpus", "conf"),
    [
        ({"model": "m"}, None, {}),
        ({"model": "m", "url": "http://a/v1"}, ExecutorGpus(1, None), {}),
        ({"model": "m"}, ExecutorGpus(1, None), {"spark.dynamicAllocation.enabled": "true"}),
    ],
)
def test_without_gpus_of_its_own_an_engine_asks_for_cores_alone(
    engine: dict[str, Any], gpus: ExecutorGpus | None, conf: dict[str, str]
) -> None:
    spark = cast(SparkSession, SimpleNamespace(sparkContext=SimpleNamespace(_conf=conf)))
    assert stage.task_profile(spark, Engine(**engine), gpus) is None
