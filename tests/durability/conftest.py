"""A run that nothing befalls, to hold the others against."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config import Config
from tests import scripted_model
from tests.durability.small_run import evolve, ledger, population, settings, table
from tests.made_once import made_once
from tests.scripted_server import ScriptedServer


@dataclass(frozen=True)
class FirstRound:
    """What a run comes to with `max_rounds: 1`: its population, and its ledger."""

    population: list[dict[str, Any]]
    replies: dict[str, str]


@dataclass(frozen=True)
class Undisturbed:
    """A finished run of two rounds, and how many requests it took."""

    config: Config
    requests: int

    def first_round(self) -> FirstRound:
        """Return what the run would have come to with one round: no later one changes what a round asks or accepts.

        `test_killed_processes.py` compares it with runs of one round.
        """
        later = {row["id"] for row in table(self.config, "candidates") if row["round"] > 0}
        rows = [row for row in population(self.config) if row["id"] not in later]
        return FirstRound(
            [{**row, "ordinal": ordinal} for ordinal, row in enumerate(rows)],
            {row["request_id"]: row["text"] for row in table(self.config, "replies") if row["round"] == 0},
        )


@pytest.fixture(scope="package")
def undisturbed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """A run that nothing befell, made once for all processes of the tests."""

    def make(folder: Path) -> None:
        with ScriptedServer(scripted_model.answer, model="scripted") as server:
            evolve(spark, settings(folder, server.url))
            (folder / "run.json").write_text(json.dumps([server.url, server.calls.total()]))

    folder = made_once(tmp_path_factory, "undisturbed", make)
    url, requests = json.loads((folder / "run.json").read_text())
    run = Undisturbed(settings(folder, url), requests)
    (row,) = (row for row in table(run.config, "generations") if row["generation"] == 1)
    assert (row["accepted"], row["shortfall"], row["rounds"]) == (6, 0, 2)
    first = run.first_round()
    assert len(population(run.config)) > len(first.population) > 8 + 2
    assert requests == len(ledger(run.config)) > len(first.replies)
    return run
