"""The README's first command with a real model on vLLM, its output read back by the second reader and by SQL."""

import json
import os
import re
import shlex
import subprocess
from collections import Counter
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.commands import sql as sql_job
from genetic_udfs.config.file import load_config
from genetic_udfs.data.seeds import read_seeds
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.roles.entry_points import asked_of, missing_from
from genetic_udfs.store.tables import SCHEMAS
from tests.conftest import FOR_LITTLE_DATA, PROJECT
from tests.delta_rows import delta_rows

# conf/local.yaml with less to make, half of whose solutions have to agree, and more rounds to make it in: of so few
# candidates none may be accepted.
CHANGES = """
acceptance=execution>=0.5
generations=1
colonies=2
samples_per_generation=4
max_rounds=30
engines.smollm.args.kv-cache-memory-bytes=268435456
"""

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(3600)]


def submit(folder: Path, job: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run spark-submit.sh as a user does, from another folder, without this test's own Spark settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK", "SPARK"))}
    environment["SPARK_SUBMIT_ARGS"] = shlex.join(f"--conf={key}={value}" for key, value in FOR_LITTLE_DATA.items())
    changes = [word for change in (*CHANGES.split(), f"store={folder / 'store'}") for word in ("--set", change)]
    return subprocess.run(
        [str(PROJECT / "spark-submit.sh"), f"jobs/{job}", "conf/local.yaml", *options, *changes],
        cwd=folder,
        env=environment,
        text=True,
        capture_output=True,
        stdin=subprocess.DEVNULL,
        timeout=3000,
    )


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("end-to-end")
    done = submit(folder, "evolve.py")
    (folder / "evolve.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    return delta_rows(folder / "store" / table)


def number_of_seeds() -> int:
    config = load_config(PROJECT / "conf" / "local.yaml")
    return len(read_seeds(config.seeds, config.seeds_where))


def test_a_generation_in_two_colonies_accepts_4_pairs(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    shares = Counter((row["generation"], row["colony"]) for row in rows(folder, "population"))
    assert shares == {(0, None): number_of_seeds(), **{(1, colony): 2 for colony in range(2)}}


def test_every_accepted_pair_was_written_solved_and_judged_by_the_model(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    replies = {row["request_id"]: row for row in rows(folder, "replies")}
    accepted = [row for row in rows(folder, "candidates") if row["status"] == "accepted"]
    assert len(accepted) == 4
    for row in accepted:
        written, solved, judged = (replies[row[f"{role}_request"]] for role in ("instructor", "coder", "judge"))
        assert row["instruction"] in written["text"]
        assert row["response"] == solved["text"]
        compile(row["code"], row["id"], "exec", dont_inherit=True)
        assert judged["text"] == (r"\boxed{Yes}" if row["verdict"] else r"\boxed{No}")
        assert 0 < row["fitness"] == judged["yes_probability"] <= 1
        assert missing_from(row["code"], asked_of(row["instruction"])) == []
        assert row["agreement"] >= 0.5
    assert all(row["completion_tokens"] > 0 and row["seconds"] > 0 for row in replies.values() if not row["error"])


def test_progress_is_reported_while_it_runs_and_a_summary_at_the_end(evolved: tuple[Path, str]) -> None:
    _, output = evolved
    assert re.search(r"generation 1, round 0: instructor: \d+/\d+, engine 'smollm': starting, \d+ s", output)
    assert re.search(r"generation 1, round \d+: judge: \d+ replies in \d+ s \([\d.]+ rows/s, \d+ tokens/s\)", output)
    for word in ("asked", "accepted", "acceptance", "output tokens/s", "Try: ./spark-submit.sh jobs/sql.py"):
        assert word in output


def test_sql_reads_the_population_at_a_generation_as_whole_objects(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    query = """SELECT id, operator, parents, costs, (SELECT count(*) FROM population VERSION AS OF 0) AS seeds
               FROM population VERSION AS OF 1, generations WHERE generations.generation = 1"""
    done = submit(folder, "sql.py", query, "--format", "json")
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert all(set(row) == {"id", "operator", "parents", "costs", "seeds"} for row in found)
    assert {row["seeds"] for row in found} == {number_of_seeds()}
    population = {row["id"]: row for row in rows(folder, "population")}
    assert len(found) == len(population) == number_of_seeds() + 4
    for row in found:
        assert row["operator"] == population[row["id"]]["operator"]
        assert row["parents"] == population[row["id"]]["parents"]
        assert {cost["role"] for cost in row["costs"]} == {"instructor", "coder", "judge"}


def test_a_query_that_is_wrong_says_so(
    spark: SparkSession, evolved: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job in this process, with a session that it may not stop."""
    monkeypatch.setattr(sql_job, "job_session", lambda *_: nullcontext(spark.newSession()))
    store = f"store={evolved[0] / 'store'}"
    try:
        with pytest.raises(ConfigurationError, match="the query cannot be run") as wrong:
            sql_job.sql(PROJECT / "conf" / "local.yaml", "SELECT nothing FROM population", overrides=[store])
    finally:
        for table in SCHEMAS:
            spark.sql(f"DROP TABLE IF EXISTS {table}")
    assert wrong.value.exit_code == 2
    assert "Traceback" not in "".join(capsys.readouterr())
