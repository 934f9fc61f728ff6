"""Whether this package is whole where it has arrived: an executor may have it from a zip file."""

import importlib
from pathlib import Path
from typing import Final

import genetic_udfs

# What a task of a run's stages imports, besides what a visit does.
_STAGES: Final = (
    "genetic_udfs.engine.udf",
    "genetic_udfs.roles.columns",
    "genetic_udfs.dedup.near_duplicates",
    "genetic_udfs.dedup.semantic",
    "genetic_udfs.decontamination.contamination",
    "genetic_udfs.sandbox.spark",
    "genetic_udfs.sandbox.zygote",
)


def location() -> str:
    """Return where this package was imported from: the zip file or the folder that holds it."""
    return str(Path(genetic_udfs.__file__).parents[1])


def fault() -> str:
    """Return why tasks could not work with this package here; empty if they can."""
    try:
        for module in _STAGES:
            importlib.import_module(module)
        render_prompts()
    except Exception as error:  # a package that is not whole fails in as many ways as it has parts
        return f"{type(error).__name__}: {error}"
    return ""


def render_prompts() -> None:
    """Render every prompt once."""
    from genetic_udfs.decontamination.same_problem import same_problem_prompt
    from genetic_udfs.roles import coder, instructor, judge, tester
    from genetic_udfs.roles.prompts import MUTATION_TASKS

    for task in MUTATION_TASKS:
        instructor.mutation_prompt(task, "Sort a list.")
    instructor.crossover_prompt(["Sort a list.", "Reverse a list."], 1)
    coder.coder_prompt("Sort a list.")
    coder.repair_prompt("Sort a list.", "sort = sorted", "assert sort([2, 1]) == [1, 2]", "failed", "")
    judge.judge_prompt("Sort a list.", "sorted")
    tester.tester_prompt("Sort a list.", "def sort(values): return sorted(values)", 1, shows_code=True)
    same_problem_prompt("Sort a list.", "Sort the list.")
