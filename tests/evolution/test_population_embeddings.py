"""A run that breeds for rare kinds, by a small model that knows equal from unequal."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.preflight import check_diversity
from genetic_udfs.embedding.landmarks import unpacked
from genetic_udfs.embedding.model import Embedder
from genetic_udfs.errors import ConfigurationError
from tests import scripted_model
from tests.decontamination.tiny_model import make_tiny_model
from tests.delta_rows import delta_rows
from tests.evolution.test_evolution import evolve, settings
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.slow


class Finished:
    def __init__(self, store: Path, model: Path) -> None:
        self.store, self.model = store, model

    def table(self, name: str) -> list[dict[str, Any]]:
        return delta_rows(self.store / name)


@pytest.fixture(scope="module")
def finished(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    store, model = tmp_path_factory.mktemp("elites"), make_tiny_model(tmp_path_factory.mktemp("embedder") / "model")
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        config = settings(
            store,
            server.url,
            colonies=1,
            samples_per_generation=5,
            max_rounds=2,
            operators={"selection": "elites"},
            dedup={"audit": 0},
            diversity={"sample": 0, "model": str(model)},
            decontamination={"human_eval": False},
        )
        evolve(spark, config)
        yield Finished(store, model)


def test_the_embeddings_of_the_population_are_kept_with_their_cells(finished: Finished) -> None:
    population = {row["id"]: row for row in finished.table("population")}
    rows = finished.table("embeddings")
    assert {row["id"] for row in rows} == population.keys() and len(rows) == len(population)
    embed = Embedder(finished.model)
    for row in rows:
        own = population[row["id"]]
        assert (row["generation"], row["model"]) == (own["generation"], str(finished.model))
        assert unpacked([row["vector"]])[0] == pytest.approx(embed([own["instruction"]])[0], abs=1e-3)
        assert 0 <= row["cluster"] < 16  # each seed is far enough from the others to be a landmark
        assert (row["level"] is None) == (own["generation"] == 0)
        if row["level"] is not None:
            assert row["level"] == sum(own["code_branches"] >= bound for bound in (2, 5, 10))


def test_a_model_that_is_not_there_is_refused_before_spark_starts(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    for changes, said in (
        ({"operators": {"selection": "novelty"}, "diversity": {"model": missing}}, "operators.selection: novelty: "),
        ({"diversity": {"model": missing}}, "diversity.model: "),
    ):
        with pytest.raises(ConfigurationError, match=f"^{said}.*no folder with config.json"):
            check_diversity(settings(tmp_path, "http://unused", **changes))
    check_diversity(settings(tmp_path, "http://unused"))
    check_diversity(settings(tmp_path, "http://unused", diversity={"model": missing, "sample": 0}))
