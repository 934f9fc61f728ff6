"""The doctor finds what would end a run, by its real cause, says what to do, and goes on to the next thing."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands import launch
from genetic_udfs.commands.checks import driver, engines, executors, storage
from genetic_udfs.commands.checks.finding import GIB, Finding, Status, cause_of
from genetic_udfs.commands.checks.reach import Reached, reach, run_on_all
from genetic_udfs.commands.checks.sandbox import reaches_tier
from genetic_udfs.commands.checks.visit import Visit, versions
from genetic_udfs.commands.doctor import with_spark, without_spark
from genetic_udfs.config import Config, Engine, Sandbox
from tests.conftest import FOR_LITTLE_DATA, PROJECT
from tests.scripted_server import Answer, ScriptedServer
from tests.without_landlock import take_landlock_away

KEY = "A_KEY_OF_THE_TESTS"
SERVED = {"small": Engine(model="org/name")}
HERE = Visit("one", "a", memory=8 * GIB, versions=versions())


@pytest.fixture
def seeds(tmp_path: Path) -> Path:
    file = tmp_path / "seeds.jsonl"
    file.write_text("".join(json.dumps({"instruction": f"Task {n}"}) + "\n" for n in range(5)))
    return file


@pytest.fixture
def key() -> Iterator[str]:
    # The executors of a local session are in a process that had its environment before: they do not see it.
    os.environ[KEY] = "a-secret"
    yield "a-secret"
    del os.environ[KEY]


def config(seeds: Path, **engine: Any) -> Config:
    return Config.model_validate(
        {
            "store": str(seeds.parent / "store"),
            "seeds": str(seeds),
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"it": {"model": "m", **engine}},
            "roles": {role: {"engine": "it"} for role in ("instructor", "coder", "judge")},
        }
    )


def status_and(finding: Finding, *words: str) -> Status:
    assert finding.status in {Status.OK, Status.SKIPPED} or finding.fix
    for word in words:
        assert word in str(finding)
    return finding.status


class TestDriver:
    def test_a_machine_in_order(self, seeds: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        java = tmp_path / "bin" / "java"
        java.parent.mkdir()
        java.write_text("#!/bin/sh\necho 'openjdk version \"17.0.1\"' >&2\n")
        java.chmod(0o755)
        monkeypatch.setenv("JAVA_HOME", str(tmp_path))
        findings = [driver.java(), driver.python(), driver.packages(), driver.seeds(config(seeds))]
        assert [finding.status for finding in findings] == [Status.OK] * 4

    def test_a_java_that_is_not_there(self) -> None:
        assert status_and(driver.java("/nowhere/java"), "does not run", "JAVA_HOME") is Status.FAILED

    def test_a_java_that_spark_does_not_run_on(self, tmp_path: Path) -> None:
        java = tmp_path / "java"
        java.write_text("#!/bin/sh\necho 'openjdk version \"11.0.2\"' >&2\n")
        java.chmod(0o755)
        assert status_and(driver.java(str(java)), "is Java 11.0.2") is Status.FAILED

    def test_a_python_that_is_not_supported(self) -> None:
        assert status_and(driver.python((3, 10, 1)), "3.10.1") is Status.FAILED

    def test_seeds_that_are_not_there(self, seeds: Path) -> None:
        seeds.unlink()
        assert status_and(driver.seeds(config(seeds)), str(seeds), "--set seeds=") is Status.FAILED

    def test_too_few_seeds_for_a_crossover(self, seeds: Path) -> None:
        seeds.write_text('{"instruction": "One"}\n')
        assert status_and(driver.seeds(config(seeds)), "has 1 seeds") is Status.FAILED

    @pytest.mark.parametrize("model", ["/nowhere", "no model", "bundled:another"])
    def test_a_model_that_cannot_be(self, model: str) -> None:
        finding = driver.engine("it", Engine(model=model))
        assert status_and(finding, "engines.it.model", model) is Status.FAILED

    def test_a_key_that_is_not_set(self) -> None:
        engine = Engine(model="m", url="http://127.0.0.1:9/v1", api_key_env=KEY)
        assert status_and(driver.engine("it", engine), KEY, f"export {KEY}=") is Status.FAILED

    def test_a_spark_other_than_the_package(self, spark: SparkSession) -> None:
        assert status_and(driver.spark_version("3.5.1", spark), "Spark 3.5.1 runs", "SPARK_HOME") is Status.FAILED
        assert status_and(driver.spark_version(spark.version, spark), "local[2]") is Status.OK


class TestExecutors:
    def test_the_executor_of_a_local_session_is_visited(self, spark: SparkSession) -> None:
        engines = {"far": Engine(model="m", url="http://127.0.0.1:9/v1", api_key_env=KEY), "near": SERVED["small"]}
        reached = reach(spark, engines)
        (seen,) = reached.visits
        assert (reached.executors, reached.expected, reached.slots) == (1, 1, 2)
        assert seen.keys_missing == {KEY}
        assert "refused" in seen.unreachable["http://127.0.0.1:9/v1"]
        assert seen.models_missing == {}
        assert seen.versions == versions()
        assert min(seen.cores, seen.memory, seen.temp_free) > 0
        assert status_and(executors.all_reached(reached), "1 of 1", "2 task slots") is Status.OK

    def test_one_that_is_missing(self) -> None:
        assert status_and(executors.all_reached(Reached([HERE], 3, 2)), "1 of 3") is Status.WARNING

    @pytest.mark.parametrize(
        ("seen", "status"),
        [
            (replace(HERE, temp_free=11 * GIB), Status.OK),
            (replace(HERE, temp_free=9 * GIB), Status.WARNING),
            (replace(HERE, temp_free=11 * GIB, memory=GIB, versions={"vllm": "0.32.0"}), Status.WARNING),
            (replace(HERE, temp_free=99 * GIB, temp_fault="too long a path"), Status.FAILED),
        ],
    )
    def test_room_for_temporary_files(self, seen: Visit, status: Status) -> None:
        assert status_and(executors.place(1, seen), "executor 1: a:") is status

    def test_other_versions_are_named_with_their_host(self) -> None:
        driver_has = {"Python": "3.11", "pandas": "2.3.3", "vllm": "0.32.0"}
        older = replace(HERE, host="b", versions={"Python": "3.11", "pandas": "2.2.3"})
        finding = executors.same_versions(driver_has, [replace(HERE, versions=driver_has), older])
        assert status_and(finding, "pandas 2.2.3 on b, 2.3.3 on the driver") is Status.FAILED
        assert "vllm" not in str(finding)

    def test_another_version_of_this_package_is_seen(self) -> None:
        older = replace(HERE, versions=versions() | {"genetic_udfs": "0"})
        finding = executors.same_versions(versions(), [older])
        assert status_and(finding, "genetic_udfs 0 on a") is Status.FAILED

    def test_vllm_is_needed_only_for_engines_here(self) -> None:
        bare = replace(HERE, versions={})
        assert status_and(executors.vllm(SERVED, [HERE, bare]), "not installed on a", "'gpu'") is Status.FAILED
        assert executors.vllm({}, [bare]).status is Status.OK

    def test_a_model_missing_on_one_executor(self) -> None:
        other = replace(HERE, host="b", models_missing={"small": "/models/x is no folder"})
        assert status_and(executors.has_model("small", [HERE, other]), "/models/x", "(on b)") is Status.FAILED

    def test_a_job_that_cannot_run_is_reported_by_its_python_error(self, spark: SparkSession) -> None:
        def look() -> None:
            raise ModuleNotFoundError("No module named 'pandas'")

        with pytest.raises(Exception) as caught:
            run_on_all(spark, look)
        assert cause_of(caught.value) == "ModuleNotFoundError: No module named 'pandas'"


class TestGpus:
    GPU = replace(HERE, gpus=("0",), versions={"vllm": "0.32.0"})

    @pytest.mark.parametrize(
        ("amount", "args", "seen", "status", "words"),
        [
            (None, {}, replace(HERE, cpu_build=True), Status.OK, "none asked for"),
            (None, {}, replace(GPU, gpus=()), Status.WARNING, "a build for GPUs"),
            ("1", {}, GPU, Status.OK, "a: 0"),
            ("1", {}, replace(GPU, gpus=()), Status.FAILED, "none on a"),
            ("1", {}, replace(GPU, gpus=(), gpus_fault="it printed 'x'"), Status.FAILED, "it printed 'x' (on a)"),
            ("1", {}, replace(GPU, cpu_build=True), Status.FAILED, "CPU build on a"),
            ("8", {"tensor-parallel-size": 8}, GPU, Status.FAILED, "spread over 8, but an executor has 1"),
            ("2", {"tensor_parallel_size": 2}, replace(GPU, gpus=("0", "1")), Status.OK, "a: 0,1"),
        ],
    )
    def test_executors_have_what_is_asked_for(
        self, amount: str | None, args: dict[str, Any], seen: Visit, status: Status, words: str
    ) -> None:
        served = {"big": Engine(model="org/name", args=args)}
        assert status_and(executors.gpus(amount, None, served, [seen]), words) is status

    def test_a_task_that_holds_too_few_is_told_apart(self) -> None:
        served = {"big": Engine(model="org/name", args={"tensor-parallel-size": 8})}
        finding = executors.gpus("8", "1", served, [self.GPU])
        assert status_and(finding, "but a task has 1", "spark.task.resource.gpu.amount") is Status.FAILED

    @pytest.mark.parametrize(
        ("other", "status"),
        [
            ({"executor": "two", "host": "b"}, Status.OK),
            ({"executor": "two", "gpus": ("1",)}, Status.OK),
            ({"executor": "two"}, Status.WARNING),
            ({"executor": "one"}, Status.OK),  # as its tasks hold GPUs of their own
            ({"executor": "two", "gpu_ids": ("GPU-b",)}, Status.OK),  # each container counts from 0
            ({"executor": "two", "gpu_ids": ("GPU-a",), "gpus": ("1",)}, Status.WARNING),
        ],
    )
    def test_two_executors_that_have_the_same_gpu_are_warned_of(self, other: dict[str, Any], status: Status) -> None:
        first = replace(self.GPU, gpu_ids=("GPU-a",) if "gpu_ids" in other else ())
        found = executors.gpus("1", None, SERVED, [first, replace(first, **other)])
        assert status_and(found, *(["isolat"] if status is Status.WARNING else [])) is status


class TestStore:
    def test_a_store_is_written_to_and_left_as_it_was(self, spark: SparkSession, tmp_path: Path) -> None:
        assert storage.is_writable(spark, str(tmp_path / "new")).status is Status.OK
        assert list(tmp_path.iterdir()) == []

    def test_a_schema_of_the_catalog_is_written_to_and_left_as_it_was(self, spark: SparkSession) -> None:
        finding = storage.is_writable(spark, "catalog:of_the_doctor")
        assert status_and(finding, "catalog:of_the_doctor") is Status.OK
        assert not spark.catalog.databaseExists("of_the_doctor")
        assert storage.space(spark, "catalog:of_the_doctor").status is Status.OK

    @pytest.mark.parametrize("store", ["{}/file/store", "s4://bucket/store"])
    def test_a_store_that_cannot_be_written_to(self, spark: SparkSession, tmp_path: Path, store: str) -> None:
        (tmp_path / "file").write_text("in the way")
        finding = storage.is_writable(spark, store.format(tmp_path))
        assert status_and(finding, store.format(tmp_path), "--set store=") is Status.FAILED

    def test_little_space_is_reported(self) -> None:
        assert status_and(storage.check_free("/data", 9 * GIB), "9.0 GiB free in /data") is Status.WARNING
        assert storage.check_free("/data", 10 * GIB).status is Status.OK


class TestEngines:
    """All checks with Spark, against an endpoint that answers, or does not."""

    def examined(self, spark: SparkSession, settings: Config, *, runs_code: bool = False) -> Mapping[str, Finding]:
        settings = settings.model_copy(update={"sandbox": Sandbox(check_runs=runs_code)})
        return {finding.name: finding for finding in with_spark(spark, settings, {}, has_delta=False)}

    def test_an_endpoint_that_answers(self, spark: SparkSession, seeds: Path) -> None:
        with ScriptedServer(model="m") as server:
            found = self.examined(spark, config(seeds, url=server.url), runs_code=True)
        assert status_and(found["engine it: answers"], "answered in", "on 1 of 1") is Status.OK
        assert status_and(found["sandbox"], "in every task slot") is Status.OK
        assert found["vLLM"].status is Status.OK
        assert found["store"].status is Status.SKIPPED
        assert {request.body.get("top_logprobs") for request in server.requests} == {None, 20}

    def test_an_endpoint_that_is_down_is_not_asked(self, spark: SparkSession, seeds: Path) -> None:
        with ScriptedServer() as server:
            settings = config(seeds, url=server.url)
        found = self.examined(spark, settings)
        assert "sandbox" not in found  # as no code is run
        assert status_and(found["engine it: reachable"], server.url, "refused") is Status.FAILED
        assert found["engine it: answers"].status is Status.SKIPPED

    def test_a_key_that_executors_do_not_have(self, spark: SparkSession, seeds: Path, key: str) -> None:
        with ScriptedServer(api_key=key) as server:
            found = self.examined(spark, config(seeds, url=server.url, api_key_env=KEY))
        assert status_and(found["engine it: key"], f"spark.executorEnv.{KEY}") is Status.FAILED
        assert found["engine it: answers"].status is Status.SKIPPED

    def test_an_endpoint_that_wants_another_key(self, spark: SparkSession, seeds: Path) -> None:
        # HOME stands in for a key: it is set wherever a process runs.
        with ScriptedServer(api_key="the right one") as server:
            found = self.examined(spark, config(seeds, url=server.url, api_key_env="HOME"))
        assert found["engine it: key"].status is Status.OK
        finding = found["engine it: answers"]
        assert status_and(finding, "HTTP 401", "put the endpoint's own key into HOME") is Status.FAILED
        assert not any(os.environ["HOME"] in str(each) for each in found.values() if each.name.startswith("engine it"))

    def test_an_endpoint_that_serves_another_model(self, spark: SparkSession, seeds: Path) -> None:
        with ScriptedServer(model="other") as server:
            found = self.examined(spark, config(seeds, url=server.url))
            assert status_and(found["engine it: answers"], "'m'", f"{server.url}/models") is Status.FAILED

    def test_an_endpoint_without_log_probabilities(self, spark: SparkSession, seeds: Path) -> None:
        refusal = Answer(status=400, message="logprobs are not supported")
        with ScriptedServer(lambda _: refusal) as server:
            finding = engines.answers(spark, config(seeds, url=server.url), "it", 1)
        assert status_and(finding, "HTTP 400", "the Judge needs log-probabilities") is Status.FAILED

    def test_an_engine_that_embeds(self, spark: SparkSession, seeds: Path) -> None:
        with ScriptedServer(lambda _: Answer(body={"data": [{"embedding": [1.0]}]})) as server:
            settings = config(seeds).model_dump(exclude_unset=True)
            settings["engines"]["vectors"] = {"model": "m", "url": server.url, "task": "embed"}
            settings["dedup"] = {"semantic": {"model": "engine:vectors"}}
            finding = engines.answers(spark, Config.model_validate(settings), "vectors", 1)
        assert status_and(finding, "answered in", "on 1 of 1") is Status.OK
        assert {request.body["model"] for request in server.requests} == {"m"}


def test_an_engine_is_asked_as_each_role_asks_it(seeds: Path) -> None:
    coder = {"engine": "it", "top_k": 20, "system": "Be strict.", "extra": {"reasoning_effort": "low"}}
    own = {
        "instructor": {"engine": "it", "max_tokens": None},
        "coder": coder,
        "judge": {"engine": "it", "max_tokens": 4},
    }
    settings = Config.model_validate({**config(seeds).model_dump(), "roles": own})
    found = engines.samplings_for(settings, "it")
    assert list(found) == ["instructor", "coder", "judge"]
    assert (found["coder"].top_k, found["coder"].system, found["coder"].extra) == (
        20,
        "Be strict.",
        {"reasoning_effort": "low"},
    )
    assert [found[role].max_tokens for role in own] == [16, 16, 4]
    assert [found[role].top_logprobs for role in own] == [0, 0, 20]
    assert list(engines.samplings_for(config(seeds), "it")) == ["instructor", "judge"]
    assert engines.samplings_for(config(seeds), "another") == {}


class TestSandbox:
    def test_every_task_slot_is_tried(self, spark: SparkSession) -> None:
        assert status_and(reaches_tier(spark, Sandbox()), "tier landlock") is Status.OK

    def test_hosts_with_other_tiers_are_warned_of(self, spark: SparkSession, monkeypatch: pytest.MonkeyPatch) -> None:
        tiers = {"landlock": ["a"], "no_files": ["b", "c"]}
        monkeypatch.setattr("genetic_udfs.commands.checks.sandbox.check_tier", lambda *_: tiers)
        finding = reaches_tier(spark, Sandbox())
        assert status_and(finding, "mixed tiers: landlock on a; no_files on b, c", "least_tier") is Status.WARNING

    def test_a_tier_that_is_not_reached(
        self, spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        take_landlock_away(spark, tmp_path / "site", monkeypatch)
        finding = reaches_tier(spark, Sandbox(least_tier="landlock"))
        assert status_and(finding, "landlock", "docs/sandbox.md") is Status.FAILED


def test_without_spark_every_check_that_needs_it_is_named(seeds: Path) -> None:
    local = [finding.name for finding in without_spark(config(seeds), "there is no Java")]
    shared = ["executors", "GPUs", "versions", "package", "vLLM"]
    of_store = ["store", "store's disk"]
    assert local == [*shared, "engine it: model", *of_store, "engine it: answers"]
    remote = config(seeds, url="http://127.0.0.1:9/v1", api_key_env=KEY)
    assert [finding.name for finding in without_spark(remote, "there is no Java")] == [
        *shared,
        *("engine it: reachable", "engine it: key"),
        *of_store,
        "engine it: answers",
    ]
    assert {finding.status for finding in without_spark(remote, "there is no Java")} == {Status.SKIPPED}


class TestLaunch:
    def test_what_the_doctor_tells_does_not_stop_it_before_it_starts(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        arguments = ["conf/local.yaml", "--set", f"seeds={tmp_path}/none", "--set", "engines.smollm.model=/nowhere"]
        arguments[0] = str(PROJECT / arguments[0])
        assert launch.main(["jobs/evolve.py", *arguments]) == 2
        assert launch.main(["jobs/doctor.py", *arguments]) == 0
        assert capsys.readouterr().out.startswith("--master\nlocal[2]\n")


@pytest.mark.slow
@pytest.mark.timeout(1800)
class TestJob:
    """The job as it is started, in a process of its own."""

    def run(self, folder: Path, text: str) -> subprocess.CompletedProcess[str]:
        file = folder / "config.yaml"
        file.write_text(text)
        inherited = {name: value for name, value in os.environ.items() if name != "SPARK_DIST_CLASSPATH"}
        return subprocess.run(
            [sys.executable, str(PROJECT / "jobs" / "doctor.py"), str(file)],
            env=inherited | {"PYTHONPATH": str(PROJECT), KEY: "wrong"},
            text=True,
            capture_output=True,
            timeout=1200,
        )

    def yaml(self, **changes: Any) -> str:
        settings: dict[str, Any] = {
            "store": "store",
            "seeds": "seeds.jsonl",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"it": {"model": "m"}},
            "roles": {role: {"engine": "it"} for role in ("instructor", "coder", "judge")},
        }
        return json.dumps(settings | changes)

    def test_each_of_two_executors_is_checked_and_everything_wrong_is_reported_in_one_go(self, tmp_path: Path) -> None:
        conf = {  # and no jars of Delta's
            **FOR_LITTLE_DATA,
            "spark.python.daemon.module": "tests.worker_daemon",
            "spark.executor.extraJavaOptions": FOR_LITTLE_DATA["spark.driver.extraJavaOptions"],
            "spark.executor.memory": "1g",
            "spark.ui.enabled": False,
            "spark.scheduler.minRegisteredResourcesRatio": 1.0,
        }
        with ScriptedServer(model="m") as good, ScriptedServer(model="m", api_key="right") as bad:
            engines = {
                "good": {"model": "m", "url": good.url},
                "bad": {"model": "m", "url": bad.url, "api_key_env": KEY},
                "idle": {"model": "/nowhere"},
            }
            roles = {"instructor": {"engine": "good"}, "coder": {"engine": "good"}, "judge": {"engine": "bad"}}
            text = self.yaml(engines=engines, roles=roles, spark={"master": "local-cluster[2,1,1024]", "conf": conf})
            done = self.run(tmp_path, text)
        assert done.returncode == 1, done.stdout + done.stderr
        for line in (
            "FAILED    seeds: ",
            "FAILED    engine idle: settings: engines.idle.model: /nowhere is no folder",
            "FAILED    Delta's jars: ",
            "ok        executors: 2 of 2 reached, 2 task slots",
            "ok        executor 2: ",
            "skipped   store: ",
            "ok        engine good: answers: answered in",
            "FAILED    engine bad: answers: asked as judge: engine 'bad'",
        ):
            assert line in done.stdout
        assert "on 2 of 2" in done.stdout
        assert "HTTP 401" in done.stdout
        assert "4 FAILED, 1 skipped" in done.stdout
        assert "wrong" not in done.stdout + done.stderr
        assert "Traceback" not in done.stdout

    def test_a_configuration_that_cannot_be_read(self, tmp_path: Path) -> None:
        done = self.run(tmp_path, self.yaml(storr="x"))
        assert done.returncode == 2
        assert "storr: unknown key; did you mean 'store'?" in done.stderr
