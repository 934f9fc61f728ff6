"""What is checked of seeds and test sets before Spark starts."""

import pytest

from genetic_udfs.commands.checks.test_sets import check_seeds_are_clean
from genetic_udfs.config import Decontamination
from genetic_udfs.data.seeds import Seed
from genetic_udfs.decontamination import read_items
from genetic_udfs.errors import ConfigurationError

CLEAN = Seed("clean", "Write a function that parses a log file and returns the lines of a day.")


def test_seeds_that_hold_test_items_are_refused_by_name() -> None:
    items = read_items(Decontamination())
    held = [Seed(f"held-{number}", f"As before.\n{items[number].instructions[0]}") for number in range(7)]
    with pytest.raises(ConfigurationError) as caught:
        check_seeds_are_clean([CLEAN, *held], items)
    message = str(caught.value)
    assert "7 of 8 hold an item of a test set" in message
    assert "held-0: humaneval HumanEval/0 (ngram)" in message
    assert "and 2 more" in message and "clean" not in message


def test_clean_seeds_pass_with_test_sets_and_without() -> None:
    check_seeds_are_clean([CLEAN], read_items(Decontamination()))
    check_seeds_are_clean([CLEAN], [])
