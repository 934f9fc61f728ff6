"""What a generation costs besides its models: on a large population beside a small one, for each candidate, on disk.

`python -m benchmarks.generation [FIGURE...]`; without a name every figure is measured. The engine answers at once, in
the tasks that ask (`instant.py`).
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path
from unittest import mock

from pyspark.sql import Column, Row, SparkSession
from pyspark.sql import functions as F

from benchmarks import instant
from benchmarks.corpus import write_corpus
from benchmarks.dedup import CORPORA, add_generation, numbered
from benchmarks.results import Results, at_most, run_figures
from benchmarks.session import configuration, session
from genetic_udfs.commands.evolve import new_run
from genetic_udfs.config import Config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.evolution import loop
from genetic_udfs.evolution.diversity.meter import DiversityMeter
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.schema import CANDIDATES, POPULATION, REPLIES
from genetic_udfs.store.tables import Store

SMALL, LARGE = 20_000, 1_000_000
SAMPLES = 5_000
CANDIDATES_A_GENERATION = 100_000
# Half of the candidates are accepted: the rest is surplus, near-duplicates, and what the judge refuses.
SAMPLES_OF_CANDIDATES = 50_000


def population(results: Results, options: argparse.Namespace) -> None:
    """A generation of 5,000 samples on a population of 1,000,000 and on one of 20,000, in turns."""
    corpus = write_corpus(CORPORA, LARGE)
    with spark_session() as spark, tempfile.TemporaryDirectory() as folder:
        configs = [
            settings(f"{folder}/{size}", samples_per_generation=SAMPLES, colonies=4, seed=size)
            for size in (SMALL, LARGE)
        ]
        for config, size in zip(configs, (SMALL, LARGE), strict=True):
            begin_with(spark, config, corpus, size)
        turns = []
        for generation in range(1, options.repeats + 2):
            turns.append([evolved(spark, config, generation)[-1]["seconds"] for config in configs])
            print("        " + ", ".join(f"{seconds:.1f}" for seconds in turns[-1]), flush=True)
    del turns[0]  # warms up
    results.add(
        "5,000 samples: seconds on a population of 1,000,000 over those on 20,000",
        [large / small for small, large in turns],
        at_most(1.5),
        seconds=[statistics.median(turn[side] for turn in turns) for side in (0, 1)],
    )


def candidates(results: Results, _: argparse.Namespace) -> None:
    """A generation of 100,000 candidates: seconds for each 1,000; and what the store takes for each accepted pair.

    The engine answers in the tasks, one a core, so its seconds over the cores are what the generation waited for it.
    """
    with spark_session() as spark, tempfile.TemporaryDirectory() as folder:
        config = settings(folder, samples_per_generation=SAMPLES_OF_CANDIDATES, colonies=4)
        *_, row = evolved(spark, config, 1)
        store = Store(spark, folder)
        made = store.read(CANDIDATES).count()
        engine = store.read(REPLIES).select(F.sum("seconds")).first()
        assert engine is not None
        outside = row["seconds"] - engine[0] / spark.sparkContext.defaultParallelism
        texts = store.read(POPULATION).select(F.sum(sum(map(octets, ("instruction", "response", "code"))))).first()
        assert texts is not None
        stored = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    results.add(
        f"{CANDIDATES_A_GENERATION:,} candidates: seconds for each 1,000 outside the engine",
        [outside / made * 1000],
        at_most(2.0),
        seconds=row["seconds"],
        in_the_engine=row["seconds"] - outside,
        candidates=made,
        accepted=row["accepted"],
        rounds=row["rounds"],
    )
    results.add("bytes of all tables over those of the accepted pairs' texts", [stored / texts[0]], at_most(4.0))


def octets(column: str) -> Column:
    return F.coalesce(F.octet_length(column), F.lit(0))


def spark_session() -> SparkSession:
    return session(
        spark_driver_memory="6g", spark_sql_shuffle_partitions=8, spark_databricks_delta_snapshotPartitions=2
    )


def settings(store: str, **changes: object) -> Config:
    return configuration(store=store, max_rounds=10, **changes)


def begin_with(spark: SparkSession, config: Config, corpus: Path, size: int) -> None:
    """Make a store whose generation 0 are texts of a corpus."""
    texts = numbered(spark.read.parquet(str(corpus))).where(F.col("rank") < size)
    store = Store(spark, config.store)
    add_generation(store, config, texts, 0)
    with Progress() as progress:
        run = new_run(spark, config, progress)
        loop.commit_generation(run, 0, 0, time.monotonic(), DiversityMeter(run, []))


def evolved(spark: SparkSession, config: Config, generations: int) -> list[Row]:
    """Bring a store to a number of generations; return the rows of `generations`."""
    config = config.model_copy(update={"generations": generations})
    seeds = [Seed(f"seed-{number}", instant.instruction(instant.drawn(str(number)))) for number in range(50)]
    with mock.patch("genetic_udfs.engine.stage.ask", instant.ask), Progress() as progress:
        return loop.evolve(new_run(spark, config, progress), seeds, [])


FIGURES = {"population": population, "candidates": candidates}

if __name__ == "__main__":
    run_figures("generation", __doc__, FIGURES)
