"""The stages that `--explain` prints: those of the settings, in the order in which a round goes through them."""

from pathlib import Path
from typing import Any

from genetic_udfs.config.file import load_config
from genetic_udfs.evolution.plan import stages_of, tables_of
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
        "measure diversity",
    ]
    assert plain[-1].does.endswith(
        "of up to 2,000 pairs: distinct 3-grams, and distances between embeddings by bundled:all-minilm-l6-v2,"
        " if it is installed"
    )
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
        "measure diversity",
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
        "measure diversity",
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
        "measure diversity",
    ]
    by_judge = stages_of(config(roles=several), [])
    assert [stage.name for stage in by_judge][5:-1] == ["compare solutions", "ask the Judge", "choose", "accept"]
    assert "rejects" not in by_judge[5].does


def test_the_plan_names_what_embeds_texts_and_the_tables_that_a_run_writes() -> None:
    engines = {"any": {"model": "any/model"}, "near": {"model": "org/embedder", "task": "embed"}}
    settings = config(
        engines=engines,
        operators={"selection": "novelty"},
        diversity={"model": "engine:near"},
        decontamination={"paraphrases": {"model": "engine:near", "nearest": 4, "similarity": 0.25}},
    )
    stages = {stage.name: stage for stage in stages_of(settings, ["humaneval (164)"])[:5]}
    assert stages["draw parents"].does.endswith("novelty draws, by embeddings of engine:near")
    assert stages["draw parents"].engine == "near"
    assert stages["test sets"].does == (
        "humaneval (164): by shared words, and as a paraphrase of one of the 4 items that are nearest by engine:near,"
        " at a cosine from 0.25, if the Judge says so"
    )
    assert stages["test sets"].engine == "any, near"
    last = stages_of(settings, [])[-1]
    assert (last.name, last.engine) == ("measure diversity", "near")
    assert stages_of(config(diversity={"sample": 0}), [])[-1].name == "accept"
    accept = stages_of(config(samples_per_generation=10, colonies=4), [])[-2]
    assert ", 2 or 3 for each colony (4);" in accept.does
    assert tables_of(settings)[-2:] == ["dedup_manifest", "embeddings"]
    assert "embeddings" not in tables_of(config())
