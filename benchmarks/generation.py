"""What a generation costs besides its models, and what of that grows: with population, generation, waves and rounds.

`python -m benchmarks.generation [FIGURE...]`; without a name every figure is measured. The engine answers at once, in
the tasks that ask (`instant.py`), but for `window`, whose endpoint takes a second. `--scale 0.1` measures all with a
tenth of the samples, individuals and replies. What is compared is measured in one run, in turns.
"""

import argparse
import itertools
import json
import math
import os
import statistics
import tempfile
import time
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from pathlib import Path
from unittest import mock

from pyspark.sql import Column, Row, SparkSession
from pyspark.sql import functions as F

from benchmarks import instant
from benchmarks.corpus import write_corpus
from benchmarks.dedup import CORPORA, add_generation, numbered
from benchmarks.processes import PROJECT, Peak
from benchmarks.results import Results, at_least, at_most, run_figures
from benchmarks.session import configuration, session
from genetic_udfs.commands.evolve import new_run
from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.evolution import loop
from genetic_udfs.evolution.diversity.meter import DiversityMeter
from genetic_udfs.evolution.generation import RoundResult, index_accepted, make_round
from genetic_udfs.evolution.population_index import indexed
from genetic_udfs.evolution.round import Round
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store.schema import ACCEPTED, CANDIDATES, CANDIDATES_SCHEMA, POPULATION, REPLIES
from genetic_udfs.store.tables import Store
from tests.scripted_server import Answer, Request, ScriptedServer

LOCAL = PROJECT / "conf" / "local.yaml"
SMALL, LARGE = 20_000, 2_000_000
SAMPLES = 5_000
# Half of the candidates are accepted: the rest is surplus, near-duplicates, and what the judge refuses.
SAMPLES_OF_CANDIDATES = 50_000
CANDIDATES_A_SLOT = 2  # a mutation of the instant engine has one, a crossover three
FEW_SAMPLES, MANY_SAMPLES = 25_000, 200_000
SAMPLES_IN_WAVES, WAVES = 20_000, 20
# With 2.3 replies each, the ledger holds 3,000 and 300,000 before the rounds that are compared.
EARLY_CANDIDATES, LATE_CANDIDATES = 1_300, 130_000
SLOTS = 50
WINDOW, MEAN_LATENCY, SAMPLES_OF_WINDOW, COLONIES_OF_WINDOW = 64, 1.0, 2_000, 20


def population(results: Results, options: argparse.Namespace) -> None:
    """A generation of 5,000 samples on a population of 2,000,000 and on one of 20,000, in turns."""
    sizes = [round(size * options.scale) for size in (SMALL, LARGE)]
    samples = round(SAMPLES * options.scale)
    corpus = write_corpus(CORPORA, sizes[-1])
    with spark_session() as spark, tempfile.TemporaryDirectory() as folder:
        configs = [
            settings(f"{folder}/{size}", samples_per_generation=samples, colonies=4, seed=size) for size in sizes
        ]
        for config, size in zip(configs, sizes, strict=True):
            begin_with(spark, config, corpus, size)
        turns = []
        for generation in range(1, options.repeats + 2):
            turns.append([evolved(spark, config, generation)[-1]["seconds"] for config in configs])
            print("        " + ", ".join(f"{seconds:.1f}" for seconds in turns[-1]), flush=True)
    del turns[0]  # warms up
    results.add(
        f"{samples:,} samples: seconds on a population of {sizes[1]:,} over those on {sizes[0]:,}",
        [large / small for small, large in turns],
        at_most(1.25),
        seconds=[statistics.median(turn[side] for turn in turns) for side in (0, 1)],
    )


