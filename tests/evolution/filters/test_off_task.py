"""Talk about the task is told from problems by how it begins."""

import json
from pathlib import Path

import pytest

from genetic_udfs.config import Filters
from genetic_udfs.evolution.filters.instruction import instruction_rejection
from genetic_udfs.evolution.filters.off_task import opening_off_task

OPENINGS = (Path(__file__).parent / "off_task.txt").read_text().splitlines()
SEEDS = Path(__file__).parents[3] / "seeds" / "seeds.jsonl"


def test_talk_of_every_kind_is_rejected() -> None:
    assert len(OPENINGS) >= 200
    assert [text for text in OPENINGS if opening_off_task(text) is None] == []


def test_no_seed_is_taken_for_talk() -> None:
    seeds = [json.loads(line)["instruction"] for line in SEEDS.read_text().splitlines()]
    assert [text for text in seeds if opening_off_task(text) is not None] == []


@pytest.mark.parametrize(
    "problem",
    [
        "In this problem, you are given a list of integers. Return the sum of the even ones.",
        "You are given a string s. Return its longest palindromic substring.",
        "Given an array of numbers, find the largest.",
        "Please write a function that adds two numbers.",
        "To sort a list of tasks by priority, write a function `sort_tasks(tasks)`.",
        "To find a word in a grid, write `search(grid, word)`.",
        "The task scheduler runs jobs in order of priority. Implement `run(jobs)`.",
        "This function should reverse a list: write `reverse(items)`.",
        "I have a list of names and want them sorted. Write `sort_names(names)`.",
        "We have n boxes. Write `stack(boxes)` that returns the height.",
        "We can climb 1 or 2 steps at once. Write `ways(n)`.",
        "A number is perfect if it equals the sum of its divisors. Write `is_perfect(n)`.",
        "Your task is to write a function that counts vowels.",
        "What is the sum of all primes below n? Write `prime_sum(n)`.",
        "One thousand soldiers stand in a circle, and every second one leaves it.",
        "First, read the number n. Then print the sum of its digits.",
        "The answer sheet of a test is a string of letters. Write `grade(sheet, key)`.",
        "The code of a lock has four digits. Write `is_valid(code)`.",
        "A solution of salt is mixed with water. Write `mix(a, b)`.",
        "Yes/no answers come as a list of strings. Count them.",
    ],
)
def test_a_problem_that_begins_alike_is_kept(problem: str) -> None:
    assert opening_off_task(problem) is None


def test_the_reason_shows_the_opening() -> None:
    found = instruction_rejection(OPENINGS[0], [], None, Filters())
    assert found == ("off_task", "begins with 'Here are', which is no problem but talk about one")
