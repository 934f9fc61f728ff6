"""`jobs/evolve.py --preview` and `--explain`: a round that leaves nothing, and what is done of a run."""

import io
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
import typer
from pyspark.sql import SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import LongType
from rich.console import Console
from typer.testing import CliRunner

from genetic_udfs.commands.cli.evolve import OPTIONAL_VALUES, evolve
from genetic_udfs.commands.evolve import Inputs
from genetic_udfs.commands.explain import RunState, format_state, print_plan, state_of
from genetic_udfs.commands.job_exit import with_values
from genetic_udfs.commands.preview import print_forecast, run_preview
from genetic_udfs.errors import StoreError
from genetic_udfs.evolution.plan import stages_of
from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, REPLIES
from genetic_udfs.store.tables import SCHEMAS, Store
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.evolution.test_evolution import seeds, settings
from tests.scripted_server import ScriptedServer


@pytest.mark.slow
def test_a_preview_runs_one_round_of_so_many_slots_and_leaves_nothing(spark: SparkSession, tmp_path: Path) -> None:
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        config = settings(tmp_path / "new" / "deep" / "store", server.url, dedup={}, diversity={})
        before = set(tmp_path.iterdir())
        candidates, seen = run_preview(spark, config, Inputs(seeds(), [], None), slots=5)
        asked = len(server.requests)
    assert set(tmp_path.iterdir()) == before
    assert (seen.slots, seen.candidates) == (5, len(candidates))
    assert 5 <= len(candidates) <= 10
    assert sum(role.requests for role in seen.roles.values()) == asked > 5
    assert 0 < seen.passed == sum(one.reason in {None, "over_quota"} for one in candidates)
    assert all(parent.startswith("Write") or " " in parent for one in candidates for parent in one.parents)
    assert seen.row_bytes > sum(len(one.instruction or "") + len(one.code or "") for one in candidates)
    assert seen.pair_bytes > 500 and seen.seed_bytes > sum(len(seed.instruction) for seed in seeds())
    out = io.StringIO()
    console = Console(file=out, width=120)
    print_forecast(console, config, seen, config.generations, 100.0)
    text = out.getvalue()
    assert f"({seen.passed} of {seen.candidates}, from 5 slots)" in text
    assert "hours as seen" in text and "at 100 tokens/s" in text
    assert "Nine times in ten it is" in text
    first = [line.split("│")[1].strip() for line in text.splitlines() if "│" in line]
    assert sorted(first) == ["all", "coder", "instructor", "judge"]


def test_what_is_done_of_a_run_is_read(spark: SparkSession, made_once: Path, tmp_path: Path) -> None:
    store = Store(spark, str(made_once))
    done = state_of(store)
    assert (done.generation, done.under_way, done.tables[:2]) == (2, 0, ["population", "candidates"])
    assert done.seen is not None
    assert (done.seen.slots, done.seen.candidates, done.seen.passed) == (7, 7, 5)
    asked = {names: seen.requests for names, seen in done.seen.roles.items()}
    assert asked == {("coder", "one"): 6, ("instructor", "one"): 7, ("judge", "one"): 6}
    assert (done.seen.row_bytes, done.seen.seed_bytes) == (
        size_of(store, "candidates") + size_of(store, "replies"),
        size_of(store, "population", lambda generation: generation == 0),
    )
    assert done.seen.pair_bytes == size_of(store, "population", lambda generation: generation > 0) / 5
    nothing = state_of(Store(spark, str(tmp_path / "none")))
    assert nothing == RunState(None, 0, [], None)
    assert not (tmp_path / "none").exists()


def test_a_plan_of_a_store_that_lost_a_table_is_refused(made: Store) -> None:
    shutil.rmtree(made.path(CANDIDATES))
    with pytest.raises(StoreError, match="the table candidates is missing, although the store has"):
        state_of(Store(made.spark, made.root))


