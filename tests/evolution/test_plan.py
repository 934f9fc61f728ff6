"""The stages that `--explain` prints: those of the settings, in the order in which a round goes through them."""

from pathlib import Path
from typing import Any

from genetic_udfs.config.file import load_config
from genetic_udfs.evolution.plan import stages_of
from tests.evolution.test_forecast import config

CONFIGURATIONS = Path(__file__).parents[2] / "conf"


def test_the_plan_has_the_stages_that_the_settings_have() -> None:
    plain = stages_of(config(decontamination={"human_eval": False}), [])
    assert [stage.name for stage in plain] == [
        "draw parents",
        "ask the Instructor",
        "filter",
        "near-duplicates",
        "ask the Coder",
        "ask the Judge",
        "accept",
    ]
    roles = {
        "instructor": {"engine": "any"},
        "coder": {"engine": "other", "samples": 3, "repair": True},
        "judge": {"engine": "any"},
        "tester": {"engine": "any", "tests": 7},
    }
    full = stages_of(
        config(roles=roles, acceptance="judge_and_tests", sandbox={"check_runs": True}), ["humaneval (164)"]
    )
    assert [stage.name for stage in full] == [
        "draw parents",
        "ask the Instructor",
        "filter",
        "near-duplicates",
        "test sets",
        "ask the Coder",
        "test sets",
        "import the code",
        "ask the Judge",
        "ask the Tester",
        "run tests",
        "ask the Coder",
        "choose",
        "accept",
    ]
    assert {stage.engine for stage in full if stage.name == "ask the Coder"} == {"other"}
    assert "7 tests of each solution" in full[9].does
    assert full[12].does == "one solution, by the number of tests passed times that of the solutions that pass the same"
    by_tests = stages_of(config(roles=roles, acceptance="tests"), [])
    assert "ask the Judge" not in {stage.name for stage in by_tests}


def test_the_plan_of_the_small_configuration_compares_solutions_and_asks_the_judge_last() -> None:
    stages = stages_of(load_config(CONFIGURATIONS / "local.yaml", []), [])
    assert [stage.name for stage in stages][4:] == [
        "ask the Coder",
        "import the code",
        "compare solutions",
        "choose",
        "same function",
        "ask the Judge",
        "accept",
    ]
    found = {stage.name: stage.does for stage in stages}
    assert found["compare solutions"].endswith("rejects what fails an example or agrees with no other")
    assert found["choose"] == (
        "one solution, by the number of calls answered times that of the solutions that return the same"
    )
    assert found["ask the Judge"].endswith("rejects nothing")
    assert found["accept"] == "by execution>=0.75, 6 for each colony (2); rounds repeat until all are full, 10 at most"


def test_execution_imports_code_without_being_asked_and_several_solutions_are_compared_for_any_judge() -> None:
    several: dict[str, Any] = {role: {"engine": "any"} for role in ("instructor", "judge")}
    several["coder"] = {"engine": "any", "samples": 2}
    by_execution = [stage.name for stage in stages_of(config(roles=several, acceptance="execution"), [])]
    assert by_execution[5:] == [
        "import the code",
        "compare solutions",
        "choose",
        "same function",
        "ask the Judge",
        "accept",
    ]
    by_judge = stages_of(config(roles=several), [])
    assert [stage.name for stage in by_judge][5:] == ["compare solutions", "ask the Judge", "choose", "accept"]
    assert "rejects" not in by_judge[5].does