def candidates(results: Results, options: argparse.Namespace) -> None:
    """A generation of 100,000 candidates: seconds for each 1,000; and what the store takes for each accepted pair."""
    with spark_session() as spark, tempfile.TemporaryDirectory() as folder:
        config = settings(folder, samples_per_generation=round(SAMPLES_OF_CANDIDATES * options.scale), colonies=4)
        made = timed_generation(spark, config)
        texts = (
            Store(spark, folder)
            .read(POPULATION)
            .select(F.sum(sum(map(octets, ("instruction", "response", "code")))))
            .first()
        )
        assert texts is not None
        stored = sum(file.stat().st_size for file in Path(folder).rglob("*") if file.is_file())
    results.add(
        f"{made.candidates:,} candidates: seconds for each 1,000 outside the engine",
        [made.outside / made.candidates * 1000],
        at_most(0.9),
        seconds=made.seconds,
        in_the_engine=made.seconds - made.outside,
    )
    results.add("bytes of all tables over those of the accepted pairs' texts", [stored / texts[0]], at_most(4.0))


def growth(results: Results, options: argparse.Namespace) -> None:
    """A generation of 400,000 candidates and one of 50,000: seconds and bytes for each of them, and peak memory."""
    sizes = [round(size * options.scale) for size in (FEW_SAMPLES, MANY_SAMPLES)]
    with tempfile.TemporaryDirectory() as folder:
        logs = Path(folder, "events")
        logs.mkdir()
        made, spans = [], []
        events = {
            "spark_eventLog_enabled": True,
            "spark_eventLog_dir": logs.as_uri(),
            "spark_eventLog_compress": False,
            "spark_eventLog_rolling_enabled": False,
            "spark_driver_memory": "3g",  # Java takes what it may have; the workers' memory comes on top
        }
        with spark_session(**events) as spark:
            timed_generation(spark, settings(f"{folder}/warm", samples_per_generation=500, colonies=4))
            for size in sizes:
                begun = time.time()
                with Peak(os.getpid()) as peak:
                    made.append(
                        timed_generation(
                            spark, settings(f"{folder}/{size}", samples_per_generation=size, colonies=4, seed=size)
                        )
                    )
                spans.append((begun, time.time()))
        [log] = logs.iterdir()
        moved = bytes_moved(log, spans)
    few, many = made
    counts = f"{many.candidates:,} candidates"
    results.add(
        f"{counts}: seconds for each outside the engine over those of {few.candidates:,}",
        [(many.outside / many.candidates) / (few.outside / few.candidates)],
        at_most(1.15),
        seconds_for_1000=[each.outside / each.candidates * 1000 for each in made],
    )
    a_candidate = [
        {what: count / each.candidates for what, count in bytes_.items()}
        for bytes_, each in zip(moved, made, strict=True)
    ]
    results.add(
        f"{counts}: bytes shuffled and scanned for each over those of {few.candidates:,}",
        [sum(a_candidate[1].values()) / sum(a_candidate[0].values())],
        at_most(1.1),
        bytes_a_candidate=a_candidate,
    )
    results.add(f"{counts}: peak GB of driver and workers", [peak.memory], at_most(6.0))


