"""Texts that say the same in other words: what is found, and what the search takes beside the embedding itself.

`python -m benchmarks.semantic [FIGURE...]`; without a name every figure is measured. 5,000 texts, sentences of the
project's seeds two by two, are embedded by the bundled model. Of their vectors 100,000 are made: mixtures of two, and
every seventh an earlier one that is moved a little, so that cosines from 0.8 to 1 come about as often. To embed as many
texts would take an hour on a core; the time is that of 2,000 texts, scaled. `--scale 0.1` has a tenth of all.

`lsh` and `cells` are ways that were not taken: MLlib's random projections, and comparing within the nearest clusters.
"""

import argparse
import json
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyspark.ml.feature import BucketedRandomProjectionLSH
from pyspark.ml.functions import array_to_vector
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F

from benchmarks.processes import PROJECT
from benchmarks.results import Results, at_least, at_most, run_figures
from benchmarks.session import scratch, session
from genetic_udfs.config import EMBEDDING_MODEL, EmbeddingModel
from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.semantic import embed, semantic_duplicates
from genetic_udfs.embedding.landmarks import clusters, landmarks, packed, unpacked

MODEL = EmbeddingModel(EMBEDDING_MODEL, "the benchmark")
COUNT, NEW, TEXTS = 100_000, 5_000, 5_000
THRESHOLD = 0.95
PLANTED, MOVED = 1 / 7, 0.75  # cosine of 0.8 to the one that was moved, at most so long is what is added to it
TIMED = 2_000  # texts that are embedded to measure how long it takes
STORED = PROJECT / ".cache" / "benchmarks"
AT_ONCE = 2_000

# Of the ways that were not taken: tables and the length of a bucket; clusters, and how many nearest ones are searched.
TABLES, BUCKET = 16, 0.5
CLUSTERS, PROBED = 256, (1, 2, 4, 8)


def quality(results: Results, options: argparse.Namespace) -> None:
    """All texts at once: pairs against brute force, and seconds over those that it takes to embed them."""
    with spark_session() as spark, scratch(spark) as space:
        new = spark.read.parquet(str(embedded(spark, options.scale)))
        nothing = new.limit(0)
        names, vectors = collected(new)
        truth = dropped_by_pairs(brute_force(vectors), names)
        rows = semantic_duplicates(new, nothing, THRESHOLD, space.checkpoint, count=len(names)).select(c.ID).collect()
        found = {row[0] for row in rows}
        results.add(
            f"{len(names):,} texts: recall of what is dropped against brute force",
            [len(found & truth) / len(truth)],
            at_least(0.95),
            dropped=len(truth),
            wrong=len(found - truth),
        )
        search = partial(semantic_duplicates, new, nothing, THRESHOLD, space.checkpoint, count=len(names))
        measured(results, options, spark, search, len(names), f"{len(names):,} texts at once")


def incremental(results: Results, options: argparse.Namespace) -> None:
    """The last texts against all others, which are kept."""
    with spark_session() as spark, scratch(spark) as space:
        stored = spark.read.parquet(str(embedded(spark, options.scale)))
        count = stored.count()
        new, kept = (stored.filter(which) for which in (F.col(c.RANK) >= count - NEW, F.col(c.RANK) < count - NEW))
        search = partial(semantic_duplicates, new, kept, THRESHOLD, space.checkpoint, count=NEW)
        measured(results, options, spark, search, NEW, f"{NEW:,} texts against {count - NEW:,} kept")


def measured(
    results: Results,
    options: argparse.Namespace,
    spark: SparkSession,
    search: Callable[[], DataFrame],
    count: int,
    name: str,
) -> None:
    """Measure a search, and in turns the embedding of some texts, from which that of as many as it has follows."""
    some = spark.createDataFrame(texts(TIMED), "id string, rank long, text string")
    dropped, turns = 0, []
    for _ in range(options.repeats + 1):
        begun = time.monotonic()
        embed(some, MODEL).count()
        halfway = time.monotonic()
        dropped = search().count()
        turns.append({"embedding": (halfway - begun) * count / TIMED, "search": time.monotonic() - halfway})
        print("        " + ", ".join(f"{what} {seconds:.1f}" for what, seconds in turns[-1].items()), flush=True)
    del turns[0]  # warms up, and loads the model
    results.add(
        f"{name}: seconds of the search over those of the embedding",
        [turn["search"] / turn["embedding"] for turn in turns],
        at_most(0.5),
        seconds=turns,
        dropped=dropped,
    )


def lsh(results: Results, options: argparse.Namespace) -> None:
    """MLlib's BucketedRandomProjectionLSH: recall and seconds of its join."""
    with spark_session() as spark:
        stored = spark.read.parquet(str(embedded(spark, options.scale)))
        names, vectors = collected(stored)
        truth = {(names[later], names[earlier]) for later, earlier in brute_force(vectors)}
        rows = [(name, vector.tolist()) for name, vector in zip(names, vectors, strict=True)]
        frame = spark.createDataFrame(rows, "id string, vector array<double>")
        hashable = frame.select("id", array_to_vector("vector").alias("vector")).repartition(8).localCheckpoint()
        begun = time.monotonic()
        hashed = {"inputCol": "vector", "outputCol": "hashes", "seed": 1}
        model = BucketedRandomProjectionLSH(bucketLength=BUCKET, numHashTables=TABLES, **hashed).fit(hashable)
        distance = float(np.sqrt(2 - 2 * THRESHOLD))
        joined = model.approxSimilarityJoin(hashable, hashable, distance)
        pairs = joined.select("datasetA.id", F.col("datasetB.id").alias("other")).filter("id > other").collect()
        seconds = time.monotonic() - begun
        found = {(row[0], row[1]) for row in pairs}
    results.add(
        f"{len(names):,} texts: recall of BucketedRandomProjectionLSH",
        [len(found & truth) / len(truth)],
        at_least(0.0),  # recorded, without a bound
        seconds=seconds,
        tables=TABLES,
        bucket=BUCKET,
    )


