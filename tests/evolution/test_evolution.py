"""Generations from end to end on Spark and Delta, with a scripted server in place of the models."""

import itertools
import json
import math
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from deltalake import DeltaTable
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.config import Config, Diversity
from genetic_udfs.data.seeds import Seed, read_seeds
from genetic_udfs.decontamination import read_items
from genetic_udfs.errors import EngineError
from genetic_udfs.evolution import loop
from genetic_udfs.evolution.diversity.distances import distinct_3
from genetic_udfs.evolution.diversity.meter import DiversityMeter
from genetic_udfs.evolution.diversity.pedigree import gini
from genetic_udfs.evolution.generation import make_generation
from genetic_udfs.evolution.loop import numbered
from genetic_udfs.evolution.run import Run
from genetic_udfs.reporting.progress import Progress
from genetic_udfs.store.maintenance import optimize, vacuum
from genetic_udfs.store.schema import CANDIDATES, POPULATION, POPULATION_SCHEMA
from genetic_udfs.store.tables import Store
from tests import scripted_model
from tests.decontamination.tiny_model import make_tiny_model
from tests.delta_rows import delta_rows
from tests.scripted_server import Answer, Request, ScriptedServer

pytestmark = pytest.mark.slow

TABLES = ("population", "candidates", "replies", "generations", "runs")
HOSTILE = [
    "{{ 7 * 7 }}{% include 'x' %} write it",
    '\'; DROP TABLE population; -- "quoted" \\',
    "nul \0 inside \U0001f600",
    "long " * 20_000,
]
PROBLEM = "Tell how often a rope of a given length crosses itself if it is braided with so many turns a metre"
SOLUTION = """def braid(rope, turns):
    crossings = 0
    for metre in range(int(rope.length)):
        crossings += turns(metre) * rope.strands - rope.slack
    return max(crossings, 0)
"""


class Evolved:
    """A finished run, its store and the server that played the models."""

    def __init__(self, store: Path, server: ScriptedServer, config: Config, generations: list[Row]) -> None:
        self.store, self.server, self.config, self.generations = store, server, config, generations
        self.asked = server.calls.total()  # until now: tests that go on from a copy ask the same server

    def table(self, name: str, version: int | None = None) -> list[dict[str, Any]]:
        """Read a table with the Rust reader, which shares no code with Spark."""
        return delta_rows(self.store / name, version)

    def copy(self) -> "Evolved":
        """Return a copy of the run that a test may go on with."""
        folder = Path(tempfile.mkdtemp(dir=self.store.parent))
        shutil.copytree(self.store, folder, dirs_exist_ok=True)
        config = self.config.model_copy(update={"store": str(folder)})
        return Evolved(folder, self.server, config, self.generations)


def settings(store: Path, url: str, **changes: Any) -> Config:
    """Return a configuration of two generations in three colonies, without what most tests do not look at."""
    return Config.model_validate(
        {
            "store": str(store),
            "seed": 5,
            "seeds": "given by the test",
            "generations": 2,
            "colonies": 3,
            "samples_per_generation": 7,
            "max_rounds": 6,
            "engines": {"scripted": {"model": "scripted", "url": url, "max_num_seqs": 16}},
            "roles": {role: {"engine": "scripted", "max_tokens": 200} for role in ("instructor", "coder", "judge")},
            "decontamination": {"human_eval": False},
            "dedup": {"audit": 0},
            "diversity": {"sample": 0},
            **changes,
        }
    )


def seeds() -> list[Seed]:
    file = Path(__file__).parents[2] / "seeds" / "seeds.jsonl"
    return [*read_seeds(file)[:12], *(Seed(f"hostile-{i}", text) for i, text in enumerate(HOSTILE))]


def evolve(spark: SparkSession, config: Config, interfere: Callable[[Run], None] | None = None) -> list[Row]:
    with Progress() as progress:
        run = new_run(spark, config, progress)
        if interfere is not None:
            interfere(run)
        return evolve_recorded(run, seeds(), read_items(config.decontamination))


@pytest.fixture(scope="module")
def evolved(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Evolved]:
    store = tmp_path_factory.mktemp("evolved")
    with ScriptedServer(scripted_model.answer, model="scripted") as server:
        config = settings(store, server.url, decontamination={}, dedup={}, diversity={})
        yield Evolved(store, server, config, evolve(spark, config))


