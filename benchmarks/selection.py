"""What selection for diversity brings over uniform parents, on a simulated model.

`python -m benchmarks.selection [FIGURE...]`; without a name every figure is measured. An instruction is a point on a
sphere, and offspring resemble their parents: a mutation is near its parent, a crossover near a drawn mixture of its
parents, and all are drawn to one point, as models write again and again what they write most. Parents are drawn by what
runs draw them by, in five generations of 1,000 from 512 seeds of 40 topics. A figure is the quotient of distances after
the last generation, for the same seed of the draws; the median of three, with all three beside it.
"""

import argparse
from collections.abc import Callable
from functools import partial

import numpy as np
from numpy.typing import NDArray
from pyspark.sql import SparkSession
from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructField, StructType

from benchmarks.results import Results, at_least, run_figures
from benchmarks.session import session
from genetic_udfs.config import Config
from genetic_udfs.embedding.landmarks import clusters, landmarks, packed
from genetic_udfs.evolution.diversity.distances import to_nearest
from genetic_udfs.evolution.operators.parents import with_operator, with_parents
from genetic_udfs.evolution.operators.selection import Scores, by_novelty, by_rarity
from genetic_udfs.evolution.operators.slots import slots
from genetic_udfs.runtime.arrow import local_frame

DIMENSIONS, TOPICS, SEEDS, SAMPLES, GENERATIONS, LANDMARKS, LEVELS = 8, 40, 512, 1000, 5, 64, 4
DRAWS = (1, 2, 3)
NOISE = 0.5  # length of what is added to an offspring
DRIFTS = {"drift": 0.4, "no_drift": 0.0}
TARGETS = {"drift": at_least(1.15), "no_drift": at_least(0.95)}

_INDIVIDUAL = [StructField("id", StringType()), StructField("instruction", StringType())]
_RANKED = [StructField("depth", IntegerType()), StructField("fitness", DoubleType())]
PEOPLE = StructType([StructField("ordinal", LongType()), *_INDIVIDUAL, *_RANKED])
OWN = StructType([StructField("colony", IntegerType()), StructField("index", LongType()), *_INDIVIDUAL, *_RANKED])

Vectors = NDArray[np.float32]


def configuration(selection: str, seed: int) -> Config:
    return Config.model_validate(
        {
            "store": "unused",
            "seed": seed,
            "seeds": "unused",
            "generations": GENERATIONS,
            "samples_per_generation": SAMPLES,
            "operators": {"selection": selection},
            "engines": {"any": {"model": "any"}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        }
    )


def unit(vectors: NDArray[np.floating]) -> Vectors:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


class Simulated:
    """A population of vectors, and a model that makes further ones of them."""

    def __init__(self, spark: SparkSession, config: Config, drift: float) -> None:
        self.spark, self.config, self.drift = spark, config, drift
        # The seeds, and what the model does, are the same whatever selects the parents.
        self.chance = np.random.default_rng(config.seed)
        topics = unit(self.chance.normal(size=(TOPICS, DIMENSIONS)))
        self.typical = unit(self.chance.normal(size=(1, DIMENSIONS)))
        self.vectors = unit(topics[self.chance.integers(0, TOPICS, SEEDS)] + self.noise(SEEDS))
        self.landmarks = landmarks(self.vectors, LANDMARKS)
        self.levels = np.full(SEEDS, -1)
        self.depths = np.zeros(SEEDS, int)

    def noise(self, count: int) -> NDArray[np.float64]:
        return NOISE * self.chance.normal(size=(count, DIMENSIONS)) / np.sqrt(DIMENSIONS)

    def scores(self) -> Scores | None:
        rows = zip(packed(self.vectors), clusters(self.vectors, self.landmarks), self.levels, strict=True)
        known = self.spark.createDataFrame(
            [(str(at), bytearray(vector), int(of), int(level)) for at, (vector, of, level) in enumerate(rows)],
            "id string, vector binary, cluster int, level int",
        )
        selection = self.config.operators.selection
        if selection == "uniform":
            return None
        return by_novelty(known, self.config.seed) if selection == "novelty" else by_rarity(known)

    def parents(self, generation: int) -> list[tuple[str, list[int]]]:
        """Draw the operator and the parents of each slot as a run does."""
        size = len(self.vectors)
        people = [{"ordinal": at, "id": str(at), "depth": int(depth)} for at, depth in enumerate(self.depths)]
        drawn = with_parents(
            with_operator(slots(self.spark, {0: SAMPLES}, generation, 0), self.config),
            local_frame(self.spark, people, PEOPLE),
            local_frame(self.spark, [], OWN),
            size,
            self.config,
            self.scores(),
            count=SAMPLES,
        ).collect()
        ordered = sorted(drawn, key=lambda row: int(row["slot"]))
        return [(row["operator"], [int(parent["id"]) for parent in row["parents"]]) for row in ordered]

    def generation(self, number: int) -> Vectors:
        drawn = [(operator, parents) for operator, parents in self.parents(number) if parents]
        shares = [self.chance.dirichlet(np.ones(len(parents))) for _, parents in drawn]
        of = [share @ self.vectors[parents] for share, (_, parents) in zip(shares, drawn, strict=True)]
        new = unit(unit(np.array(of)) + self.drift * self.typical + self.noise(len(drawn)))
        first = np.array([parents[0] for _, parents in drawn])
        is_mutation = np.array([operator == "mutation" for operator, _ in drawn])
        steps = self.chance.integers(-1, 2, len(drawn))
        self.levels = np.concatenate((self.levels, np.clip(self.levels[first] + steps, 0, LEVELS - 1)))
        self.depths = np.concatenate((self.depths, np.where(is_mutation, self.depths[first] + 1, 0)))
        self.vectors = np.concatenate((self.vectors, new))
        return new


def distances(spark: SparkSession, selection: str, seed: int, drift: float) -> tuple[float, float]:
    """Return how far the last generation's are from each other, and from all that came before."""
    simulated = Simulated(spark, configuration(selection, seed), drift)
    for number in range(1, GENERATIONS + 1):
        last = simulated.generation(number)
    other, earlier = to_nearest(last), to_nearest(last, simulated.vectors[: -len(last)])
    assert other is not None and earlier is not None
    return float(other.mean()), float(earlier.mean())


def measure(results: Results, options: argparse.Namespace, name: str) -> None:
    with session(spark_sql_shuffle_partitions=4) as spark:
        found = {
            selection: [distances(spark, selection, seed, DRIFTS[name]) for seed in DRAWS]
            for selection in ("uniform", "novelty", "elites")
        }
    for selection in ("novelty", "elites"):
        for place, what in enumerate(("nearest other", "nearest earlier")):
            quotients = [
                own[place] / uniform[place] for own, uniform in zip(found[selection], found["uniform"], strict=True)
            ]
            uniform = [round(each[place], 4) for each in found["uniform"]]
            results.add(f"{selection} over uniform, {name}: {what}", quotients, TARGETS[name], uniform=uniform)


FIGURES: dict[str, Callable[[Results, argparse.Namespace], None]] = {
    name: partial(measure, name=name) for name in DRIFTS
}

if __name__ == "__main__":
    run_figures("selection", __doc__, FIGURES)
