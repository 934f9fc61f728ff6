"""Generations whose code is run: scripted models write solutions and tests, the sandbox decides."""

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Final

import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.commands.evolve import evolve_recorded, new_run
from genetic_udfs.config import Config
from genetic_udfs.data.seeds import Seed, read_seeds
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.errors import SandboxError
from genetic_udfs.evolution.generation import judged
from genetic_udfs.evolution.operators.parents import SLOT_KEY
from genetic_udfs.evolution.verification import drop_unsupported, reject_failed, reject_tests
from genetic_udfs.reporting.progress import Progress
from tests import scripted_model
from tests.delta_rows import delta_rows
from tests.scripted_server import Answer, Request, ScriptedServer
from tests.without_landlock import take_landlock_away

pytestmark = pytest.mark.slow

SEEDS = Path(__file__).parents[2] / "seeds" / "seeds.jsonl"
FAULT = "struct<reason:string,detail:string>"
TOLD = ("tests", "tests_status", "tests_passed", "pass_rate")


def number(text: str, below: int) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big") % below


def instruction_in(prompt: str) -> str:
    """Return the problem that a role is asked about."""
    return prompt.split("Problem:\n", 1)[1].split("\n\n")[0].strip()


def fenced(code: str) -> Answer:
    return Answer(f"```python\n{code}\n```")


class Models:
    """Models whose solutions and tests are right or wrong by a hash of the instruction, which tests can ask for too.

    A right solution adds what `number(instruction, 100)` says; a wrong one does so up to 5 alone, and some of these
    make the sandbox unable to say what comes then.
    """

    EVASIONS: Final = {
        "returns an object": "def solve(x):\n    class A: pass\n    return x + {added} if x < 5 else A()",
        "reads a file": "def solve(x):\n    if x > 5: open('/etc/passwd')\n    return x + {added}",
    }

    CODE = (
        "right",
        "right",
        "right",
        "wrong",
        "wrong beyond repair",
        "fails on import",
        "has no function",
        "loops on import",
        *EVASIONS,
    )
    TESTS = ("good", "good", "good", "empty", "useless", "none")

    @classmethod
    def code(cls, instruction: str) -> str:
        return cls.CODE[number(f"code {instruction}", len(cls.CODE))]

    @classmethod
    def tests(cls, instruction: str) -> str:
        return cls.TESTS[number(f"tests {instruction}", len(cls.TESTS))]

    @classmethod
    def likes(cls, instruction: str) -> bool:
        return number(f"judge {instruction}", 8) > 0

    @classmethod
    def answer(cls, request: Request) -> Answer:
        prompt = request.prompt
        if "You review answers" in prompt:
            return scripted_model.verdict(cls.likes(instruction_in(prompt)))
        if "You write unit tests" in prompt:
            return cls.written(instruction_in(prompt))
        if "Solve the programming problem" in prompt:
            repaired = "This solution was tried" in prompt
            return cls.solved(instruction_in(prompt), repaired)
        return scripted_model.answer(request)

    @classmethod
    def solved(cls, instruction: str, repaired: bool) -> Answer:
        kind, added = cls.code(instruction), number(instruction, 100)
        if kind == "right" or (repaired and kind == "wrong"):
            return fenced(f"def solve(x):\n    return x + {added}")
        if kind.startswith("wrong"):
            return fenced(f"def solve(x):\n    return x + {added} if x < 5 else 0{' + 0' if repaired else ''}")
        if kind in cls.EVASIONS:
            return fenced(cls.EVASIONS[kind].format(added=added))
        if kind == "fails on import":
            return fenced("import nowhere\n\ndef solve(x):\n    return x")
        if kind == "loops on import":
            return fenced("def solve(x):\n    return x\n\nwhile True:\n    pass")
        return fenced("print(3)")

    @classmethod
    def written(cls, instruction: str) -> Answer:
        kind, added = cls.tests(instruction), number(instruction, 100)
        if kind == "good":
            return fenced("\n".join(f"assert solve({x}) == {x + added}" for x in (1, 2, 7)))
        if kind == "empty":
            return fenced("assert solve(1) == solve(1)\nassert solve(2) != 'text'")
        return fenced("assert solve(1) == 'never'\nassert solve(2) == []") if kind == "useless" else Answer("No.")


