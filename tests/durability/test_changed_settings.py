"""What may change between two starts of a run, and what is refused by its name."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from deltalake import DeltaTable
from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.preflight import check_seeds
from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.config import Config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.runs import check_same_settings, runs_before
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.durability.conftest import Undisturbed
from tests.durability.small_run import copy_of, evolve, population, settings, table, table_path
from tests.scripted_server import ScriptedServer

pytestmark = pytest.mark.slow


def versions(config: Config) -> dict[str, int]:
    return {
        name: DeltaTable(table_path(config, name)).version()
        for name in ("population", "candidates", "replies", "generations", "runs", "dedup_index")
    }


def test_what_would_change_the_meaning_of_rows_is_refused_by_name_and_nothing_is_written(
    spark: SparkSession, tmp_path: Path, undisturbed: Undisturbed
) -> None:
    changes: dict[str, Any] = {
        "seed": 6,
        "colonies": 3,
        "dedup": {"threshold": 0.8, "shingle_words": 2, "audit": 0},
        "samples_per_generation": 5,
    }
    config = settings(copy_of(undisturbed.config, tmp_path), "http://127.0.0.1:9/v1", generations=2, **changes)
    before = versions(config)
    with pytest.raises(ConfigurationError) as refused:
        evolve(spark, config)
    told = dict(re.findall(r"^  ([\w.]+): (\S+ in the store, \S+) in the configuration$", str(refused.value), re.M))
    assert told == {
        "seed": "5 in the store, 6",
        "colonies": "2 in the store, 3",
        "dedup.threshold": "0.7 in the store, 0.8",
        "dedup.shingle_words": "3 in the store, 2",
    }
    more = settings(tmp_path, "http://127.0.0.1:9/v1", generations=2, operators={"crossover_parents": 15})
    too_small = r"15 different parents, but .* has a population of 14; fork a larger"  # of a fork
    with Progress() as progress, pytest.raises(ConfigurationError, match=too_small):
        evolve_recorded(new_run(spark, more, progress), check_seeds(config), [])
    assert versions(config) == before


@pytest.mark.parametrize("change", ["another text", "another order", "one more"])
def test_other_seeds_are_refused(spark: SparkSession, tmp_path: Path, undisturbed: Undisturbed, change: str) -> None:
    config = settings(tmp_path, "http://127.0.0.1:9/v1").model_copy(update={"store": undisturbed.config.store})
    lines = Path(config.seeds).read_text().splitlines()
    added = json.dumps({"id": "new", "instruction": "Write a function that reverses the words of a line of text."})
    others = {"another text": [added, *lines[1:]], "another order": lines[::-1], "one more": [*lines, added]}
    Path(config.seeds).write_text("\n".join(others[change]))
    with pytest.raises(ConfigurationError, match=r"\n  seeds: 8 seeds, sha256 \w+ in the store, \d seeds, sha256"):
        check_same_settings(runs_before(Store(spark, config.store)), config, check_seeds(config))


def test_everything_else_is_taken_and_each_configuration_is_kept(
    spark: SparkSession, tmp_path: Path, undisturbed: Undisturbed, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = copy_of(undisturbed.config, tmp_path)
    ropes = folder / "ropes.jsonl"
    ropes.write_text(json.dumps({"text": "Tell how often a rope crosses itself if it is braided with so many turns"}))
    test_set = {"path": str(ropes), "instructions": ["text"]}
    with ScriptedServer(scripted_model.answer, model="other") as server:
        config = settings(
            folder,
            server.url,
            generations=2,
            samples_per_generation=2,
            max_rounds=9,
            engines={"other": {"model": "other", "url": [server.url], "max_num_seqs": 3}},
            roles={
                role: {"engine": "other", "temperature": 0.25, "max_tokens": 150}
                for role in ("instructor", "coder", "judge")
            },
            ledger={"wave_size": 100},
            filters={"min_words": 7},
            decontamination={
                "human_eval": False,
                "benchmarks": {"ropes": test_set},
            },
        )
        first, second, third = evolve(spark, config)
        assert server.calls.total() > 0
    assert (second["accepted"], third["accepted"]) == (6, 2)
    assert population(config)[:14] == population(undisturbed.config)
    assert second["fingerprint"] == undisturbed.config.fingerprint() == first["fingerprint"]
    assert third["fingerprint"] == config.fingerprint() != second["fingerprint"]
    runs = sorted(table(config, "runs"), key=lambda run: run["started_at"])
    kept = [yaml.safe_load(run["configuration"]) for run in runs]
    assert [(c["generations"], c["ledger"]["wave_size"], c["roles"]["coder"]["temperature"]) for c in kept] == [
        (1, 4, 0.7),
        (2, 100, 0.25),
    ]
    assert [dict(run["versions"]).get("test set ropes", "")[:16] for run in runs] == ["", "1 items, sha256 "]
    told = " ".join(capsys.readouterr().err.split())
    assert "test set ropes: 1 items, sha256" in told
    assert "not there in the last run; no earlier generation was checked" in told
    assert told.count("the model is other, and was scripted in the last run; a generation that is not decided") == 3
    evolve(spark, config.model_copy(update={"generations": 1}))
    told = " ".join(capsys.readouterr().err.split())
    assert "the model is" not in told
    assert "generation 2 is done, and generations is 1: nothing is left to do" in told
