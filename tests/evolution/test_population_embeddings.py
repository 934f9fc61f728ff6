"""A run that breeds for rare kinds and compares by meaning, by an engine that knows equal from unequal."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.preflight import check_embeddings
from genetic_udfs.commands.evolve import new_run
from genetic_udfs.embedding.landmarks import unpacked
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.evolution.duplicates import EMBEDDED_CANDIDATES, EMBEDDED_TEXTS, embedded_candidates
from genetic_udfs.reporting.progress import Progress
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.evolution.test_evolution import evolve, settings
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

# The engine knows no letters but a to z: to it, all words that have another are the same word.
OTHER_LETTERS = str.maketrans("abdefgiklmnoprstuy", "бвдежзийклмнпрстуф")
KNOWN, UNKNOWN = "Write a function for ", "Write one function for "


def answer(request: Request) -> Answer:
    """Tell some instructions in words that the engine does not know, and embed what it knows of them."""
    if "input" in request.body:
        return scripted_model.answer(replace(request, prompt=as_known(request.prompt)))
    given = scripted_model.answer(request)
    lines = given.text.split("\n")
    for number, line in enumerate(lines):
        before, known, words = line.partition(KNOWN)
        if known and len(words) % 2:
            lines[number] = before + UNKNOWN + words.translate(OTHER_LETTERS)
    return replace(given, text="\n".join(lines))


def as_known(text: str) -> str:
    """Return what the engine knows of a text."""
    return re.sub(r"\w*[^\x00-\x7f]\w*", "?", text.lower())


class Finished:
    def __init__(self, store: Path) -> None:
        self.store = store

    def table(self, name: str) -> list[dict[str, Any]]:
        return delta_rows(self.store / name)


@pytest.fixture(scope="module")
def finished(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    store = tmp_path_factory.mktemp("elites")
    with ScriptedServer(answer, model="scripted") as server:
        config = settings(
            store,
            server.url,
            colonies=1,
            samples_per_generation=5,
            max_rounds=2,
            operators={"selection": "elites"},
            engines={
                "scripted": {"model": "scripted", "url": server.url, "max_num_seqs": 16},
                "vectors": {"model": "scripted", "url": server.url, "task": "embed"},
            },
            dedup={"audit": 0, "semantic": {"threshold": 0.9999, "model": "engine:vectors"}},
            diversity={"sample": 10, "model": "engine:vectors"},
            decontamination={"human_eval": False},
        )
        evolve(spark, config)
        yield Finished(store)


def test_the_embeddings_of_the_population_are_kept_with_their_cells(finished: Finished) -> None:
    population = {row["id"]: row for row in finished.table("population")}
    rows = finished.table("embeddings")
    assert {row["id"] for row in rows} == population.keys() and len(rows) == len(population)
    for row in rows:
        own = population[row["id"]]
        assert (row["generation"], row["model"]) == (own["generation"], "engine scripted")
        direction = np.array(scripted_model.vector(as_known(own["instruction"][:4000])))
        assert unpacked([row["vector"]])[0] == pytest.approx(direction / np.linalg.norm(direction), abs=1e-3)
        assert 0 <= row["cluster"] < 16  # each seed is far enough from the others to be a landmark
        assert (row["level"] is None) == (own["generation"] == 0)
        if row["level"] is not None:
            assert row["level"] == sum(own["code_branches"] >= bound for bound in (2, 5, 10))


def test_distances_are_measured_by_an_engine_too(finished: Finished) -> None:
    rows = {row["generation"]: row["diversity"] for row in finished.table("generations")}
    assert rows[0]["model"] == rows[1]["model"] == "engine scripted"
    assert rows[0]["sample"] == 10 and 0 < rows[0]["nearest_other"]["p5"] <= rows[0]["nearest_other"]["mean"]
    assert rows[1]["nearest_earlier"]["mean"] > 0


def test_what_says_the_same_in_other_words_is_rejected_with_its_partner(finished: Finished) -> None:
    candidates = {row["id"]: row for row in finished.table("candidates")}
    known = candidates.keys() | {row["id"] for row in finished.table("population")}
    found = [row for row in candidates.values() if row["reason"] == "semantic_duplicate"]
    assert found
    for row in found:
        assert row["duplicate_of"] in known - {row["id"]}
        assert 0.9999 <= row["similarity"] <= 1.0
        assert row["detail"] == f"cosine {row['similarity']:.3f} with {row['duplicate_of']}"
        assert row["instruction"].startswith(UNKNOWN) and row["coder_request"] is None
    # All have as many words of which the engine knows none, so of those that are accepted there is one at most.
    assert sum(row["instruction"].startswith(UNKNOWN) for row in finished.table("population")) <= 1


def test_vectors_of_what_is_not_accepted_are_left_where_they_are(spark: SparkSession, tmp_path: Path) -> None:
    with Progress() as progress:
        run = new_run(spark, settings(tmp_path, "http://unused"), progress)
    rows = [(name, 0, bytearray(name, "ascii"), f"content of {name[0]}") for name in ("a2", "a1", "b1")]
    made = spark.createDataFrame(rows, EMBEDDED_CANDIDATES)
    run.scratch.checkpoint(made, f"generation-1/round-0/{EMBEDDED_TEXTS}")
    found = embedded_candidates(run, 1, made.filter("id = 'a2'").select("id", "content_hash"))
    assert found is not None
    assert [tuple(row) for row in found.collect()] == [("content of a", b"a1")]


def test_a_model_that_is_not_there_is_refused_before_spark_starts(tmp_path: Path) -> None:
    missing = str(tmp_path / "none")
    for changes, said in (
        ({"operators": {"selection": "novelty"}, "diversity": {"model": missing}}, "operators.selection: novelty: "),
        ({"diversity": {"model": missing}}, "diversity.model: "),
        ({"dedup": {"semantic": {"model": missing}}}, "dedup.semantic.model: "),
    ):
        with pytest.raises(ConfigurationError, match=f"^{said}.*no folder with config.json"):
            check_embeddings(settings(tmp_path, "http://unused", **changes))
    check_embeddings(settings(tmp_path, "http://unused"))
    check_embeddings(settings(tmp_path, "http://unused", diversity={"model": missing, "sample": 0}))
