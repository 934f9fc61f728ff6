"""Clusters on this machine, and jobs that are submitted to them as a user does it: with the zip file."""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from tests.cluster.environment import make_environment
from tests.cluster.standalone import Standalone, standalone
from tests.conftest import FOR_LITTLE_DATA, PROJECT, QUICK_JVM
from tests.durability.small_run import write_seeds

TIMEOUT: Final = 1800.0
SECONDS_OF_LATENCY: Final = 0.05


@dataclass
class Cluster:
    """A place with an environment, a configuration and a store, and the cluster that jobs are submitted to."""

    folder: Path
    python: Path
    master: str = ""
    environment: dict[str, str] = field(default_factory=dict)

    def configuration(self, name: str, conf: dict[str, Any], *, sequences: int = 8, embeds: bool = False) -> Path:
        """Write a configuration whose engine is served beside the executors, and has a store of its own.

        With `embeds` another engine, which shares their GPUs, tells what says the same.
        """
        model = self.folder / "model"
        model.mkdir(exist_ok=True)
        (model / "config.json").write_text("{}")
        settings = {
            "store": str(self.folder / name / "store"),
            "seed": 5,
            "seeds": str(write_seeds(self.folder / "seeds.jsonl")),
            "generations": 1,
            "colonies": 2,
            "samples_per_generation": 6,
            "max_rounds": 1,  # so that five are accepted: an instruction comes twice
            "operators": {"crossover_share": 0.3, "crossover_instructions": 1},
            "engines": {"scripted": {"model": str(model), "max_num_seqs": sequences, "start_timeout": 300}},
            "roles": {role: {"engine": "scripted", "max_tokens": 200} for role in ("instructor", "coder", "judge")},
            "decontamination": {"human_eval": False},
            "dedup": {"audit": 0},
            "spark": {"conf": {**self._conf(), **conf}},
        }
        if embeds:
            half = {"model": str(model), "start_timeout": 300, "args": {"gpu-memory-utilization": 0.5}}
            settings["engines"] = {
                "scripted": {**half, "max_num_seqs": sequences},
                "vectors": {**half, "task": "embed"},
            }
            settings["dedup"] = {"audit": 0, "semantic": {"model": "engine:vectors"}}
            settings["diversity"] = {"sample": 0}
        file = self.folder / name / "run.yaml"
        file.parent.mkdir(exist_ok=True)
        file.write_text(yaml.safe_dump(settings))
        return file

    def _conf(self) -> dict[str, Any]:
        quick = " ".join(QUICK_JVM)
        return {
            **{key: value for key, value in FOR_LITTLE_DATA.items() if "JavaOptions" not in key},
            "spark.driver.memory": "1g",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
            "spark.driver.extraJavaOptions": quick,
            "spark.executor.extraJavaOptions": quick,
            "spark.executor.memory": "512m",
            "spark.executor.memoryOverhead": "512m",
            "spark.ui.enabled": False,
            "spark.sql.shuffle.partitions": 2,
            "spark.databricks.delta.snapshotPartitions": 1,
            "spark.dynamicAllocation.enabled": False,
            "spark.executorEnv.TMPDIR": str(self.folder),
            "spark.executorEnv.SCRIPTED_LOG": str(self.folder / "asked.jsonl"),
            "spark.executorEnv.SCRIPTED_LATENCY": SECONDS_OF_LATENCY,
        }

    def start(self, job: str | Path, *arguments: str | Path, **environment: str) -> "subprocess.Popen[str]":
        """Submit a job; its output is one stream, as on a terminal."""
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SPARK", "PYSPARK")) and key not in {"PYTHONPATH", "HADOOP_CONF_DIR"}
        }
        settings = {
            "PYSPARK_PYTHON": str(self.python),
            "PYSPARK_DRIVER_PYTHON": str(self.python),
            "SPARK_SUBMIT_ARGS": f"--master {self.master}",
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_LOCAL_DIRS": str(self.folder / "local"),
            "TMPDIR": str(self.folder),
        }
        return subprocess.Popen(
            [str(PROJECT / "spark-submit.sh"), str(job), *map(str, arguments)],
            cwd=self.folder,
            env=inherited | settings | self.environment | environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def submit(self, job: str | Path, *arguments: str | Path, code: int = 0, **environment: str) -> str:
        """Submit a job and wait for its end; return what it printed."""
        process = self.start(job, *arguments, **environment)
        try:
            output, _ = process.communicate(timeout=TIMEOUT)
        finally:
            process.kill()
        assert process.returncode == code, output
        return output

    def asked(self) -> list[dict[str, Any]]:
        """What the engines' servers were asked, and the GPUs they see."""
        log = self.folder / "asked.jsonl"
        return [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []


@pytest.fixture(scope="session")
def place() -> Iterator[Cluster]:
    """A folder with a path short enough for Unix sockets, which pytest's own may not be."""
    with tempfile.TemporaryDirectory(prefix="gc-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        yield Cluster(folder, make_environment(folder / "environment"))


WORKERS: Final = {"one": ("0", "1"), "two": ("2", "3")}
"""The workers of the standalone cluster, with the addresses of their GPUs; each has 2 cores."""
ONLY_THE_DRIVERS: Final = "only-the-drivers"
"""A folder that these workers do not see."""


@pytest.fixture(scope="module")
def workers(place: Cluster) -> Iterator[Standalone]:
    hidden = place.folder / ONLY_THE_DRIVERS
    hidden.mkdir()
    with standalone(place.folder, WORKERS, cores=2, hidden=hidden) as started:
        yield started


@pytest.fixture(scope="module")
def on_standalone(place: Cluster, workers: Standalone) -> Cluster:
    return Cluster(place.folder, place.python, workers.url)
