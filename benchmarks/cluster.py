"""What a cluster gives: widths of stages, wall time over the ideal, and what faults cost.

`python -m benchmarks.cluster [FIGURE...]`; without a name every figure is measured, on a standalone cluster of this
machine as tests/cluster starts it: two workers of 2 cores and 2 GPUs that a script makes up, engines whose server is
scripted. Figures are counts and ratios within one run.
"""

import argparse
import json
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import psutil
from deltalake import DeltaTable

from benchmarks.results import Results, at_least, at_most, run_figures
from tests.cluster import feeding
from tests.cluster.conftest import WORKERS, Cluster
from tests.cluster.environment import make_environment
from tests.cluster.standalone import Standalone, standalone
from tests.engine.conftest import eventually

_GPUS: Final = {"spark.executor.cores": 2, "spark.executor.resource.gpu.amount": 2, "spark.cores.max": 4}
_REQUESTS: Final = 2000
_SEQUENCES: Final = 32
_WINDOW: Final = 36  # 1.1 times as many
_MEAN_LATENCY: Final = 0.5  # seconds; exponentially distributed
_WAITING: Final = 900.0  # seconds


@contextmanager
def cluster() -> Iterator[tuple[Cluster, Standalone]]:
    with tempfile.TemporaryDirectory(prefix="gc-", dir="/tmp", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with standalone(folder, WORKERS, cores=2) as workers:
            yield Cluster(folder, make_environment(folder / "environment"), workers.url), workers


def fed(place: Cluster, config: Path, rows: int) -> dict[str, Any]:
    file = config.parent / "feeding.json"
    place.submit(Path(feeding.__file__), config, "scripted", str(rows), file)
    found: dict[str, Any] = json.loads(file.read_text())
    return found


def measure_widths(results: Results, _: argparse.Namespace) -> None:
    """How many tasks run at once on an executor, of a stage without an engine and of one that feeds it."""
    with cluster() as (place, _workers):
        found = fed(place, place.configuration("widths", _GPUS), 80)
    cpu = feeding.most_at_once((each["executor"], each["began"], each["ended"]) for each in found["cpu"])
    results.add("tasks at once of a CPU stage beside 2 GPUs", [float(min(cpu.values()))], at_least(2))
    feeders = feeding.most_feeders(found["replies"])
    results.add("feeders at once of an engine over 2 GPUs", [float(min(feeders.values()))], at_least(2))


def measure_wall(results: Results, options: argparse.Namespace) -> None:
    """Requests of uneven latency through two executors: wall time over what full windows would take."""
    ratios = []
    with cluster() as (place, _workers):
        for number in range(options.repeats):
            uneven = {
                "spark.executorEnv.SCRIPTED_UNEVEN": 1,
                "spark.executorEnv.SCRIPTED_LATENCY": _MEAN_LATENCY,
            }
            config = place.configuration(f"wall-{number}", _GPUS | uneven, sequences=_SEQUENCES)
            before = len(place.asked())
            replies = fed(place, config, _REQUESTS)["replies"]
            wall = max(row["sent"] + row["seconds"] for row in replies) - min(row["sent"] for row in replies)
            ideal = sum(row["after"] for row in place.asked()[before:]) / (len(WORKERS) * _WINDOW)
            ratios.append(wall / ideal)
    results.add("wall over ideal, 2,000 requests", ratios, at_most(1.10))


def measure_faults(results: Results, _: argparse.Namespace) -> None:
    """A worker, and then a driver, killed with SIGKILL while requests are under way."""
    slow = {"spark.executorEnv.SCRIPTED_LATENCY": 0.5}
    with cluster() as (place, workers):
        config = place.configuration("worker", _GPUS | slow)
        job = place.start("jobs/evolve.py", config)
        assert eventually(lambda: any(row["gpus"] == "2,3" for row in place.asked()), _WAITING)
        workers.kill("two")
        lost_with_it = {row["prompt"] for row in place.asked() if row["gpus"] == "2,3"}
        workers.start_worker("two", *WORKERS["two"], cores=2)
        output, _errors = job.communicate()
        assert job.returncode == 0, output
        asked, kept = Counter(row["prompt"] for row in place.asked()), replies_of(config)
        again = {prompt for prompt, times in asked.items() if times > 1}
        results.add("worker killed: replies lost", [float(len(asked) - len(kept))], at_most(0))
        beyond = float(len(again - lost_with_it))
        results.add("worker killed: asked twice beyond its tasks", [beyond], at_most(0), again=len(again))

        config = place.configuration("driver", _GPUS | slow)
        job = place.start("jobs/evolve.py", config)
        assert eventually(lambda: len(replies_of(config)) > 0 or job.poll() is not None, _WAITING)
        for process in psutil.Process(job.pid).children(recursive=True):
            os.kill(process.pid, signal.SIGKILL)
        job.communicate()
        committed, before = replies_of(config), len(place.asked())
        place.submit("jobs/evolve.py", config)
        after = replies_of(config)
        results.add("driver killed: replies lost", [float(len(committed - after))], at_most(0))
        again = len(place.asked()) - before - len(after - committed)
        results.add("driver killed: asked again of what was committed", [float(again)], at_most(0))


def replies_of(config: Path) -> set[str]:
    """The requests that have a reply in the ledger of a run."""
    table = config.parent / "store" / "replies"
    if not DeltaTable.is_deltatable(str(table)):
        return set()
    return set(DeltaTable(table).to_pyarrow_table(columns=["request_id"])["request_id"].to_pylist())


if __name__ == "__main__":
    figures = {"widths": measure_widths, "wall": measure_wall, "faults": measure_faults}
    run_figures("cluster", __doc__, figures)