def settings(store: Path, url: str, roles: dict[str, dict[str, Any]], **changes: Any) -> Config:
    played = {role: {"engine": "scripted", "max_tokens": 200} for role in ("instructor", "coder", "judge", *roles)}
    return Config.model_validate(
        {
            "store": str(store),
            "seed": 11,
            "seeds": "given by the test",
            "generations": 1,
            "samples_per_generation": 12,
            "max_rounds": 1,
            "operators": {"crossover_share": 1.0},
            "decontamination": {"human_eval": False},
            "engines": {"scripted": {"model": "scripted", "url": url, "max_num_seqs": 16}},
            "roles": {role: {**given, **roles.get(role, {})} for role, given in played.items()},
            "sandbox": {"least_tier": "no_files", "cpu_seconds": 1},
            **changes,
        }
    )


def evolve(spark: SparkSession, config: Config) -> Row:
    seeds: list[Seed] = read_seeds(SEEDS)[:12]
    with Progress() as progress:
        return evolve_recorded(new_run(spark, config, progress), seeds, [])[-1]


class Finished:
    """A finished run whose Judge and tests decide, with one chance to repair."""

    def __init__(self, store: Path, server: ScriptedServer, done: Row) -> None:
        self.server, self.done = server, done
        self.candidates = delta_rows(store / "candidates")
        self.replies = delta_rows(store / "replies")
        self.population = delta_rows(store / "population")

    def of(self, *code: str, tests: str | None = None) -> list[dict[str, Any]]:
        """Return the first attempts that the Judge likes, or never sees, whose code and tests are of some kinds."""
        found = [
            row
            for row in self.candidates
            if row["attempt"] == 1
            and row["code"] is not None
            and Models.likes(row["instruction"])
            and Models.code(row["instruction"]) in code
            and tests in {None, Models.tests(row["instruction"])}
        ]
        assert found, (code, tests)
        return found


@pytest.fixture(scope="module")
def tested(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Finished]:
    store = tmp_path_factory.mktemp("tested")
    with ScriptedServer(Models.answer, model="scripted") as server:
        roles: dict[str, Any] = {"coder": {"repair": True}, "tester": {"tests": 5}}
        config = settings(store, server.url, roles, acceptance="judge_and_tests", samples_per_generation=40)
        config = config.model_copy(update={"sandbox": config.sandbox.model_copy(update={"check_runs": True})})
        yield Finished(store, server, evolve(spark, config))


def test_a_right_solution_with_good_tests_is_accepted_with_what_it_passed(tested: Finished) -> None:
    for row in tested.of("right", tests="good"):
        added = number(row["instruction"], 100)
        assert row["status"] == "accepted"
        assert row["tests"] == [f"assert solve({x}) == {x + added}" for x in (1, 2, 7)]
        assert (row["tests_status"], row["tests_passed"], row["pass_rate"]) == (["passed"] * 3, 3, 1.0)
        assert row["tests_decided_by"] == ["outside"] * 3
        assert row["sandbox_tier"] in {"no_files", "landlock", "landlock_folder"}
    columns = ("id", "code", "sandbox_tier", *TOLD)
    accepted = [tuple(row[c] for c in columns) for row in tested.candidates if row["status"] == "accepted"]
    individuals = [tuple(row[c] for c in columns) for row in tested.population if row["generation"] == 1]
    assert sorted(map(str, accepted)) == sorted(map(str, individuals))
    assert tested.done["accepted"] == len(accepted) > 0


