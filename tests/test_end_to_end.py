"""The README's first command with a real model on vLLM, its output read back by the second reader and by SQL."""

import csv
import io
import json
import os
import re
import subprocess
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from deltalake import DeltaTable

PROJECT = Path(__file__).resolve().parent.parent

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(1800)]


def submit(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run spark-submit.sh as a user does, from another folder, without this test's own Spark settings."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("PYSPARK", "SPARK"))}
    command = [str(PROJECT / "spark-submit.sh"), *arguments, "--set", f"store={folder / 'store'}"]
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=1500
    )


@pytest.fixture(scope="module")
def evolved(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    folder = tmp_path_factory.mktemp("end-to-end")
    done = submit(folder, "jobs/evolve.py", "conf/local.yaml")
    (folder / "evolve.log").write_text(done.stdout + done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder, done.stdout


def rows(folder: Path, table: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = DeltaTable(folder / "store" / table).to_pyarrow_table().to_pylist()
    return found


def test_two_generations_in_four_colonies_accept_24_pairs(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    shares = Counter((row["generation"], row["colony"]) for row in rows(folder, "population"))
    assert shares == {(0, None): 128, **{(g, colony): 3 for g in (1, 2) for colony in range(4)}}


def test_every_accepted_pair_was_written_solved_and_judged_by_the_model(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    replies = {row["request_id"]: row for row in rows(folder, "replies")}
    accepted = [row for row in rows(folder, "candidates") if row["status"] == "accepted"]
    assert len(accepted) == 24
    for row in accepted:
        written, solved, judged = (replies[row[f"{role}_request"]] for role in ("instructor", "coder", "judge"))
        assert row["instruction"] in written["text"]
        assert row["response"] == solved["text"]
        compile(row["code"], row["id"], "exec", dont_inherit=True)
        assert judged["text"].endswith(r"\boxed{Yes}")
        assert 0 < row["fitness"] == judged["yes_probability"] <= 1
    assert all(row["completion_tokens"] > 0 and row["seconds"] > 0 for row in replies.values() if not row["error"])


def test_progress_is_told_while_it_runs_and_a_summary_at_the_end(evolved: tuple[Path, str]) -> None:
    _, output = evolved
    assert re.search(r"generation 1, round 0: instructor: \d+/\d+, engine 'smollm': starting, \d+ s", output)
    assert re.search(r"generation 2, round \d+: judge: \d+ replies in \d+ s \([\d.]+ rows/s, \d+ tokens/s\)", output)
    for word in ("asked", "accepted", "acceptance", "output tokens/s", "Try: ./spark-submit.sh jobs/sql.py"):
        assert word in output


def test_sql_reads_the_population_at_a_generation(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    query = "SELECT operator, count(*) AS pairs FROM population VERSION AS OF 1 GROUP BY operator ORDER BY operator"
    done = submit(folder, "jobs/sql.py", "conf/local.yaml", query, "--format", "csv")
    assert done.returncode == 0, done.stderr
    counts = {row["operator"]: int(row["pairs"]) for row in csv.DictReader(io.StringIO(done.stdout))}
    expected = Counter(row["operator"] for row in rows(folder, "population") if row["generation"] <= 1)
    assert counts == expected
    assert counts["seed"] == 128


def test_a_second_start_goes_on_without_asking_again(evolved: tuple[Path, str]) -> None:
    folder, _ = evolved
    before, started = rows(folder, "replies"), time.monotonic()
    done = submit(folder, "jobs/evolve.py", "conf/local.yaml")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "generation 2 is done; going on from there" in done.stdout
    assert rows(folder, "replies") == before
    assert time.monotonic() - started < 180


def test_a_query_that_is_wrong_says_so(evolved: tuple[Path, str]) -> None:
    done = submit(evolved[0], "jobs/sql.py", "conf/local.yaml", "SELECT nothing FROM population")
    assert done.returncode == 2
    assert "error: the query cannot be run" in done.stdout
    assert "Traceback" not in done.stdout


def test_json_rows_are_whole_objects(evolved: tuple[Path, str]) -> None:
    query = "SELECT id, parents, costs FROM generations, population WHERE depth > 0 LIMIT 2"
    done = submit(evolved[0], "jobs/sql.py", "conf/local.yaml", query, "--format", "json")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert set(json.loads(line)) == {"id", "parents", "costs"}
