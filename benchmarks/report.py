"""What it takes to look at a store of 100,000 pairs: its report, and the measure of its diversity.

`python -m benchmarks.report [FIGURE...]`; without a name every figure is measured. The store is made once, by an engine
that answers at once (`instant.py`), which takes some minutes; `--scale 0.1` has a tenth of the pairs.
"""

import argparse
import shutil
import tempfile
import time
from pathlib import Path
from typing import Any
from unittest import mock

from benchmarks.generation import SEEDS, answers_at_once, spark_session
from benchmarks.generation import settings as settings_of
from benchmarks.processes import PROJECT
from benchmarks.results import Results, at_most, run_figures
from benchmarks.small_jobs import start
from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.config import Config
from genetic_udfs.embedding.vectors import vectors
from genetic_udfs.evolution.accounting import generation_row
from genetic_udfs.evolution.diversity import meter
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.reporting.report.page import MAX_BYTES

PAIRS, GENERATIONS, SAMPLE = 100_000, 4, 2_000
STORES = PROJECT / ".cache" / "benchmarks"
CONFIG = "conf/local.yaml"
SECONDS, SECONDS_OF_DIVERSITY = 60.0, 10.0


def report(results: Results, options: argparse.Namespace) -> None:
    """`jobs/report.py` as a user starts it: wall seconds, and the page's bytes."""
    arguments = (CONFIG, "--set", f"store={store(options.scale)}")
    write(results, options, f"report of {round(PAIRS * options.scale):,} pairs", arguments)


def compare(results: Results, options: argparse.Namespace) -> None:
    """The same with another store of a tenth as many beside it."""
    arguments = (CONFIG, "--set", f"store={store(options.scale)}", "--compare", str(store(options.scale / 10)))
    write(results, options, f"report of {round(PAIRS * options.scale):,} pairs beside a tenth", arguments)


def write(results: Results, options: argparse.Namespace, name: str, arguments: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder, "report.html")
        spent = [start("report", *arguments, "--output", str(page)) for _ in range(options.repeats)]
        size = page.stat().st_size
    results.add(f"{name}: wall seconds", [one.wall for one in spent], at_most(SECONDS), cpu=[one.cpu for one in spent])
    results.add(f"{name}: MB", [size / 1e6], at_most(MAX_BYTES / 1e6))


def diversity(results: Results, options: argparse.Namespace) -> None:
    """What the row of the last generation takes longer with diversity than without, but for the embedding itself.

    The process has seen no earlier generation made, as after a resume: it reads all pairs.
    """
    pairs = round(PAIRS * options.scale)
    there = str(store(options.scale))
    took = []
    with spark_session() as spark, Progress() as progress:

        def seconds(sample: int) -> tuple[float, float]:
            run = new_run(spark, settings(there, pairs, sample), progress)
            before = len(SEEDS) + pairs * (GENERATIONS - 1) // GENERATIONS
            embedding = Timed()
            with mock.patch.object(meter, "vectors", embedding):
                begun = time.monotonic()
                generation_row(run, GENERATIONS, before, begun, meter.DiversityMeter(run, SEEDS), ())
                return time.monotonic() - begun, embedding.seconds

        seconds(SAMPLE)  # warms up, and loads the model
        for _ in range(options.repeats):
            without, _ = seconds(0)
            with_, embedding = seconds(SAMPLE)
            took.append({"with": with_, "without": without, "embedding": embedding})
            print("        " + ", ".join(f"{name} {value:.1f}" for name, value in took[-1].items()), flush=True)
    results.add(
        f"diversity of {pairs:,} pairs (sample of {SAMPLE:,}): seconds beyond the embedding",
        [one["with"] - one["embedding"] - one["without"] for one in took],
        at_most(SECONDS_OF_DIVERSITY),
        seconds=took,
    )


class Timed:
    """The embedding of texts, and how long its calls took together."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self, *args: Any) -> Any:
        begun = time.monotonic()
        found = vectors(*args)
        self.seconds += time.monotonic() - begun
        return found


def settings(folder: str, pairs: int, sample: int) -> Config:
    of_generation = {"samples_per_generation": pairs // GENERATIONS, "colonies": 4}
    return settings_of(folder, generations=GENERATIONS, diversity={"sample": sample}, **of_generation)


def store(scale: float) -> Path:
    """Return a store of so many of the pairs, made unless it is there."""
    pairs = round(PAIRS * scale)
    there = STORES / f"report-{pairs}"
    if not there.exists():
        STORES.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=STORES) as folder:
            with spark_session() as spark, answers_at_once(), Progress() as progress:
                evolve_recorded(new_run(spark, settings(f"{folder}/store", pairs, 0), progress), SEEDS, [])
            shutil.move(f"{folder}/store", there)
    return there


FIGURES = {"report": report, "compare": compare, "diversity": diversity}

if __name__ == "__main__":
    run_figures(
        "report",
        __doc__,
        FIGURES,
        scale={"type": float, "default": 1.0, "help": "share of the pairs"},
    )