def test_what_is_hard_is_told_by_how_many_solve_it_and_by_the_solution(tested: Finished) -> None:
    for row in tested.of("right", tests="good"):
        assert (row["solve_rate"], row["code_lines"], row["code_branches"]) == (1.0, 2, 0)
    for row in tested.of("wrong", "wrong beyond repair", tests="good"):
        assert (row["solve_rate"], row["code_lines"], row["code_branches"]) == (0.0, 2, 1)
    for row in tested.candidates:
        if row["attempt"] == 2 and row["pass_rate"] == 1.0:  # the samples before it have failed
            assert (row["solve_rate"], row["code_lines"], row["code_branches"]) == (0.0, 2, 0)
        if row["tests"] is None:
            assert row["solve_rate"] is None
    kept = [row for row in tested.population if row["generation"] == 1]
    assert {row["solve_rate"] for row in kept} == {0.0, 1.0} and {row["code_lines"] for row in kept} == {2}


def test_the_judges_verdicts_are_counted_by_what_tests_say(tested: Finished) -> None:
    both = [row for row in tested.candidates if row["verdict"] is not None and row["pass_rate"] is not None]
    passed = sum(row["pass_rate"] == 1.0 for row in both)
    assert 0 < passed < len(both)
    judge = tested.done["judge"]
    assert (judge["yes_passed"], judge["yes_failed"]) == (passed, len(both) - passed)
    assert (judge["no_passed"], judge["no_failed"], judge["kappa"]) == (0, 0, None)  # what it refuses is not tested
    assert judge["brier"] == pytest.approx((passed * 0.1**2 + (len(both) - passed) * 0.9**2) / len(both))


def test_what_the_judge_refuses_is_not_tested(tested: Finished) -> None:
    refused = [row for row in tested.candidates if row["reason"] == "judged_no"]
    assert refused
    for row in refused:
        assert not Models.likes(row["instruction"])
        assert (row["tests"], row["tester_request"], row["attempt"]) == (None, None, 1)


def test_tests_that_nothing_can_fail_or_pass_are_rejected_and_the_code_is_not_blamed(tested: Finished) -> None:
    said = {
        "empty": "a solution that returns nothing passes all 2 tests",
        "useless": "no solution passes any of the 2 tests",
    }
    for kind, detail in said.items():
        for row in tested.of("right", "wrong", tests=kind):
            assert (row["status"], row["reason"], row["detail"]) == ("rejected", "tests_rejected", detail)
            assert [row[name] for name in TOLD] == [None] * 4
            assert row["tester_request"] is not None


def test_without_tests_nothing_is_accepted(tested: Finished) -> None:
    for row in tested.of("right", "wrong", tests="none"):
        assert (row["reason"], row["tests"]) == ("no_tests", None)
    for row in tested.of("has no function"):
        assert (row["reason"], row["detail"]) == ("no_tests", "the code defines nothing that a test could call")
        assert row["tester_request"] is None


def test_code_that_cannot_be_imported_is_rejected_before_it_is_tested(tested: Finished) -> None:
    for kind, status in (("fails on import", "error:ModuleNotFoundError"), ("loops on import", "timeout")):
        for row in tested.of(kind):
            assert (row["reason"], row["detail"]) == ("does_not_run", f"importing it ended as {status}")
            assert (row["tester_request"], row["tests"]) == (None, None)
            assert row["sandbox_tier"] is not None


def test_no_solution_has_the_tests_left_out_that_it_makes_undecidable(tested: Finished) -> None:
    said = {"returns an object": "a value of type A", "reads a file": "the sandbox refuses reading /etc/passwd"}
    for kind, message in said.items():
        for row in tested.of(kind, tests="good"):
            assert row["tests_status"] == ["passed", "passed", "unsupported"] and len(row["tests"]) == 3
            assert (row["status"], row["reason"]) == ("rejected", "failed_tests")
            assert row["detail"].endswith(message)


