"""A run that is small enough to be killed and started again many times, and what is looked at afterwards."""

import json
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from deltalake import DeltaTable
from pyspark.sql import Row, SparkSession

from genetic_udfs.commands.checks.preflight import check_seeds
from genetic_udfs.commands.checks.test_sets import check_test_sets
from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.config import Config
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import CANDIDATES, DEDUP_INDEX, GENERATIONS, POPULATION, REPLIES
from tests.conftest import FOR_LITTLE_DATA, JARS, PROJECT
from tests.delta_rows import delta_rows
from tests.scripted_server import ScriptedServer

WAVE = 4
# In the order of a generation's commits.
COMMITTED_AT_THE_END = (CANDIDATES, POPULATION, DEDUP_INDEX, GENERATIONS)
SPARK = {
    "master": "local[2]",
    "conf": {
        "spark.jars": ",".join(map(str, JARS)),
        "spark.driver.memory": "1g",
        **FOR_LITTLE_DATA,
        "spark.ui.enabled": False,
        "spark.log.level": "FATAL",
        "spark.sql.shuffle.partitions": 1,
        "spark.databricks.delta.snapshotPartitions": 1,
    },
}


def settings(folder: Path, url: str, **changes: Any) -> Config:
    """Return a configuration whose store and seeds lie in a folder."""
    return Config.model_validate(
        {
            "store": str(folder / "store"),
            "seed": 5,
            "seeds": str(write_seeds(folder / "seeds.jsonl")),
            "generations": 1,
            "colonies": 2,
            "samples_per_generation": 6,
            "max_rounds": 6,
            "operators": {"crossover_share": 0.3, "crossover_instructions": 1},
            "engines": {"scripted": {"model": "scripted", "url": url, "max_num_seqs": 8}},
            "roles": {role: {"engine": "scripted", "max_tokens": 200} for role in ("instructor", "coder", "judge")},
            "decontamination": {"human_eval": False},
            "dedup": {"audit": 0},
            "diversity": {"sample": 0},
            "ledger": {"wave_size": WAVE},
            "spark": SPARK,
            **changes,
        }
    )


def copy_of(config: Config, folder: Path) -> Path:
    """Copy a finished run's store and seeds to a folder, and return that."""
    shutil.copytree(Path(config.store).parent, folder, dirs_exist_ok=True)
    return folder


def without_generation_1(folder: Path, *tables: str) -> Path:
    """Take back the commits of generation 1 to tables of a copied store, as if its run had been killed before them.

    Its files of `population`, `dedup_index` and `generations` stay; in `runs` it stays finished.
    """
    for name in tables:
        if name in (REPLIES, CANDIDATES):  # where no other generation has commits
            shutil.rmtree(folder / "store" / name)
        else:
            for file in (folder / "store" / name / "_delta_log").glob("*00001.*"):
                file.unlink()
    return folder


def write_seeds(file: Path, number: int = 8) -> Path:
    """Write the first of the project's seeds to a file, unless it is there."""
    if not file.exists():
        file.parent.mkdir(exist_ok=True)
        lines = (PROJECT / "seeds" / "seeds.jsonl").read_text().splitlines(keepends=True)
        file.write_text("".join(lines[:number]))
    return file


def write_config(config: Config) -> Path:
    """Write a configuration beside its store, as a user would."""
    file = Path(config.store).parent / "run.yaml"
    file.write_text(yaml.safe_dump(config.model_dump(mode="json", exclude_none=True)))
    return file


def evolve(spark: SparkSession, config: Config, *, take_over: bool = False) -> list[Row]:
    """Do in this process what the job does."""
    with Progress() as progress:
        run = new_run(spark, config, progress)
        return evolve_recorded(run, check_seeds(config), check_test_sets(config), take_over=take_over)


def table(config: Config, name: str) -> list[dict[str, Any]]:
    """Read a table with the Rust reader; one that is not there is empty."""
    path = table_path(config, name)
    if not DeltaTable.is_deltatable(str(path)):
        return []
    return delta_rows(path)


def table_path(config: Config, name: str) -> Path:
    """Return where a table lies."""
    return Path(config.store) / name


def population(config: Config) -> list[dict[str, Any]]:
    """Return the population by ordinal, without the ids of the runs that made it."""
    rows = sorted(table(config, "population"), key=lambda row: row["ordinal"])
    return [{key: value for key, value in row.items() if key != "run_id"} for row in rows]


def decided(config: Config) -> set[str]:
    """Return the candidates without the ids of the runs, each as a text."""
    rows = ({**row, "run_id": None} for row in table(config, "candidates"))
    return {json.dumps(row, sort_keys=True, default=str) for row in rows}


def ledger(config: Config) -> Mapping[str, str]:
    """Return the text of each reply in the ledger by its request; a request must not be there twice."""
    rows = table(config, "replies")
    replies = {row["request_id"]: row["text"] for row in rows}
    assert len(replies) == len(rows), "a request has two replies"
    return replies


def settle(spark: SparkSession, server: ScriptedServer) -> None:
    """Wait for the end of cancelled tasks, whose workers live on for a moment after their job."""
    tracker = spark.sparkContext._jsc.sc().statusTracker()
    while server.running or any(executor.numRunningTasks() for executor in tracker.getExecutorInfos()):
        time.sleep(0.05)
