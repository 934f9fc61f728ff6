"""Selection for diversity: parents that are far from their neighbours, or of a rare kind."""

from collections import Counter

import numpy as np
import pytest
from pyspark.sql import DataFrame, SparkSession

from genetic_udfs.config import Config
from genetic_udfs.embedding.landmarks import packed
from genetic_udfs.evolution.operators.parents import with_operator, with_parents
from genetic_udfs.evolution.operators.selection import Scores, by_novelty, by_rarity
from genetic_udfs.evolution.operators.slots import slots
from tests.evolution.operators.test_parents import OWN, config, ids, population

# Of ten, eight are crowded at 0 degrees, one stands at 90 and one at 180.
ANGLES = [*range(8), 90, 180]


def embeddings(spark: SparkSession) -> DataFrame:
    angles = np.radians(ANGLES)
    vectors = packed(np.stack((np.cos(angles), np.sin(angles)), axis=1).astype(np.float32))
    cells = [(0, 1)] * 5 + [(0, 2)] * 3 + [(1, 1), (2, None)]
    rows = [(f"p{at}", bytearray(vector), *cell) for at, (vector, cell) in enumerate(zip(vectors, cells, strict=True))]
    return spark.createDataFrame(rows, "id string, vector binary, cluster int, level int")


def first_parents(spark: SparkSession, settings: Config, scores: Scores, partitions: int = 2) -> Counter[str]:
    offspring = with_operator(slots(spark, {0: 1000}, 1, 0).repartition(partitions), settings)
    people = population(spark, 10, fitness=lambda ordinal: ordinal / 10).repartition(partitions)
    own = spark.createDataFrame([(0, 0, "own", "mine", 0, 1.0)], OWN)
    rows = with_parents(offspring, people, own, 10, settings, scores, count=100).collect()
    assert len(rows) == 1000
    return Counter(ids(row)[0] for row in rows)


def test_a_parent_is_the_farthest_from_its_neighbours_of_those_drawn(spark: SparkSession) -> None:
    settings = config(selection="novelty", tournament_size=4, crossover_share=0)
    scores = by_novelty(embeddings(spark), 3)
    contestants = spark.createDataFrame([(f"p{at}", None) for at in range(10)], "id string, fitness double")
    scored = {row["id"]: row["score"] for row in scores(contestants).collect()}
    assert sorted(scored, key=scored.__getitem__)[-2:] == ["p8", "p9"]
    assert scored["p3"] < 0.01 and scored["p8"] == pytest.approx(0.94, abs=0.05)
    counts = first_parents(spark, settings, scores)
    assert counts == first_parents(spark, settings, scores, partitions=5)
    # Of eleven, with what this generation has accepted, of which nothing is known: so it loses to all that are known.
    assert counts["p9"] / 1000 == pytest.approx(1 - (10 / 11) ** 4, abs=0.05)
    assert counts["p8"] / 1000 == pytest.approx((10 / 11) ** 4 - (9 / 11) ** 4, abs=0.05)
    assert counts["own"] < 10


def test_a_parent_is_of_the_rarest_cell_of_those_drawn_and_the_fittest_of_its_cell(spark: SparkSession) -> None:
    scores = by_rarity(embeddings(spark))
    contestants = spark.createDataFrame(
        [("p0", None), ("p1", 0.5), ("p5", 1.0), ("p9", 0.2)], "id string, fitness double"
    )
    assert {row["id"]: row["score"] for row in scores(contestants).collect()} == {
        "p0": -5.0,
        "p1": -4.5,
        "p5": pytest.approx(-2.001),
        "p9": pytest.approx(-0.8),
    }
    settings = config(selection="elites", crossover_share=0)
    assert settings.operators.tournament_size == 3
    counts = first_parents(spark, settings, scores)
    assert (counts["p8"] + counts["p9"]) / 1000 == pytest.approx(1 - (9 / 11) ** 3, abs=0.05)
    assert sum(counts[f"p{at}"] for at in range(5)) / 1000 < 0.2  # 5 of 11, were they drawn uniformly


def test_selection_by_embedding_is_part_of_what_decides_with_its_model() -> None:
    payload = config(selection="novelty").fingerprint_payload()["operators"]
    assert (payload["selection"], payload["tournament_size"]) == ("novelty", 3)
    assert payload["embedding_model"] == "bundled:all-minilm-l6-v2"
    assert "embedding_model" not in config(selection="tournament").fingerprint_payload()["operators"]
    assert config().fingerprint() == config(selection="uniform").fingerprint()
    with pytest.raises(ValueError, match="tournament_size is for selection: tournament, novelty or elites"):
        config(tournament_size=3)
