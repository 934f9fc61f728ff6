"""What jobs of seconds cost, on a store as README's first command makes it: CPU seconds and wall seconds of each.

`python -m benchmarks.small_jobs [FIGURE...]`; without a name every figure is measured. CPU seconds are those of all
processes that a start makes, and what else the machine does moves them least. The store is made once, by an engine
that answers at once (`instant.py`).
"""

import argparse
import re
import resource
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

from pyspark.sql import functions as F

from benchmarks import instant
from benchmarks.processes import PROJECT
from benchmarks.results import Results, Target, at_most, run_figures
from benchmarks.session import session
from genetic_udfs.commands.checks.preflight import check_seeds
from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.config.file import load_config
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import POPULATION
from genetic_udfs.store.tables import Store

CONFIG = "conf/local.yaml"
STORE = PROJECT / ".cache" / "benchmarks" / "small_jobs"
QUERY = "SELECT operator, count(*) FROM population VERSION AS OF 1 GROUP BY operator"
FIRST_OF_EVOLVE = re.compile(r"\[\d\d:\d\d:\d\d\] run ")


@dataclass(frozen=True)
class Spent:
    """What a start took, and what it printed on either stream."""

    cpu: float
    wall: float
    lines: list[str]


def start(job: str, *arguments: str) -> Spent:
    before, begun = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        ["./spark-submit.sh", f"jobs/{job}.py", *arguments],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    wall, after = time.perf_counter() - begun, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"jobs/{job}.py: exit code {done.returncode}\n{done.stdout}")
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Spent(cpu, wall, done.stdout.splitlines())


def measure(results: Results, options: argparse.Namespace, job: str, *arguments: str) -> None:
    """Measure a job that reads the store, after a start that fills the caches."""
    given = (CONFIG, "--set", f"store={store()}", *arguments)
    start(job, *given)
    spent = [start(job, *given) for _ in range(options.repeats)]
    results.add(f"{job}.py: CPU seconds", [each.cpu for each in spent], at_most(15.0))
    results.add(f"{job}.py: wall seconds", [each.wall for each in spent], at_most(9.0))


def sql(results: Results, options: argparse.Namespace) -> None:
    measure(results, options, "sql", QUERY)


def history(results: Results, options: argparse.Namespace) -> None:
    measure(results, options, "history")


def lineage(results: Results, options: argparse.Namespace) -> None:
    measure(results, options, "lineage", youngest())


def compare(results: Results, options: argparse.Namespace) -> None:
    with tempfile.TemporaryDirectory() as folder:
        measure(results, options, "compare", str(shutil.copytree(store(), Path(folder) / "other")))


def help_(results: Results, options: argparse.Namespace) -> None:
    """`--help` of each job; the slowest one counts."""
    jobs = sorted(path.stem for path in (PROJECT / "jobs").glob("*.py"))
    turns = [{job: start(job, "--help").wall for job in jobs} for _ in range(options.repeats + 1)][1:]
    results.add("--help: wall seconds of the slowest job", [max(turn.values()) for turn in turns], at_most(1.0))


def lines(results: Results, options: argparse.Namespace) -> None:
    """Lines that stand before the first of a job's own; of evolve.py on a store that is finished."""
    counts = []
    with tempfile.TemporaryDirectory() as folder:
        copy = shutil.copytree(store(), Path(folder) / "store")
        for _ in range(options.repeats):
            printed = start("evolve", CONFIG, "--set", f"store={copy}").lines
            counts.append(float(next(n for n, line in enumerate(printed) if FIRST_OF_EVOLVE.match(line))))
    results.add("evolve.py: lines before the first of its own", counts, Target(1.0, at_least=False))


def store() -> Path:
    """Return the store: two generations of twelve pairs from the project's seeds."""
    if not STORE.exists():
        with tempfile.TemporaryDirectory(dir=PROJECT / ".cache") as folder:
            # The instant engine's solutions do not agree with each other.
            config = load_config(PROJECT / CONFIG, [f"store={folder}/store", "acceptance=judge"])
            spark = session(spark_sql_shuffle_partitions=4, spark_databricks_delta_snapshotPartitions=2)
            with mock.patch("genetic_udfs.engine.stage.ask", instant.ask), Progress() as progress:
                evolve_recorded(new_run(spark, config, progress), check_seeds(config), [])
            spark.stop()
            STORE.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(f"{folder}/store", STORE)
    return STORE


def youngest() -> str:
    """Return the id of the pair that came last."""
    spark = session()
    row = Store(spark, str(store())).read(POPULATION).select(F.max_by("id", "ordinal")).first()
    spark.stop()
    assert row is not None
    return str(row[0])


FIGURES = {
    "sql": sql,
    "history": history,
    "lineage": lineage,
    "compare": compare,
    "help": help_,
    "lines": lines,
}

if __name__ == "__main__":
    run_figures("small_jobs", __doc__, FIGURES)
