"""Near-duplicates: what is found, how fast beside other ways, and what new texts cost beside many kept ones.

`python -m benchmarks.dedup [FIGURE...]`; without a name every figure is measured, which takes about half an hour on
two cores. The peers come with `uv pip install --group benchmarks`. Ratios are of turns in one run; peak memory is that
of a side's processes together, Spark's JVM and Python workers included.
"""

import argparse
import contextlib
import itertools
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.corpus import exact_join, same_words, survivors, texts_of, write_corpus
from benchmarks.dedup_sides import BANDS, ROWS, THRESHOLD
from benchmarks.processes import Peak, side
from benchmarks.results import Results, at_least, at_most, run_figures
from benchmarks.session import configuration, scratch, session
from genetic_udfs.config import Config, Dedup
from genetic_udfs.dedup import near_duplicates
from genetic_udfs.evolution.population_index import indexed, update_index
from genetic_udfs.store.schema import POPULATION, POPULATION_SCHEMA
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

CORPORA = Path(tempfile.gettempdir()) / "genetic-udfs-corpora"
SETTINGS = Dedup(threshold=THRESHOLD, bands=BANDS, rows=ROWS)
SEED = 1
WARM_UP = 50_000
NEW = 5_000
KEPT = (50_000, 200_000, 800_000)
GENERATION = 5_000


def quality(results: Results, _: argparse.Namespace) -> None:
    """200,000 texts: pairs and survivors against the exact join."""
    corpus = write_corpus(CORPORA, 200_000)
    texts = texts_of(corpus)
    firsts = {numbers[0] for numbers in same_words(texts).values()}
    truth = exact_join(texts, THRESHOLD)
    right = {pair for pair in truth if firsts.issuperset(pair)}  # of equal texts the first alone is looked at
    with session(spark_driver_memory="6g", spark_sql_shuffle_partitions=8) as spark, scratch(spark) as space:
        found = near_duplicates(*of_corpus(spark, corpus), SETTINGS, SEED, space.checkpoint)
        pairs = {(number(row.later_id), number(row.earlier_id)) for row in found.links.where("NOT is_exact").collect()}
        kept = set(range(len(texts))) - {number(row.id) for row in found.dropped.collect()}
    wanted = survivors(len(texts), truth)
    results.add("recall of near-duplicate pairs", [len(pairs & right) / len(right)], at_least(0.995), pairs=len(right))
    results.add("precision of near-duplicate pairs", [len(pairs & right) / len(pairs)], at_least(1.0))
    near: dict[int, list[int]] = {}
    for later, earlier in truth:
        near.setdefault(later, []).append(earlier)
    wrongly = [number for number in range(len(texts)) if number not in kept and not kept.intersection(near[number])]
    results.add("texts dropped without a near one that is kept", [float(len(wrongly))], at_most(0))
    results.add("survivors that the exact join keeps", [len(kept & wanted) / len(kept)], at_least(0.995))


def against(results: Results, peer: str, size: int, least: float, repeats: int) -> None:
    """Seconds of a peer over ours, from Parquet to what is found, each in a process that has warmed up."""
    corpus, warm_up = write_corpus(CORPORA, size), write_corpus(CORPORA, WARM_UP)
    with (
        side("dedup_sides", "ours") as mine,
        side("dedup_sides", peer) as theirs,
        Peak(mine.process.pid) as peak,
        Peak(theirs.process.pid) as their_peak,
    ):
        for one in (mine, theirs):
            one.run(corpus=str(warm_up))
        ratios, ours, found = [], [], {}
        for _ in range(repeats):
            done, other = mine.run(corpus=str(corpus)), theirs.run(corpus=str(corpus))
            print(f"        {done['seconds']:.1f} and {other['seconds']:.1f}", flush=True)
            ratios.append(other["seconds"] / done["seconds"])
            ours.append(done["seconds"])
            found = {"ours_found": done["found"], "peer_found": other["found"]}
    results.add(
        f"{size:,} texts, seconds of {peer} over ours",
        ratios,
        at_least(least),
        our_seconds=statistics.median(ours),
        our_peak_gb=round(peak.memory, 1),
        peer_peak_gb=round(their_peak.memory, 1),
        **found,
    )


def mllib(results: Results, options: argparse.Namespace) -> None:
    against(results, "mllib", 50_000, 5.5, options.repeats)


def datasketch(results: Results, options: argparse.Namespace) -> None:
    against(results, "datasketch", 200_000, 6.0, options.repeats)


def rensa(results: Results, options: argparse.Namespace) -> None:
    against(results, "rensa", 200_000, 1.4, options.repeats)