def waves(results: Results, options: argparse.Namespace) -> None:
    """A generation of 20,000 samples in 20 waves a stage and in one, in turns."""
    samples = round(SAMPLES_IN_WAVES * options.scale)
    turns = []
    with spark_session() as spark, tempfile.TemporaryDirectory() as folder:
        timed_generation(spark, settings(f"{folder}/warm", samples_per_generation=500, colonies=4))
        for turn in range(options.repeats):
            seconds = []
            for number in (1, WAVES):
                # A first stage asks as many requests as there are samples; later ones a few more or less.
                ledger = {"wave_size": -(-samples // number) if number > 1 else 10 * samples}
                config = settings(
                    f"{folder}/{turn}-{number}", samples_per_generation=samples, colonies=4, ledger=ledger
                )
                seconds.append(timed_generation(spark, config).seconds)
            turns.append(seconds)
            print("        " + ", ".join(f"{each:.1f}" for each in seconds), flush=True)
    results.add(
        f"{samples:,} samples: seconds in {WAVES} waves a stage over those in one",
        [many / one for one, many in turns],
        at_most(1.15),
        seconds=turns,
    )


def late(results: Results, options: argparse.Namespace) -> None:
    """A round of 50 slots after 300,000 replies in its generation, and one after 3,000, in turns.

    Spark is set as `conf/local.yaml` sets it for few rows.
    """
    sizes = [round(size * options.scale) for size in (EARLY_CANDIDATES, LATE_CANDIDATES)]
    little = {name.replace(".", "_"): value for name, value in load_config(LOCAL).spark.conf.items()}
    with (
        session(**{**little, "spark_driver_memory": "4g"}) as spark,
        tempfile.TemporaryDirectory() as folder,
        Progress() as progress,
        answers_at_once(),
    ):
        rounds = []
        replies = []
        for size in sizes:
            run = new_run(spark, settings(f"{folder}/{size}", samples_per_generation=size, colonies=4), progress)
            rounds.append(first_round(run, size))
            replies.append(run.store.read(REPLIES).count())
        turns = []
        for _ in range(options.repeats + 1):
            seconds = []
            for at, this in enumerate(rounds):
                begun = time.monotonic()
                rounds[at] = next_round(this, {colony: SLOTS // 4 + (colony < SLOTS % 4) for colony in range(4)})
                seconds.append(time.monotonic() - begun)
            turns.append(seconds)
            print("        " + ", ".join(f"{each:.1f}" for each in seconds), flush=True)
    del turns[0]  # warms up
    results.add(
        f"a round of {SLOTS} slots: seconds after {replies[1]:,} replies over those after {replies[0]:,}",
        [many / few for few, many in turns],
        at_most(1.3),
        seconds=turns,
    )
    results.add(f"a round of {SLOTS} slots: seconds outside the engine", [few for few, _ in turns], at_most(5.0))


def first_round(run: Run, candidates: int) -> Round:
    """Take so many candidates through the first round of generation 1, and return the round that follows."""
    loop.evolve(replace(run, config=run.config.model_copy(update={"generations": 0})), SEEDS, [])
    people = run.store.read(POPULATION)
    everything = dict.fromkeys(range(4), candidates)
    slots = {colony: max(1, round(candidates / CANDIDATES_A_SLOT / 4)) for colony in range(4)}
    nothing = local_frame(run.spark, [], CANDIDATES_SCHEMA)
    first = Round(run, 1, 0, people, len(SEEDS), nothing, indexed(run.store, 1), everything, slots, [])
    return after(first, make_round(first))


def next_round(this: Round, slots: dict[int, int]) -> Round:
    """Take so many slots through a round, and return the one that follows."""
    asking = replace(this, slots=slots)
    return after(asking, make_round(asking))


def after(this: Round, made: RoundResult) -> Round:
    accepted = this.accepted.unionByName(made.candidates.filter(F.col("status") == ACCEPTED))
    index = indexed(this.run.store, 1).unionByName(index_accepted(this, made.candidates))
    return replace(this, number=this.number + 1, accepted=accepted, index=index)


def window(results: Results, options: argparse.Namespace) -> None:
    """Share of a generation's wall in which an endpoint of uneven latency has nine tenths of its window in flight."""

    def answer(request: Request) -> Answer:
        draw = instant.drawn(request.prompt)
        return Answer(instant.answer(request.prompt, draw), after=MEAN_LATENCY * draw.expovariate(1))

    samples = round(SAMPLES_OF_WINDOW * options.scale)
    with spark_session() as spark, tempfile.TemporaryDirectory() as folder, ScriptedServer(answer) as server:
        engine = {"model": "scripted", "url": server.url, "max_num_seqs": math.floor(WINDOW / 1.1)}
        config = settings(folder, samples_per_generation=samples, colonies=COLONIES_OF_WINDOW, engines={"smol": engine})
        with Progress() as progress:
            *_, row = loop.evolve(new_run(spark, config, progress), SEEDS, [])
        sent = Store(spark, folder).read(REPLIES).filter(F.col("generation") == 1)
        spans = [(at, at + took) for at, took in sent.select(F.unix_micros("sent_at") / 1e6, "seconds").collect()]
    full, some = seconds_in_flight(spans, 0.9 * WINDOW), seconds_in_flight(spans, 1)
    results.add(
        f"{samples:,} samples: share of the wall in which nine tenths of the window are in flight",
        [full / row["seconds"]],
        at_least(0.0),  # recorded, without a bound
        seconds=row["seconds"],
        asking_with_less=some - full,
        asking_nothing=row["seconds"] - some,
        requests=len(spans),
        rounds=row["rounds"],
    )


def seconds_in_flight(spans: Iterable[tuple[float, float]], least: float) -> float:
    """Return for how long at least so many spans lay over each other."""
    edges = sorted((at, change) for begin, end in spans for at, change in ((begin, 1), (end, -1)))
    total = 0.0
    in_flight = 0
    for (at, change), (then, _) in itertools.pairwise(edges):
        in_flight += change
        total += then - at if in_flight >= least else 0.0
    return total


@dataclass(frozen=True)
class Measured:
    """A generation: how long it took, in all and outside of the engine, and its candidates."""

    seconds: float
    outside: float
    candidates: int


def timed_generation(spark: SparkSession, config: Config) -> Measured:
    """Make the first generation of a new store.

    The engine answers in the tasks, one a core, so its seconds over the cores are what the generation waited for it.
    """
    *_, row = evolved(spark, config, 1)
    store = Store(spark, config.store)
    engine = store.read(REPLIES).select(F.sum("seconds")).first()
    assert engine is not None
    waited = engine[0] / spark.sparkContext.defaultParallelism
    return Measured(row["seconds"], row["seconds"] - waited, store.read(CANDIDATES).count())


def bytes_moved(log: Path, spans: Sequence[tuple[float, float]]) -> list[dict[str, int]]:
    """Return what tasks that ended within spans of time have shuffled and scanned, from Spark's event log."""
    moved = [{"shuffled": 0, "scanned": 0} for _ in spans]
    with log.open() as lines:
        for line in lines:
            if '"SparkListenerTaskEnd"' not in line:
                continue
            event = json.loads(line)
            ended = event["Task Info"]["Finish Time"] / 1000
            metrics = event.get("Task Metrics") or {}
            for (begin, end), bytes_ in zip(spans, moved, strict=True):
                if metrics and begin <= ended <= end:
                    bytes_["shuffled"] += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"]
                    bytes_["scanned"] += metrics["Input Metrics"]["Bytes Read"]
    return moved


def octets(column: str) -> Column:
    return F.coalesce(F.octet_length(column), F.lit(0))


def spark_session(**conf: bool | str) -> SparkSession:
    settings = {"spark_driver_memory": "6g", "spark_sql_shuffle_partitions": 8}
    return session(**{**settings, "spark_databricks_delta_snapshotPartitions": 2, **conf})


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
    with answers_at_once(), Progress() as progress:
        return loop.evolve(new_run(spark, config, progress), SEEDS, [])


def answers_at_once() -> AbstractContextManager[object]:
    return mock.patch("genetic_udfs.engine.stage.ask", instant.ask)


SEEDS = [Seed(f"seed-{number}", instant.instruction(instant.drawn(str(number)))) for number in range(50)]
FIGURES = {
    "population": population,
    "candidates": candidates,
    "growth": growth,
    "waves": waves,
    "late": late,
    "window": window,
}

if __name__ == "__main__":
    scale = {"type": float, "default": 1.0, "help": "share of the sizes that are named"}
    run_figures("generation", __doc__, FIGURES, scale=scale)
