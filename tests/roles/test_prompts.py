"""A template's version changes with its text and with the text it is built on."""

from typing import get_args

import pytest
from jinja2 import UndefinedError

from genetic_udfs.config import MutationTask
from genetic_udfs.roles.prompts import MUTATION_TASKS, render, template_version


def test_every_mutation_task_of_the_configuration_has_a_template_of_its_own() -> None:
    assert set(MUTATION_TASKS) == set(get_args(MutationTask))
    assert len({render(task, instruction="x") for task in MUTATION_TASKS}) == len(MUTATION_TASKS)


def test_versions_differ_between_templates_and_stay_the_same_otherwise() -> None:
    names = (*MUTATION_TASKS, "crossover", "coder", "judge")
    versions = {name: template_version(name) for name in names}
    assert len(set(versions.values())) == len(names)
    assert versions == {name: template_version.__wrapped__(name) for name in names}


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