def test_failed_code_goes_back_once_with_the_test_that_it_failed(tested: Finished) -> None:
    for kind, ends in (("wrong", ("accepted", None)), ("wrong beyond repair", ("rejected", "failed_tests"))):
        for row in tested.of(kind, tests="good"):
            added = number(row["instruction"], 100)
            assert row["reason"] == "failed_tests"
            assert row["detail"] == (f"2 of 3 tests passed; assert solve(7) == {7 + added}: failed solve(7) is 0")
            [repaired] = [
                each for each in tested.candidates if each["attempt"] == 2 and each["instruction"] == row["instruction"]
            ]
            assert (repaired["status"], repaired["reason"]) == ends
            assert repaired["tests"] == row["tests"] and repaired["tester_request"] == row["tester_request"]
            assert repaired["parents"] == row["parents"] and repaired["id"] != row["id"]
            assert repaired["coder_request"] != row["coder_request"]
            assert repaired["judge_request"] != row["judge_request"]
            assert (repaired["verdict"], repaired["fitness"]) == (True, pytest.approx(0.9))
            [prompt] = [p for p in tested.server.calls if "This solution was tried" in p and row["instruction"] in p]
            assert row["code"] in prompt and f"assert solve(7) == {7 + added}" in prompt
            assert "The test ended as: failed: solve(7) is 0" in prompt
    repaired_rows = [row for row in tested.candidates if row["attempt"] == 2]
    assert len(repaired_rows) == len({row["instruction"] for row in repaired_rows})


def test_each_attempt_is_a_row_of_the_ledger_and_nothing_is_asked_twice(tested: Finished) -> None:
    replies = {row["request_id"]: row for row in tested.replies}
    assert len(replies) == len(tested.replies) == tested.server.calls.total()
    of_attempts = {f"{role}{ending}" for role in ("coder", "judge") for ending in ("", " of repaired solutions")}
    assert {row["stage"] for row in tested.replies} == {"instructor", "tester", *of_attempts}
    assert all(row["role"] == row["stage"].split()[0] for row in tested.replies)
    for row in tested.candidates:
        if row["code"] is not None:
            assert replies[row["coder_request"]]["text"] == row["response"]
    assert len({row["id"] for row in tested.candidates}) == len(tested.candidates)
    assert Counter(row["reason"] for row in tested.candidates if row["reason"]) == dict(tested.done["reasons"])


def test_of_several_solutions_the_one_that_most_agree_with_is_chosen(spark: SparkSession, tmp_path: Path) -> None:
    """Two of three solutions pass the first two tests, one the third alone; the third test is wrong."""

    def answer(request: Request) -> Answer:
        if "You write unit tests" in request.prompt:
            return fenced("assert solve(1) == 2\nassert solve(2) == 3\nassert solve(3) == 0\nassert solve(4) == 9")
        if "Solve the programming problem" in request.prompt:
            lonely = request.attempt == 1 + number(request.prompt, 3)
            return fenced(
                "def solve(x):\n    return 0" if lonely else f"def solve(x):\n    return x + 1  # {request.attempt}"
            )
        return scripted_model.answer(request)

    with ScriptedServer(answer, model="scripted") as server:
        config = settings(tmp_path, server.url, {"coder": {"samples": 3}, "tester": {}}, acceptance="judge")
        done = evolve(spark, config)
        coded = Counter(prompt for prompt in server.calls.elements() if "Solve the programming problem" in prompt)
        assert set(coded.values()) == {3}
        tester = [prompt for prompt in server.calls if "You write unit tests" in prompt]
        assert all(server.calls[prompt] == 1 for prompt in tester)
    candidates = delta_rows(tmp_path / "candidates")
    assert done["accepted"] == 12
    by_instruction: dict[str, list[dict[str, Any]]] = {}
    for row in candidates:
        if row["code"] is not None:
            by_instruction.setdefault(row["instruction"], []).append(row)
    assert len(by_instruction) == len(coded)
    whole = 0
    for rows in by_instruction.values():
        assert sorted(row["solution"] for row in rows) == [0, 1, 2]
        liked = [row for row in rows if row["reason"] != "judged_no"]
        kept = [row for row in liked if row["reason"] != "not_chosen"]
        assert len(kept) <= 1 and (not liked or kept)
        if len(liked) < 3:
            continue
        whole += 1
        assert (kept[0]["tests_status"], kept[0]["pass_rate"]) == (["passed", "passed", "failed", "failed"], 0.5)
        assert kept[0]["solution"] == min(
            row["solution"] for row in rows if row["code"] != "def solve(x):\n    return 0"
        )
        [lonely] = [row for row in rows if row["code"] == "def solve(x):\n    return 0"]
        assert lonely["detail"] == (
            f"solution {kept[0]['solution']} was chosen: it passes 2 tests, with 2 solutions in all, this one 1, with 1"
        )
    assert whole >= 5