def size_of(store: Store, table: str, where: Callable[[int], bool] = lambda generation: True) -> int:
    """Return the bytes of the values of a table's rows of some generations, counted one after another."""
    widths: dict[type, int] = {type(None): 0, bool: 1, float: 8, datetime: 8}
    longs = {field.name for field in SCHEMAS[table] if isinstance(field.dataType, LongType)}
    return sum(
        sum(len(each.encode()) for each in (value if isinstance(value, list) else [value]))
        if isinstance(value, (str, list))
        else (8 if name in longs else 4)
        if type(value) is int
        else widths[type(value)]
        for row in delta_rows(Path(store.path(table)))
        if where(row["generation"])
        for name, value in row.items()
    )


def test_what_is_under_way_is_not_counted_with_what_is_finished(made: Store) -> None:
    made.table(GENERATIONS).delete("generation = 2")
    made.table(REPLIES).update("request_id = 'judge a'", {"engine": F.lit("other")})  # as who judges paraphrases may be
    done = state_of(made)
    assert (done.generation, done.under_way) == (1, 10) and done.seen is not None
    assert (done.seen.slots, done.seen.candidates, done.seen.passed) == (3, 3, 2)
    asked = {names: seen.requests for names, seen in done.seen.roles.items()}
    assert asked == {("coder", "one"): 3, ("instructor", "one"): 3, ("judge", "one"): 2, ("judge", "other"): 1}
    assert done.seen.row_bytes == sum(
        size_of(made, table, lambda generation: generation < 2) for table in ("candidates", "replies")
    )
    assert done.seen.pair_bytes == size_of(made, "population", lambda generation: generation == 1) / 2


def test_a_plan_has_stages_engines_and_where_the_run_is(tmp_path: Path) -> None:
    config = settings(tmp_path / "store", "http://127.0.0.1:9/v1")
    out = io.StringIO()
    console = Console(file=out, width=120)
    print_plan(console, config, 16, stages_of(config, ["humaneval (164 items)"]), RunState(0, 12, ["population"], None))
    text = out.getvalue()
    for part in (
        f"{config.generations} generation",
        "from 16 seeds",
        "ask the Coder",
        "near-duplicates",
        "humaneval",
        "http://127.0.0.1:9/v1",
    ):
        assert part in text
    assert "Generation 0 of" in text and "one after it that are kept, and not asked for again: 12." in text
    assert format_state(config, RunState(None, 0, [], None)) == (
        "Nothing is done yet: it begins with the seeds. Tables that it will make: population, candidates, replies,"
        " generations, runs, dedup_index, dedup_manifest."
    )
    assert format_state(config, RunState(99, 0, ["runs"], None)).startswith("All is done: generation 99 of ")


def test_a_preview_may_stand_without_a_number_and_stands_alone() -> None:
    assert with_values(["evolve", "c", "--preview"], OPTIONAL_VALUES) == ["evolve", "c", "--preview", "8"]
    assert with_values(["evolve", "--preview", "c"], OPTIONAL_VALUES) == ["evolve", "--preview", "8", "c"]
    assert with_values(["evolve", "--preview", "3", "--set", "a=1"], OPTIONAL_VALUES)[2:4] == ["3", "--set"]
    app = typer.Typer()
    app.command()(evolve)
    for wrong, said in (
        (["c", "--preview", "3", "--take-over"], "stand alone"),
        (["c", "--preview", "3", "--explain"], "stand alone"),
        (["c", "--tokens-per-second", "5"], "is for --preview"),
        (["c", "--preview", "0"], "Invalid value for '--preview'"),
        (["c", "--preview", "nan"], "Invalid value for '--preview'"),
        (["c", "--explain", "--tokens-per-second", "nan"], "0.1"),
        (["c", "--explain", "--tokens-per-second", "-1"], "0.1"),
        (["c", "--explain", "--tokens-per-second", "1e400"], "--tokens-per-second inf: must be a finite number of 0.1"),
    ):
        done = CliRunner().invoke(app, wrong)
        assert done.exit_code == 2 and said in " ".join(done.output.replace("│", " ").split()), done.output