def incremental(results: Results, options: argparse.Namespace) -> None:
    """5,000 new texts against an index of 50,000, 200,000 and 800,000, in turns."""
    with population(write_corpus(CORPORA, KEPT[-1] + NEW, seed=3)) as (spark, store, config, texts, space):
        for generation, (first, last) in enumerate(itertools.pairwise((0, *KEPT))):
            add_generation(store, config, texts.where(f"rank >= {first} AND rank < {last}"), generation)
        new = space.checkpoint(texts.where(f"rank >= {KEPT[-1]}"), "new")

        def seconds(generations: int) -> float:
            known = indexed(store, generations)
            begun = time.monotonic()
            near_duplicates(new, none(spark), config.dedup, config.seed, space.checkpoint, indexed=known)
            return time.monotonic() - begun

        sizes = range(1, len(KEPT) + 1)
        for size in sizes:
            seconds(size)  # warms up
        turns = [[seconds(size) for size in sizes] for _ in range(max(7, options.repeats))]
    for turn in turns:
        print("        " + ", ".join(f"{each:.1f}" for each in turn), flush=True)
    results.add(
        "5,000 new texts: seconds against 800,000 kept over those against 50,000",
        [turn[-1] / turn[0] for turn in turns],
        at_most(1.3),
        seconds={f"{size:,}": statistics.median(turn[at] for turn in turns) for at, size in enumerate(KEPT)},
    )


def generations(results: Results, _: argparse.Namespace) -> None:
    """Ten generations of 5,000, each against the index of those before, and all at once: who survives."""
    with population(write_corpus(CORPORA, 50_000)) as (spark, store, config, texts, space):
        at_once = near_duplicates(texts, none(spark), config.dedup, config.seed, space.checkpoint).dropped
        expected = {row.id: row.duplicate_of for row in at_once.collect()}
        found: dict[str, str] = {}
        for generation in range(10):
            first = generation * GENERATION
            new = texts.where(f"rank >= {first} AND rank < {first + GENERATION}")
            known = indexed(store, generation)
            dropped = near_duplicates(
                new, none(spark), config.dedup, config.seed, space.checkpoint, indexed=known
            ).dropped
            found |= {row.id: row.duplicate_of for row in dropped.collect()}
            add_generation(store, config, new.join(dropped, "id", "left_anti"), generation)
    differing = sum(found.get(each) != expected.get(each) for each in found.keys() | expected.keys())
    results.add(
        "texts with another fate, generation by generation and all at once",
        [float(differing)],
        at_most(0),
        dropped=len(expected),
    )


def million(results: Results, _: argparse.Namespace) -> None:
    """A million texts in 16 GB: peak memory, and what Spark leaves on disk meanwhile."""
    corpus = write_corpus(CORPORA, 1_000_000)
    with (
        tempfile.TemporaryDirectory() as folder,
        side("dedup_sides", "ours", TMPDIR=folder, SPARK_LOCAL_DIRS=folder) as mine,  # scratch space and shuffles
        Peak(mine.process.pid, folder) as peak,
    ):
        done = mine.run(corpus=str(corpus))
    results.add("a million texts: peak GB of memory", [peak.memory], at_most(16.0), **done)
    results.add("a million texts: peak GB on disk", [peak.disk], at_most(10.0))


@contextlib.contextmanager
def population(corpus: Path) -> Iterator[tuple[SparkSession, Store, Config, DataFrame, Scratch]]:
    """Open a session, an empty store with its configuration, the texts of a corpus, and a place for results."""
    with (
        session(spark_driver_memory="6g", spark_sql_shuffle_partitions=8) as spark,
        tempfile.TemporaryDirectory() as folder,
        scratch(spark) as space,
    ):
        yield spark, Store(spark, folder), configuration(store=folder), numbered(spark.read.parquet(str(corpus))), space


def numbered(texts: DataFrame) -> DataFrame:
    return texts.select("id", F.substring("id", 2, 8).cast("long").alias("rank"), "text")


def of_corpus(spark: SparkSession, corpus: Path) -> tuple[DataFrame, DataFrame]:
    return numbered(spark.read.parquet(str(corpus))), none(spark)


def none(spark: SparkSession) -> DataFrame:
    return spark.createDataFrame([], "id string, text string")


def number(name: str) -> int:
    return int(name[1:])


def add_generation(store: Store, config: Config, texts: DataFrame, generation: int) -> None:
    """Commit texts as a generation of the population, and their signatures."""
    given = {"id": F.col("id"), "generation": F.lit(generation), "instruction": F.col("text"), "ordinal": F.col("rank")}
    columns = [given.get(field.name, F.lit(None)).cast(field.dataType).alias(field.name) for field in POPULATION_SCHEMA]
    rows = texts.select(*columns)
    store.append(POPULATION, rows, transaction="generation", version=generation)
    update_index(store, config, "benchmark")


FIGURES = {
    "quality": quality,
    "mllib": mllib,
    "datasketch": datasketch,
    "rensa": rensa,
    "incremental": incremental,
    "generations": generations,
    "million": million,
}

if __name__ == "__main__":
    run_figures("dedup", __doc__, FIGURES)
