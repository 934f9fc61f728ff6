"""Jobs on a standalone cluster of two workers, with the package as a zip file and engines over two GPUs each."""

import json
import re
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cluster.conftest import ONLY_THE_DRIVERS, WORKERS, Cluster
from tests.cluster.environment import make_environment
from tests.cluster.feeding import most_at_once, most_feeders
from tests.cluster.standalone import Standalone, can_hide, free_port
from tests.delta_rows import delta_rows
from tests.engine.conftest import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

TWO_GPUS = {"spark.executor.cores": 2, "spark.executor.resource.gpu.amount": 2, "spark.cores.max": 4}
JAVA_FRAME = re.compile(r"^\s+at [\w.$]+\(|^\s*\.\.\. suppressed", re.MULTILINE)


@pytest.fixture(scope="module")
def run(on_standalone: Cluster) -> Path:
    return on_standalone.configuration("run", TWO_GPUS)


def replies(run: Path) -> list[dict[str, Any]]:
    return delta_rows(run.parent / "store" / "replies")


def test_the_doctor_finds_the_package_the_gpus_and_the_engines(on_standalone: Cluster, run: Path) -> None:
    output = on_standalone.submit("jobs/doctor.py", run)
    for line in (
        r"executors: 2 of 2 reached, 4 task slots",
        r"GPUs: .*: (0,1, .*: 2,3|2,3, .*: 0,1)",
        r"package: every prompt renders; genetic_udfs is from genetic_udfs\.zip",
        r"engine scripted: answers: up after \d+ s, answered in .*, on 2 of 2",
        r"\d+ ok, 0 warning, 0 FAILED, 0 skipped",
    ):
        assert re.search(line, output), output
    seen = {(row["gpus"], row["tensor_parallel_size"]) for row in on_standalone.asked()}
    assert seen == {("0,1", 2), ("2,3", 2)}


@dataclass(frozen=True)
class Evolved:
    """What a run printed, its prompts, and those that a worker was asked before it was killed."""

    output: str
    asked: Counter[str]
    of_the_killed: set[str]


@pytest.fixture(scope="module")
def evolved(on_standalone: Cluster, workers: Standalone, run: Path) -> Evolved:
    """A run in which a worker is killed while its engine answers, and comes back."""
    before = len(on_standalone.asked())
    slowly = f"--master {workers.url} --conf spark.executorEnv.SCRIPTED_LATENCY=0.5"
    job = on_standalone.start("jobs/evolve.py", run, SPARK_SUBMIT_ARGS=slowly)

    def is_asking() -> bool:
        return any(row["gpus"] == "2,3" for row in on_standalone.asked()[before:])

    assert eventually(lambda: is_asking() or job.poll() is not None)
    workers.kill("two")
    of_the_killed = {row["prompt"] for row in on_standalone.asked()[before:] if row["gpus"] == "2,3"}
    workers.start_worker("two", *WORKERS["two"], cores=2)
    output, _ = job.communicate()
    assert job.returncode == 0, output
    return Evolved(output, Counter(row["prompt"] for row in on_standalone.asked()[before:]), of_the_killed)


def test_a_worker_that_is_killed_and_comes_back_costs_no_reply(evolved: Evolved, run: Path) -> None:
    found = replies(run)
    assert len({row["request_id"] for row in found}) == len(found)
    assert all(row["error"] is None for row in found)
    assert len(evolved.asked) == len(found)
    assert {prompt for prompt, times in evolved.asked.items() if times > 1} <= evolved.of_the_killed
    population = delta_rows(run.parent / "store" / "population")
    assert sum(row["generation"] == 1 for row in population) == 5
    assert len(re.findall(r"lost executor", evolved.output)) == 1, evolved.output
    assert not JAVA_FRAME.search(evolved.output), evolved.output


@pytest.mark.usefixtures("evolved")
def test_other_jobs_run_from_the_zip_file_too(on_standalone: Cluster, run: Path) -> None:
    table = on_standalone.folder / "table.parquet"
    code, tests = "def f(x): return x", {"a": "assert f(1) == 1", "b": "assert f(1) == 2"}
    rows = [{"id": id_, "code": code, "tests": [test]} for id_, test in tests.items()]
    pq.write_table(pa.Table.from_pylist(rows), table)
    out = on_standalone.folder / "verified"
    columns = ("--id", "id", "--code", "code", "--tests", "tests")
    on_standalone.submit("jobs/verify.py", run, "--input", table, *columns, "--output", out, "--format", "parquet")
    verified = {row["id"]: row["tests_status"] for row in pq.read_table(out).to_pylist()}
    assert verified == {"a": ["passed"], "b": ["failed"]}
    query = "SELECT solve(instruction).code AS code FROM (SELECT instruction FROM population LIMIT 2)"
    output = on_standalone.submit("jobs/sql.py", run, query, "--format", "json")
    solved = [json.loads(line) for line in output.splitlines() if line.startswith("{")]
    assert [row["code"].startswith("def solve(x):") for row in solved] == [True, True], output


def test_an_engine_over_two_gpus_is_fed_by_two_tasks_and_other_stages_have_every_core(
    on_standalone: Cluster, workers: Standalone
) -> None:
    config = on_standalone.configuration("feeding", TWO_GPUS)
    file = on_standalone.folder / "feeding.json"
    job = Path(__file__).with_name("feeding.py")
    on_standalone.submit(job, config, "scripted", "80", file)
    found = json.loads(file.read_text())
    assert found["feeders"] == 4
    at_once = most_at_once((each["executor"], each["began"], each["ended"]) for each in found["cpu"])
    assert [*at_once.values()] == [2, 2]
    assert [*most_feeders(found["replies"]).values()] == [2, 2]


def test_a_master_that_is_not_there_is_said_at_once(on_standalone: Cluster, run: Path) -> None:
    began = time.monotonic()
    nobody = f"spark://127.0.0.1:{free_port()}"
    output = on_standalone.submit("jobs/evolve.py", run, code=2, SPARK_SUBMIT_ARGS=f"--master {nobody}")
    assert f"error: spark.master {nobody}: no master answers there" in output
    assert time.monotonic() - began < 120


def test_a_python_that_executors_have_not_is_one_error(on_standalone: Cluster, run: Path) -> None:
    nowhere = {"PYSPARK_PYTHON": "/nowhere/python"}
    config = on_standalone.configuration("nowhere", TWO_GPUS)
    output = on_standalone.submit("jobs/evolve.py", config, code=1, **nowhere)
    assert re.search(
        r"^error: executors cannot run /nowhere/python on \S+ \(executor \d\): .*PYSPARK_PYTHON", output, re.M
    )
    assert not JAVA_FRAME.search(output), output


@pytest.mark.skipif(not can_hide(), reason="a process may not have mounts of its own here")
def test_a_store_that_only_the_driver_sees_is_one_error(on_standalone: Cluster) -> None:
    config = on_standalone.configuration(ONLY_THE_DRIVERS, TWO_GPUS)
    output = on_standalone.submit("jobs/evolve.py", config, code=1)
    store = config.parent / "store"
    assert re.search(rf"^error: store: {store} is another folder on \S+ than on the driver", output, re.M), output
    assert not JAVA_FRAME.search(output), output


def test_an_environment_without_pandas_is_found_by_the_doctor(
    on_standalone: Cluster, run: Path, tmp_path: Path
) -> None:
    python = make_environment(on_standalone.folder / "bare", without=("pandas",))
    output = on_standalone.submit("jobs/doctor.py", run, code=1, PYSPARK_PYTHON=str(python))
    assert re.search(r"^FAILED +\w+: .*pandas.*", output, re.MULTILINE), output