def test_every_generation_accepts_its_samples_in_equal_shares(evolved: Evolved) -> None:
    population = evolved.table("population")
    shares = Counter((row["generation"], row["colony"]) for row in population)
    assert shares == {(0, None): 16, **{(g, c): 3 if c == 0 else 2 for g in (1, 2) for c in range(3)}}
    assert [row["accepted"] for row in evolved.generations] == [16, 7, 7]
    assert [row["shortfall"] for row in evolved.generations] == [0, 0, 0]


def test_a_generation_is_a_version_of_the_population(evolved: Evolved) -> None:
    assert [len(evolved.table("population", version)) for version in range(3)] == [16, 23, 30]
    assert [row["population_version"] for row in evolved.generations] == [0, 1, 2]
    history = DeltaTable(evolved.store / "population").history()
    metadata = [json.loads(commit["userMetadata"]) for commit in reversed(history)]
    assert [entry["generation"] for entry in metadata] == [0, 1, 2]
    assert {entry["run_id"] for entry in metadata} == {evolved.table("runs")[0]["run_id"]}


def test_ordinals_have_no_gap(evolved: Evolved) -> None:
    population = sorted(evolved.table("population"), key=lambda row: row["ordinal"])
    assert [row["ordinal"] for row in population] == list(range(30))
    assert [row["generation"] for row in population] == sorted(row["generation"] for row in population)