def cells(results: Results, options: argparse.Namespace) -> None:
    """Clusters by landmarks: recall where the nearest few are searched, and their share of all products."""
    with spark_session() as spark:
        _, vectors = collected(spark.read.parquet(str(embedded(spark, options.scale))))
    truth = np.array(brute_force(vectors))
    chosen = landmarks(vectors, CLUSTERS)
    own = clusters(vectors, chosen)
    sizes = np.bincount(own, minlength=len(chosen)) / len(vectors)
    order = np.concatenate(
        [np.argsort(-(vectors[at : at + AT_ONCE] @ chosen.T)) for at in range(0, len(vectors), AT_ONCE)]
    )
    for probed in PROBED:
        searched = order[:, :probed]
        met = (searched[truth[:, 0]] == own[truth[:, 1]][:, None]).any(axis=1)
        results.add(
            f"{len(vectors):,} texts: recall in the {probed} nearest of {CLUSTERS} clusters",
            [float(met.mean())],
            at_least(0.0),  # recorded, without a bound
            products=float(sizes[searched].sum(axis=1).mean()),
        )


def brute_force(vectors: NDArray[np.float32]) -> list[tuple[int, int]]:
    """Return every pair (later, earlier) that is near, by all products."""
    found: list[tuple[int, int]] = []
    for begin in range(0, len(vectors), AT_ONCE):
        later, earlier = np.nonzero(vectors[begin : begin + AT_ONCE] @ vectors[: begin + AT_ONCE].T >= THRESHOLD)
        later += begin
        found += zip(later[earlier < later].tolist(), earlier[earlier < later].tolist(), strict=True)
    return found


def dropped_by_pairs(pairs: list[tuple[int, int]], names: list[str]) -> set[str]:
    """Return who is dropped: in their order, who is near to one before that is kept."""
    gone: set[int] = set()
    for later, earlier in sorted(pairs):
        if earlier not in gone:
            gone.add(later)
    return {names[at] for at in gone}


def collected(stored: DataFrame) -> tuple[list[str], NDArray[np.float32]]:
    """Return ids and vectors in the order of their ranks."""
    rows = stored.orderBy(c.RANK).toArrow()
    return rows[c.ID].to_pylist(), unpacked(rows[c.VECTOR].to_pylist())


def embedded(spark: SparkSession, scale: float) -> Path:
    """Return where so many of the vectors are, made unless they are there; columns as `columns.EMBEDDED`."""
    count = round(COUNT * scale)
    there = STORED / f"semantic-{count}"
    if not (there / "_SUCCESS").exists():
        given = spark.createDataFrame(texts(round(TEXTS * scale)), "id string, rank long, text string")
        rows = embed(given, MODEL).orderBy(c.RANK).toArrow()
        vectors = packed(more_of(unpacked(rows[c.VECTOR].to_pylist()), count))
        made = [(f"t{number:08d}", number, vector) for number, vector in enumerate(vectors)]
        spark.createDataFrame(made, c.EMBEDDED).repartition(8).write.mode("overwrite").parquet(str(there))
    return there


def texts(count: int) -> list[tuple[str, int, str]]:
    """Return id, rank and text."""
    lines = (PROJECT / "seeds" / "seeds.jsonl").read_text().splitlines()
    sentences = [part for line in lines for part in re.split(r"(?<=[.!?]) ", json.loads(line)["instruction"])]
    drawn = np.random.default_rng(1).integers(len(sentences), size=(count, 2))
    return [(f"t{number}", number, f"{sentences[a]} {sentences[b]}") for number, (a, b) in enumerate(drawn)]


def more_of(real: NDArray[np.float32], count: int) -> NDArray[np.float32]:
    """Return so many vectors of length one, the given ones first."""
    draw = np.random.default_rng(1)
    vectors = np.empty((count, real.shape[1]), np.float32)
    vectors[: len(real)] = real
    for at in range(len(real), count):
        if draw.random() < PLANTED:
            noise = draw.normal(size=real.shape[1]) / np.sqrt(real.shape[1])
            vector = vectors[draw.integers(at)] + draw.uniform(0, MOVED) * noise
        else:
            first, second = draw.integers(len(real), size=2)
            vector = real[first] + draw.uniform(0.3, 1.0) * real[second]
        vectors[at] = vector / np.linalg.norm(vector)
    return vectors


def spark_session() -> SparkSession:
    return session(spark_driver_memory="6g", spark_sql_shuffle_partitions=8)


FIGURES = {"quality": quality, "incremental": incremental, "lsh": lsh, "cells": cells}

if __name__ == "__main__":
    run_figures("semantic", __doc__, FIGURES, scale={"type": float, "default": 1.0, "help": "share of the texts"})
