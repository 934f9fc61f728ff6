"""A template's version changes with its text and with the text it is built on."""

import hashlib
from typing import get_args

import pytest
from jinja2 import UndefinedError

from genetic_udfs.config import MutationTask
from genetic_udfs.roles import coder, instructor, judge
from genetic_udfs.roles.prompts import MUTATION_TASKS, render, template_version


def test_every_mutation_task_of_the_configuration_has_a_template_of_its_own() -> None:
    assert set(MUTATION_TASKS) == set(get_args(MutationTask))
    assert len({render(task, instruction="x") for task in MUTATION_TASKS}) == len(MUTATION_TASKS)


def test_versions_differ_between_templates_and_stay_the_same_otherwise() -> None:
    names = (*MUTATION_TASKS, "crossover", "coder", "judge")
    versions = {name: template_version(name) for name in names}
    assert len(set(versions.values())) == len(names)
    assert versions == {name: template_version.__wrapped__(name) for name in names}


def test_prompts_for_python_are_what_they_were_before_there_were_other_languages() -> None:
    asked = [
        coder.coder_prompt("A `f(x)`"),
        *(instructor.crossover_prompt(["a", "b"], count) for count in (2, 1)),
        judge.judge_prompt("i", "r"),
        *(instructor.mutation_prompt(task, "i") for task in MUTATION_TASKS),
    ]
    # Another text would be another request: stores that were begun before would ask, and pay, again.
    digest = "9370de0d51961fb2f32313a6b9d6347c9eec39b36d208fa0c9f8c1eccc0ffce4"
    assert hashlib.sha256("\x1e".join(asked).encode()).hexdigest() == digest


@pytest.mark.parametrize(
    ("language", "named", "fence"),
    [("any", "", ""), ("C++", " in C++", "```c++"), ("python", " in Python", "```python")],
)
def test_prompts_ask_for_the_language(language: str, named: str, fence: str) -> None:
    asked = coder.coder_prompt("i", None, language)
    assert f"Solve the programming problem{named}. Give one code block" in asked
    assert fence in asked and ("```" in asked) == bool(fence)
    assert f"be solvable{named}." in instructor.mutation_prompt("reasoning", "i", None, language)
    assert f"be solvable{named}." in instructor.crossover_prompt(["a", "b"], 1, None, language)


def test_a_value_that_a_template_lacks_is_an_error() -> None:
    with pytest.raises(UndefinedError):
        render("coder")


@pytest.mark.parametrize("name", [*MUTATION_TASKS, "crossover", "coder", "judge"])
def test_what_is_constant_comes_first_so_that_the_prefix_cache_serves_it(name: str) -> None:
    def prompt(value: str) -> str:
        values = {
            "crossover": {"examples": [value, value], "count": 3},
            "judge": {"instruction": value, "response": value},
        }
        return render(name, **values.get(name, {"instruction": value}))

    one, other = prompt("Alpha"), prompt("Beta")
    shared = next(at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b)
    assert shared >= 0.8 * len(one.replace("Alpha", ""))
