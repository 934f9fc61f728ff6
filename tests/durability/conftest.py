"""A run that nothing befalls, to hold the others against."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from tests import scripted_model
from tests.durability.small_run import evolve, settings, table
from tests.made_once import made_once
from tests.scripted_server import ScriptedServer


@dataclass(frozen=True)
class Undisturbed:
    """A finished run, and how many requests it took."""

    config: Config
    requests: int


@pytest.fixture(scope="package")
def undisturbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    run = undisturbed_run(spark, tmp_path_factory, "undisturbed", max_rounds=6)
    (row,) = (row for row in table(run.config, "generations") if row["generation"] == 1)
    assert (row["accepted"], row["shortfall"]) == (6, 0)
    assert row["rounds"] >= 2
    return run


def undisturbed_run(spark: SparkSession, factory: pytest.TempPathFactory, name: str, *, max_rounds: int) -> Undisturbed:
    """Return a run that nothing befell, made once for all processes of the tests."""

    def make(folder: Path) -> None:
        with ScriptedServer(scripted_model.answer, model="scripted") as server:
            evolve(spark, settings(folder, server.url, max_rounds=max_rounds))
            (folder / "run.json").write_text(json.dumps([server.url, server.calls.total()]))

    folder = made_once(factory, name, make)
    url, requests = json.loads((folder / "run.json").read_text())
    return Undisturbed(settings(folder, url, max_rounds=max_rounds), requests)