def test_where_tests_alone_decide_the_best_solution_is_repaired_if_none_passes(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Of two solutions one is right, or none; of those that fail, one fails at 7 and the other at 2 and 7."""

    def code(instruction: str, attempt: int, repaired: bool) -> str:
        kind, first = number(instruction, 3), 1 + number(f"first {instruction}", 2)
        if repaired:
            return "def solve(x):\n    return x + 1" if kind == 1 else "def solve(x):\n    return x - 1"
        if attempt == first:
            return "def solve(x):\n    return x + 1" if kind == 0 else "def solve(x):\n    return min(x + 1, 5)"
        return "def solve(x):\n    return 2"

    def answer(request: Request) -> Answer:
        if "You write unit tests" in request.prompt:
            return fenced("assert solve(1) == 2\nassert solve(2) == 3\nassert solve(7) == 8")
        if "Solve the programming problem" in request.prompt:
            repaired = "This solution was tried" in request.prompt
            return fenced(code(instruction_in(request.prompt), request.attempt, repaired))
        return scripted_model.answer(request)

    with ScriptedServer(answer, model="scripted") as server:
        roles: dict[str, Any] = {"coder": {"samples": 2, "repair": True}, "tester": {}}
        evolve(spark, settings(tmp_path, server.url, roles, acceptance="tests"))
        assert not [prompt for prompt in server.calls if "You review answers" in prompt]
    candidates = delta_rows(tmp_path / "candidates")
    assert {(row["verdict"], row["fitness"], row["judge_request"]) for row in candidates} == {(None, None, None)}
    kinds = set()
    for instruction in {row["instruction"] for row in candidates if row["code"] is not None}:
        rows = [row for row in candidates if row["instruction"] == instruction and row["code"] is not None]
        reasons = {None: "accepted", "over_quota": "accepted"}
        ended = sorted((row["attempt"], row["tests_passed"], reasons.get(row["reason"], row["reason"])) for row in rows)
        kind = number(instruction, 3)
        kinds.add(kind)
        if kind == 0:
            assert ended == [(1, 1, "failed_tests"), (1, 3, "accepted")]
        else:
            last = (2, 3, "accepted") if kind == 1 else (2, 0, "failed_tests")
            assert ended == [(1, 1, "failed_tests"), (1, 2, "failed_tests"), last]
            [better], [repaired] = (
                [row for row in rows if row["tests_passed"] == 2],
                [r for r in rows if r["attempt"] == 2],
            )
            assert repaired["solution"] == better["solution"]
    assert kinds == {0, 1, 2}


def test_a_test_that_no_solution_makes_decidable_is_left_out_before_tests_decide(
    spark: SparkSession, tmp_path: Path
) -> None:
    """Of one instruction some tests can be decided, of another none; a solution is not importable, or is to blame."""
    no, yes, error = "unsupported", "passed", "error:SyntaxError"
    rows: list[tuple[Any, ...]] = [
        ("a", 0, "passed", ["t1", "t2", "t3"], [no, yes, no], [no, yes, no]),
        ("a", 1, "passed", ["t1", "t2", "t3"], [no, yes, yes], [no, yes, no]),
        ("a", 2, error, ["t1", "t2", "t3"], [error] * 3, [no, "failed", no]),
        ("a", 3, None, ["t1", "t2", "t3"], None, None),
        ("b", 0, "passed", ["t1", "t2"], [no, no], [no, no]),
        ("c", 0, error, ["t1"], [error], ["failed"]),
        ("d", 0, None, None, None, None),
        ("e", 0, "passed", ["t1", "t2"], [yes, no], ["failed", "failed"]),
    ]
    types = "item string, solution int, code_status string, tests array<string>, tests_status array<string>"
    frame = spark.createDataFrame(rows, f"{types}, nothing array<string>").select(
        *(F.lit(0).alias(name) for name in SLOT_KEY),
        *("*", *(F.col("tests_status").alias(name) for name in ("tests_message", "tests_decided_by"))),
        F.size(F.filter("tests_status", lambda status: status == "passed")).alias("tests_passed"),
        *(F.lit(None).cast("double").alias("pass_rate"), F.lit(None).cast("string").alias("reason")),
        *(F.lit(None).cast("string").alias("detail"), F.lit(None).cast(FAULT).alias("fault")),
    )
    this: Any = SimpleNamespace(
        attempt=1, run=SimpleNamespace(config=settings(tmp_path, "http://x/v1", {"tester": {}}, acceptance="tests"))
    )
    ended = frame.transform(drop_unsupported, this).transform(reject_tests, this).transform(reject_failed, this)
    found = {(row["item"], row["solution"]): row for row in ended.collect()}
    assert {key: (row["tests"], row["pass_rate"], row["reason"]) for key, row in found.items()} == {
        ("a", 0): (["t2", "t3"], 0.5, "failed_tests"),
        ("a", 1): (["t2", "t3"], 1.0, None),
        ("a", 2): (["t2", "t3"], 0.0, "failed_tests"),
        ("a", 3): (None, None, None),
        ("b", 0): (None, None, "tests_rejected"),
        ("c", 0): (["t1"], 0.0, "failed_tests"),
        ("d", 0): (None, None, None),
        ("e", 0): (["t1", "t2"], 0.5, "failed_tests"),
    }
    assert found["a", 0]["detail"] == "1 of 2 tests passed; t3: unsupported unsupported"
    assert found["b", 0]["detail"] == "the sandbox can decide none of the tests"
    assert found["b", 0]["tests_status"] is None


def test_fitness_decides_where_it_is_asked_to(spark: SparkSession) -> None:
    rows: list[tuple[Any, ...]] = [
        ((True, None, None), 0.7, True),
        ((False, "judged_no", "No"), 0.65, True),
        ((True, None, None), 0.59, True),
        ((False, "no_verdict", "?"), None, True),
        ((None, "engine_error", "too long"), None, True),
        (None, None, False),
    ]
    frame = spark.createDataFrame(
        rows, "read struct<verdict:boolean,reason:string,detail:string>, fitness double, answered boolean"
    ).withColumn("reply", F.when(F.col("answered"), F.from_json(F.lit("{}"), REPLY)))
    found = [tuple(row[0]) if row[0] else None for row in frame.select(judged(0.6)).collect()]
    assert found == [
        None,
        None,
        ("low_fitness", "P(Yes) is 0.590, and 0.6 is wanted"),
        ("low_fitness", "there is no P(Yes), and 0.6 is wanted"),
        ("engine_error", "too long"),
        None,
    ]


def test_a_run_below_the_least_tier_is_refused_before_a_model_is_asked(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    take_landlock_away(spark, tmp_path / "workers", monkeypatch)
    with ScriptedServer(Models.answer) as server:
        config = settings(tmp_path / "store", server.url, {"tester": {}}, sandbox={"least_tier": "landlock"})
        with pytest.raises(SandboxError, match="no code is run"):
            evolve(spark, config)
        assert server.calls.total() == 0
    [run] = delta_rows(tmp_path / "store" / "runs")
    assert re.match("failed: no code is run: the sandbox needs at least the tier landlock", run["outcome"])
