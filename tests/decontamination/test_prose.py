"""What of an item's text counts."""

import pytest

from genetic_udfs.decontamination.prose import variants

PROMPT = '''from typing import List
import math


def helper(values: List[int]) -> int:
    return sum(value * value for value in values)


def total(values: List[int]) -> int:
    """ Add the squares of some numbers up,
    and return the root of their sum.
    >>> total([3, 4])
    5
    """
'''


def test_code_gives_its_docstring_and_that_without_examples() -> None:
    whole, before = variants(PROMPT)
    assert whole == "Add the squares of some numbers up,\nand return the root of their sum.\n>>> total([3, 4])\n5"
    assert before == "Add the squares of some numbers up,\nand return the root of their sum."


@pytest.mark.parametrize(
    "example",
    ["Example:\n f(1) is 2", "For example, f(1) is 2", "f(1) == 2", "[1, 2] -> 3", "f(1) ➞ 2", "Examples: f(1)"],
)
def test_examples_are_told_by_how_they_begin(example: str) -> None:
    assert variants(f"Double a number.\n{example}") == [f"Double a number.\n{example}", "Double a number."]


def test_prose_is_taken_as_it_stands() -> None:
    text = "Write a function to import data from the class of objects, and define what a def is."
    assert variants(text) == [text]


def test_boilerplate_of_other_languages_and_of_half_a_program_goes() -> None:
    assert variants("#include <vector>\nusing namespace std;\n// Double each.\nclass A {") == ["// Double each."]
    assert variants("import os, sys\ndef f(x):\n  '''Double it.") == ["'''Double it."]


def test_what_is_nothing_but_boilerplate_is_kept() -> None:
    assert variants("import os\n") == ["import os"]


@pytest.mark.parametrize("text", ["", "  \n", "\t"])
def test_blank_texts_have_none(text: str) -> None:
    assert variants(text) == []


@pytest.mark.parametrize("text", ["def f(:\x00", "class " + "(" * 100_000, "def f(): " + "-" * 50_000 + "1"])
def test_text_that_python_cannot_parse_is_prose(text: str) -> None:
    assert variants(text)
