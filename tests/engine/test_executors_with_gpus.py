"""Executors of a real Spark application, which hold GPUs as Spark hands them out; `gpu_executors.py` is it."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pyspark
import pytest

from genetic_udfs.config import Engine
from genetic_udfs.engine.vllm import Machine, arguments
from genetic_udfs.runtime.process import ProcessId
from tests.engine.conftest import eventually, processes_in
from tests.engine.gpu_executors import EXECUTORS, ROWS_PER_TASK, TASKS

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

PROJECT = Path(__file__).resolve().parent.parent.parent
PYSPARK = Path(pyspark.__file__).parent


@dataclass(frozen=True)
class Application:
    """The application when all but the tasks that ask in vain are done: what each task saw, by part."""

    driver: subprocess.Popen[str]
    folder: Path
    tasks: dict[str, list[dict[str, Any]]]

    def log(self) -> str:
        return (self.folder / "driver.log").read_text()[-4000:]

    def held(self) -> list[dict[str, Any]]:
        return [json.loads(path.read_text()) for path in self.folder.glob("task-*.json")]


@pytest.fixture(scope="module")
def application() -> Iterator[Application]:
    """Start the application; whatever of it is left in the end is killed."""
    # A path short enough for Unix sockets, which pytest's own may not be.
    with tempfile.TemporaryDirectory(prefix="gu-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        spark_home = folder / "spark"  # executors work in its folder `work`, which PySpark's own must not get
        spark_home.mkdir()
        for part in ("bin", "jars"):
            (spark_home / part).symlink_to(PYSPARK / part)
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(("SPARK_", "PYSPARK_"))}
        driver = subprocess.Popen(
            [sys.executable, "-m", "tests.engine.gpu_executors", "--folder", str(folder)],
            env={
                **inherited,
                "SPARK_HOME": str(spark_home),
                "SPARK_LOCAL_IP": "127.0.0.1",
                "SPARK_LOCAL_DIRS": str(folder / "local"),
                "PYTHONPATH": str(PROJECT),
                "TMPDIR": str(folder),
            },
            cwd=PROJECT,
            stdin=subprocess.DEVNULL,
            stdout=(folder / "tasks").open("w"),
            stderr=(folder / "driver.log").open("w"),
            text=True,
        )
        try:
            made = Application(driver, folder, defaultdict(list))
            tasks = EXECUTORS * TASKS
            eventually(lambda: len(made.held()) == tasks or driver.poll() is not None, 900.0)
            assert len(made.held()) == tasks, made.log()
            for line in (folder / "tasks").read_text().splitlines():
                task = json.loads(line)
                made.tasks[task["part"]].append(task)
            yield made
        finally:
            driver.kill()
            driver.wait()
            eventually(lambda: not processes_in(folder))
            for process in processes_in(folder):
                process.send(signal.SIGKILL)


def assert_all_rows_are_right(tasks: list[dict[str, Any]]) -> None:
    rows = {int(number): text for task in tasks for number, text in task["rows"].items()}
    assert rows == {number: f"echo: row {number}" for number in range(len(tasks) * ROWS_PER_TASK)}


def test_executors_on_one_host_have_an_engine_each_on_the_gpu_that_spark_gave_to_it(application: Application) -> None:
    """Also two that call their GPUs by the same name."""
    tasks = application.tasks["an executor for each GPU"]
    assert len(tasks) == EXECUTORS * TASKS
    assert_all_rows_are_right(tasks)
    by_jvm = {task["jvm"]: [other for other in tasks if other["jvm"] == task["jvm"]] for task in tasks}
    assert len(by_jvm) == EXECUTORS
    found = []
    for fed in by_jvm.values():
        assert len(fed) == TASKS
        # The tasks have the same GPU, the same folder, the same one server.
        assert all(task["gpus"] == fed[0]["gpus"] for task in fed)
        assert {task["folder"] for task in fed} == {fed[0]["folder"]}
        assert all(task["servers"] == fed[0]["servers"] for task in fed)
        [(server, visible)] = fed[0]["servers"].items()
        assert fed[0]["gpus"] == [visible]
        found.append((fed[0]["folder"], server, visible))
    folders, servers, visible = zip(*found, strict=True)
    assert sorted(visible) == ["0", "0", "1"]
    assert len(set(folders)) == len(set(servers)) == EXECUTORS


def test_a_task_that_holds_all_gpus_of_its_executor_feeds_one_engine_that_spans_them(application: Application) -> None:
    tasks = application.tasks["all GPUs of an executor"]
    assert_all_rows_are_right(tasks)
    [task] = tasks
    assert task["gpus"] == ["0", "1"]
    assert list(task["servers"].values()) == ["0,1"]
    machine = Machine(cpu_build=False, cpu_flags=frozenset(), memory=2**38, gpus=tuple(task["gpus"]))
    line = arguments(Engine(model="any"), "any", "any.sock", machine)
    assert line[line.index("--tensor-parallel-size") + 1] == "2"


def test_tasks_that_hold_a_part_of_a_gpu_feed_an_engine_for_each_gpu_of_their_executor(
    application: Application,
) -> None:
    tasks = application.tasks["a part of a GPU"]
    assert len(tasks) == 4
    assert_all_rows_are_right(tasks)
    assert len({task["jvm"] for task in tasks}) == 1
    fed = sorted((*task["gpus"], *task["servers"].values(), task["folder"]) for task in tasks)
    assert [gpus for *gpus, _ in fed] == [["0", "0"], ["0", "0"], ["1", "1"], ["1", "1"]]
    folders = [folder for *_, folder in fed]
    assert folders[0] == folders[1] != folders[2] == folders[3]


def test_no_executor_and_no_engine_outlives_a_driver_that_is_killed(application: Application) -> None:
    """The last test that needs the driver; what the others look at is known before."""
    folder = application.folder
    commands = [Path(f"/proc/{process.pid}/cmdline").read_bytes() for process in processes_in(folder)]
    assert sum(b"fake_supervisor" in command for command in commands) == EXECUTORS
    assert sum(b"scripted_server" in command for command in commands) == EXECUTORS
    executors = [ProcessId.of(jvm) for jvm in {task["jvm"] for task in application.held()}]
    assert [executor is not None and executor.is_alive() for executor in executors] == [True] * EXECUTORS

    [jvm] = psutil.Process(application.driver.pid).children()  # the JVM first: it can tell nobody
    jvm.kill()
    application.driver.kill()
    assert eventually(lambda: not processes_in(folder)), "a supervisor or a server outlived the driver"
    assert not any(executor is not None and executor.is_alive() for executor in executors)