def test_ordinals_follow_colony_round_slot_and_item_however_many_slots_a_task_orders(
    spark: SparkSession, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = [(*key, item) for key in itertools.product(range(2), range(2), range(5)) for item in range(1 + key[2] % 2)]
    rows = [(str(key), *key) for key in reversed(keys)]
    accepted = spark.createDataFrame(rows, "id string, colony int, round int, slot int, item int")
    monkeypatch.setattr(loop, "_SLOTS_A_PART", 2)
    found = numbered(accepted, 7).select("ordinal", "colony", "round", "slot", "item").orderBy("ordinal").collect()
    assert [tuple(row) for row in found] == [(7 + place, *key) for place, key in enumerate(keys)]


def test_diversity_tells_whose_descendants_a_generation_has(evolved: Evolved) -> None:
    rows = evolved.table("population")
    parents = {row["id"]: row["parents"] for row in rows}
    topics = {seed.id: seed.topic for seed in seeds() if seed.topic}

    def shares(id_: str, share: float) -> Iterator[tuple[str, float]]:
        if not parents[id_]:
            yield id_, share
        for parent in parents[id_]:
            yield from shares(parent, share / len(parents[id_]))

    for done in evolved.table("generations"):
        found = done["diversity"]
        own = [row for row in rows if row["generation"] == done["generation"]]
        given = dict.fromkeys((seed.id for seed in seeds()), 0.0)
        for row in own:
            for seed, share in shares(row["id"], 1.0):
                given[seed] += share
        alive = {topics[seed] for seed, share in given.items() if share and seed in topics}
        assert found["topics"] == pytest.approx(len(alive) / len(set(topics.values())))
        assert found["gini"] == pytest.approx(gini(np.array([*given.values()])))
        words = distinct_3([row["instruction"] for row in own])
        assert words is not None
        assert [found[f"distinct_3{end}"] for end in ("", "_low", "_high")] == pytest.approx([*words])
        assert found["sample"] == len(own) and 0 <= found["lineage_entropy"] <= math.log2(len(own))
        assert (found["model"] is None) == (found["nearest_other"] is None)


def test_a_process_that_has_not_made_the_generations_before_measures_the_same(
    evolved: Evolved, spark: SparkSession, tmp_path: Path
) -> None:
    model = str(make_tiny_model(tmp_path / "model"))
    config = evolved.config.model_copy(update={"diversity": Diversity(sample=10, model=model)})
    with Progress() as progress:
        run = new_run(spark, config, progress)
        store = run.store

        def measured(meter: DiversityMeter, generation: int, status: str = "accepted") -> Any:
            rows = store.read(CANDIDATES).filter(F.col("generation") == generation)
            collected = rows.groupBy("round").agg(*meter.columns(F.col("status") == status, 30)).toArrow()
            return meter.measure(generation, collected)

        there = DiversityMeter(run, seeds())
        first = there.measure_seeds(seeds())
        made = [measured(there, 1)]
        nothing = measured(there, 2, "nobody is")
        made.append(measured(there, 2))
        later = measured(DiversityMeter(run, seeds()), 2)
    assert nothing["sample"] == 0
    assert [nothing[name] for name in ("nearest_other", "nearest_earlier", "topics", "gini")] == [None] * 4
    assert first is not None and (first["sample"], first["nearest_earlier"]) == (10, None)
    assert later["model"].startswith("sha256:")
    for name, value in later.items():  # texts are embedded in other batches, whose sums are rounded otherwise
        assert value == (pytest.approx(made[1][name], rel=1e-3) if name.startswith("nearest") else made[1][name])
    for one in made:
        assert one["sample"] == 7
        for distance in (one["nearest_other"], one["nearest_earlier"]):
            assert 0 <= distance["p5"] <= distance["mean"] and distance["low"] <= distance["mean"] <= distance["high"]
    descent = {row["generation"]: row["diversity"] for row in evolved.table("generations")}
    for generation, one in enumerate([first, *made]):
        stored = descent[generation]
        assert {name: one[name] for name in ("topics", "gini", "lineage_entropy")} == {
            name: stored[name] for name in ("topics", "gini", "lineage_entropy")
        }


def test_hostile_seeds_stand_in_the_population_as_they_were_given(evolved: Evolved) -> None:
    stored = {row["id"]: row["instruction"] for row in evolved.table("population") if row["generation"] == 0}
    assert stored == {seed.id: seed.instruction for seed in seeds()}


def test_every_attempt_is_a_candidate_with_a_status_and_the_rejected_have_a_reason(evolved: Evolved) -> None:
    candidates = evolved.table("candidates")
    assert len({row["id"] for row in candidates}) == len(candidates)
    assert {row["status"] for row in candidates} == {"accepted", "rejected"}
    for row in candidates:
        assert (row["reason"] is None) == (row["status"] == "accepted")
        assert (row["detail"] is None) == (row["status"] == "accepted")
    reasons = Counter((row["generation"], row["reason"]) for row in candidates if row["reason"])
    for generation in evolved.generations[1:]:
        assert generation["reasons"] == {r: n for (g, r), n in reasons.items() if g == generation["generation"]}
        assert generation["asked"] == generation["accepted"] + sum(generation["reasons"].values())
    assert ("judged_no" in {reason for _, reason in reasons}) is True


def test_the_population_is_what_the_candidates_say_was_accepted(evolved: Evolved) -> None:
    columns = (
        "id",
        "generation",
        "colony",
        "instruction",
        "response",
        "code",
        "parents",
        "operator",
        "task",
        "depth",
        "verdict",
        "fitness",
        "content_hash",
    )
    accepted = {
        row["id"]: {name: row[name] for name in columns}
        for row in evolved.table("candidates")
        if row["status"] == "accepted"
    }
    population = {
        row["id"]: {name: row[name] for name in columns} for row in evolved.table("population") if row["generation"]
    }
    assert population == accepted


def test_parents_are_individuals_of_earlier_rounds_that_the_colony_could_draw(evolved: Evolved) -> None:
    population = {row["id"]: row for row in evolved.table("population")}
    rounds = {row["id"]: row["round"] for row in evolved.table("candidates")}
    for row in evolved.table("candidates"):
        assert len(row["parents"]) == (3 if row["operator"] == "crossover" else 1)
        for parent in (population[parent] for parent in row["parents"]):
            assert parent["generation"] <= row["generation"]
            if parent["generation"] == row["generation"]:
                assert parent["colony"] == row["colony"]
                assert rounds[parent["id"]] < row["round"]
        if row["operator"] == "mutation":
            assert row["task"] is not None
            assert row["depth"] == population[row["parents"][0]]["depth"] + 1 <= 3
        else:
            assert (row["task"], row["depth"]) == (None, 0)


def test_every_accepted_pair_has_its_three_replies_in_the_ledger(evolved: Evolved) -> None:
    replies = {row["request_id"]: row for row in evolved.table("replies")}
    accepted = [row for row in evolved.table("candidates") if row["status"] == "accepted"]
    for row in accepted:
        assert [replies[row[f"{role}_request"]]["role"] for role in ("instructor", "coder", "judge")] == [
            "instructor",
            "coder",
            "judge",
        ]
        assert replies[row["coder_request"]]["text"] == row["response"]
        assert row["code"] in row["response"]
        assert row["fitness"] == replies[row["judge_request"]]["yes_probability"] == pytest.approx(0.9)
    assert all(row["sent_at"] is not None and row["template"] and row["sampling"] for row in replies.values())


def test_no_request_was_sent_twice_and_each_is_in_the_ledger(evolved: Evolved) -> None:
    replies = evolved.table("replies")
    assert len({row["request_id"] for row in replies}) == len(replies) == evolved.asked
    for generation in evolved.generations:
        costs = {cost["role"]: cost["requests"] for cost in generation["costs"]}
        assert costs == Counter(row["role"] for row in replies if row["generation"] == generation["generation"])


def test_rejected_candidates_cost_nothing_after_the_stage_that_rejected_them(evolved: Evolved) -> None:
    duplicates = [row for row in evolved.table("candidates") if row["reason"] == "duplicate"]
    assert duplicates
    for row in duplicates:
        assert (row["similarity"], row["instruction"]) == (1.0, scripted_model.COMMONPLACE)
        assert (row["coder_request"], row["judge_request"], row["response"]) == (None, None, None)


def test_spark_and_the_rust_reader_count_the_same(evolved: Evolved, spark: SparkSession) -> None:
    for table in TABLES:
        assert spark.read.format("delta").load(str(evolved.store / table)).count() == len(evolved.table(table)) > 0


def test_the_run_is_recorded_with_its_configuration_and_versions(evolved: Evolved) -> None:
    (row,) = evolved.table("runs")
    assert row["outcome"] == "finished"
    assert row["ended_at"] > row["started_at"]
    assert "samples_per_generation: 7" in row["configuration"]
    assert dict(row["versions"])["pyspark"].startswith("4.2")
    assert row["fingerprint"] == evolved.config.fingerprint() == evolved.generations[1]["fingerprint"]


def test_nothing_of_the_scratch_space_is_left(evolved: Evolved) -> None:
    assert sorted(path.name for path in evolved.store.iterdir() if any(path.rglob("*.parquet"))) == sorted(
        [*TABLES, "dedup_index", "dedup_manifest"]
    )


def test_running_it_again_asks_nothing_and_changes_nothing(evolved: Evolved, spark: SparkSession) -> None:
    copy = evolved.copy()
    before, calls = copy.table("population"), copy.server.calls.total()
    assert evolve(spark, copy.config) == evolved.generations
    assert copy.table("population") == before
    assert copy.server.calls.total() == calls


def test_more_generations_go_on_from_the_last_even_if_its_version_is_forgotten(
    evolved: Evolved, spark: SparkSession
) -> None:
    copy = evolved.copy()
    store = Store(spark, copy.config.store)
    optimize(store)
    assert len(vacuum(store, 0, forget=True)[POPULATION]) > 0
    more = settings(copy.store, copy.server.url, generations=3, samples_per_generation=3, max_rounds=1)
    rows = evolve(spark, more)
    assert [row["generation"] for row in rows] == [0, 1, 2, 3]
    assert rows[:3] == evolved.generations
    assert len(copy.table("population")) == 30 + rows[3]["accepted"] > 30


def test_the_population_is_the_same_under_other_partition_counts(
    evolved: Evolved, spark: SparkSession, tmp_path: Path
) -> None:
    changed = {"spark.sql.shuffle.partitions": "7", "spark.sql.adaptive.enabled": "true"}
    before = {name: spark.conf.get(name) for name in changed}
    for name, value in changed.items():
        spark.conf.set(name, value)
    try:
        evolve(spark, settings(tmp_path, evolved.server.url, generations=1, ledger={"wave_size": 5}))
    finally:
        for name, value in before.items():
            spark.conf.set(name, value)

    def of(rows: list[dict[str, Any]], *names: str) -> Counter[str]:
        return Counter(repr([row[name] for name in names]) for row in rows if row["generation"] == 1)

    columns = [name for name in evolved.table("population", 1)[0] if name != "run_id"]
    for table, names in {
        "population": columns,
        "candidates": ["id", "round", "colony", "slot", "item", "status", "reason", "instruction", "code"],
        "replies": ["request_id", "role", "round", "text", "error"],
    }.items():
        assert of(delta_rows(tmp_path / table), *names) == of(evolved.table(table), *names), table


def test_replies_that_make_no_sense_end_as_candidates_with_their_text(spark: SparkSession, tmp_path: Path) -> None:
    nonsense = [
        "",
        " \n",
        "\ud800 lone",
        "nul \0 " * 9,
        "I cannot do that, sorry for it.",
        "x " * 900,
        "```python\n" + "(" * 9000,
        "{{ x }} " * 7,
    ]

    def babble(request: Request) -> Answer:
        number = sum(map(ord, request.prompt))
        if number % 9 == 8:
            return Answer(status=400, message="maximum context length is 64 tokens")
        return Answer(nonsense[number % 9], finish_reason="length" if number % 2 else "stop")

    with ScriptedServer(babble) as server:
        (_, row) = evolve(spark, settings(tmp_path, server.url, generations=1, samples_per_generation=20, max_rounds=1))
    candidates = delta_rows(tmp_path / "candidates")
    assert (row["accepted"], row["shortfall"]) == (0, 20)
    assert {"unparsed", "engine_error", "too_short"} <= set(row["reasons"])
    errors = [entry for entry in candidates if entry["reason"] == "engine_error"]
    assert errors
    assert all("maximum context length" in entry["detail"] for entry in errors)
    cut_off = [entry for entry in candidates if entry["reason"] in {"unparsed", "truncated"}]
    assert all((entry["raw_reply"], entry["response"]) != (None, None) for entry in cut_off)


def one_test_item(folder: Path, **others: Any) -> dict[str, Any]:
    """Return the settings of a test set that is one item."""
    file = folder / "ropes.jsonl"
    file.write_text(json.dumps({"id": "rope", "text": PROBLEM, "code": SOLUTION}))
    ropes = {"path": str(file), "id": "id", "instructions": ["text"], "solutions": ["code"]}
    return {"human_eval": False, "benchmarks": {"ropes": ropes}, **others}


@dataclass(frozen=True)
class Resumed:
    """A run that its Coder's endpoint ended, and its second start, with another sampling of the paraphrases' judge."""

    row: Row
    tables: dict[str, list[dict[str, Any]]]
    outcomes: list[str]
    server: ScriptedServer
    comparer: ScriptedServer
    asked_first: Counter[str]
    compared_first: set[str]


@pytest.fixture(scope="module")
def resumed(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Resumed]:
    folder = tmp_path_factory.mktemp("resumed")

    def compare(request: Request) -> str:
        return f"\\boxed{{{'Yes' if sum(map(ord, request.prompt)) % 3 == 0 else 'No'}}}"

    def refuse_coders(request: Request) -> Answer:
        if "Solve the programming problem" in request.prompt:
            return Answer(status=401, message="Incorrect API key provided")
        return scripted_model.answer(request)

    def copy(request: Request) -> Answer:
        number = sum(map(ord, request.prompt)) % 4
        if "Solve the programming problem" not in request.prompt or number > 1:
            return scripted_model.answer(request)
        code = SOLUTION if number == 0 else "def solve(x):\n    return x"
        return Answer(f"{PROBLEM if number == 1 else 'Here it is'}:\n```python\n{code}\n```")

    def asking_at(temperature: float) -> Config:
        judge = {"engine": "comparer", "temperature": temperature, "max_tokens": 33}
        paraphrases = {"model": str(model), "nearest": 1, "similarity": -1.0, "judge": judge}
        return settings(
            folder / "store",
            server.url,
            generations=1,
            colonies=1,
            samples_per_generation=20,
            max_rounds=1,
            engines={
                "scripted": {"model": "scripted", "url": server.url},
                "comparer": {"model": "org/comparer", "url": comparer.url},
            },
            decontamination=one_test_item(folder, paraphrases=paraphrases),
        )

    def table(name: str) -> list[dict[str, Any]]:
        return delta_rows(folder / "store" / name)

    model = make_tiny_model(folder / "model")
    with (
        ScriptedServer(refuse_coders, model="scripted") as server,
        ScriptedServer(compare, model="org/comparer") as comparer,
    ):
        with pytest.raises(EngineError, match="scripted"):
            evolve(spark, asking_at(0.25))
        outcomes = [run["outcome"] for run in table("runs")]
        asked, compared = server.calls.copy(), set(comparer.calls)
        server.answer = copy
        (_, row) = evolve(spark, asking_at(0.5))
        tables = {name: table(name) for name in ("candidates", "replies")}
        yield Resumed(row, tables, outcomes, server, comparer, asked, compared)


def test_an_endpoint_that_refuses_the_key_ends_the_run_and_keeps_what_was_answered(resumed: Resumed) -> None:
    (outcome,) = resumed.outcomes
    assert outcome.startswith("failed: ")
    assert resumed.row["accepted"] > 0
    later = resumed.server.calls - resumed.asked_first
    assert [prompt for prompt in later if resumed.asked_first[prompt] and "Solve the" not in prompt] == []


def test_a_reply_with_a_test_items_solution_or_problem_is_contaminated_and_never_judged(resumed: Resumed) -> None:
    candidates = resumed.tables["candidates"]
    found = [entry for entry in candidates if entry["reason"] == "contaminated" and entry["coder_request"] is not None]
    assert {entry["detail"] for entry in found} == {"coverage of ropes rope", "ngram of ropes rope"}
    for entry in found:
        assert SOLUTION in entry["response"] or PROBLEM in entry["response"]
        assert entry["code"] in entry["response"]
        assert (entry["judge_request"], entry["verdict"], entry["fitness"]) == (None, None, None)
    assert resumed.row["reasons"]["contaminated"] == sum(entry["reason"] == "contaminated" for entry in candidates)
    judged = [prompt for prompt in resumed.server.calls if "You review answers" in prompt]
    assert judged and not [prompt for prompt in judged if SOLUTION in prompt or PROBLEM in prompt]
    assert not [entry for entry in candidates if entry["reason"] == "duplicate" and entry["code"] is not None]


def test_paraphrases_are_asked_of_their_own_engine_with_its_sampling(resumed: Resumed) -> None:
    comparer, first = resumed.comparer, resumed.compared_first
    asked = Counter((request.prompt, request.body["temperature"]) for request in comparer.requests)
    assert first and {(prompt, temperature) for prompt in first for temperature in (0.25, 0.5)} <= set(asked)
    assert set(asked.values()) == {1}
    assert all("You compare two programming problems" in prompt for prompt in comparer.calls)
    assert not [prompt for prompt in resumed.server.calls if "You compare two programming problems" in prompt]
    assert {(body["max_tokens"], body.get("logprobs")) for body in (r.body for r in comparer.requests)} == {(33, None)}
    replies = resumed.tables["replies"]
    told = [(reply["model"], json.loads(reply["sampling"])) for reply in replies if reply["engine"] == "comparer"]
    assert len(told) == len(asked)
    of_judge = {(reply["engine"], reply["stage"]) for reply in replies if reply["role"] == "judge"}
    assert of_judge == {("comparer", "same problem"), ("scripted", "judge")}
    assert {(name, sampling["temperature"], sampling["max_tokens"]) for name, sampling in told} == {
        ("org/comparer", 0.25, 33),
        ("org/comparer", 0.5, 33),
    }
    found = [entry for entry in resumed.tables["candidates"] if entry["detail"] == "paraphrase of ropes rope"]
    assert {(entry["reason"], entry["coder_request"]) for entry in found} == {("contaminated", None)}


def test_a_mutation_without_a_parent_below_the_cap_is_a_candidate_with_that_reason(
    spark: SparkSession, tmp_path: Path
) -> None:
    with ScriptedServer(scripted_model.answer) as server, Progress() as progress:
        config = settings(tmp_path, server.url, max_rounds=1, operators={"crossover_share": 0.0, "max_depth": 1})
        run = new_run(spark, config, progress)
        at_the_cap = spark.createDataFrame(
            [{"ordinal": n, "id": f"p{n}", "instruction": f"text {n}", "depth": 1} for n in range(4)], POPULATION_SCHEMA
        )
        candidates = make_generation(run, at_the_cap, 4, 1, []).collect()
        assert {(row["status"], row["reason"], row["depth"]) for row in candidates} == {("rejected", "depth_cap", None)}
        assert len(candidates) == 7
        assert server.calls.total() == 0


def test_no_further_wave_is_sent_when_one_has_failed(spark: SparkSession, tmp_path: Path) -> None:
    with ScriptedServer(lambda request: Answer(status=401, message="no")) as server, pytest.raises(EngineError):
        evolve(spark, settings(tmp_path, server.url, generations=1, ledger={"wave_size": 1}))
    assert 1 <= len(server.calls) <= 4
