"""Each rule for instructions rejects what it is for, with its reason, and lets the seeds pass."""

from pathlib import Path

import pytest

from genetic_udfs.config import Filters
from genetic_udfs.data.seeds import read_seeds
from genetic_udfs.evolution.filters.instruction import instruction_rejection

PARENT = "Write a function that returns the longest word of a sentence."
FINE = "Write a function that returns the shortest word of a sentence, the first one on a tie."


def reason(text: str, task: str | None = None, parents: tuple[str, ...] = (PARENT,)) -> str | None:
    found = instruction_rejection(text, parents, task, Filters())
    return None if found is None else found.reason


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (FINE, None),
        ("Sort it.", "too_short"),
        ("", "too_short"),
        ("word " * 401, "too_long"),
        (f"  {PARENT.upper()}  ", "unchanged"),
        (f"#Rewritten Prompt#: {FINE}", "label_leak"),
        (f"{FINE}\n\nNew Instruction: more", "label_leak"),
        (f"Given problem: {FINE}", "label_leak"),
        (f"I'm sorry, but {FINE}", "refusal"),
        (f"As an AI model {FINE}", "refusal"),
        (
            f"{FINE}\n\n```python\ndef f(s):\n    words = s.split()\n    return min(words)\n```",
            "contains_solution",
        ),
        (f"{FINE}\nSolution: use min.", "contains_solution"),
        ("Write a function that adds. " * 20, "repetitive"),
        ("编写一个函数返回句子中最短的单词如果有多个则返回第一个", None),
        ("编写函数", "too_short"),
    ],
)
def test_a_rule_has_its_reason(text: str, expected: str | None) -> None:
    assert reason(text) == expected


def test_wrong_code_belongs_to_the_task_that_asks_for_it() -> None:
    text = f"{FINE}\nThis code is wrong:\ndef f(s):\n    return max(s)\n"
    assert reason(text, "erroneous_code") is None
    assert reason(text, "constraints") == "contains_solution"


def test_every_parent_counts_as_unchanged() -> None:
    assert reason(FINE, parents=(PARENT, FINE)) == "unchanged"


def test_all_seeds_keep_the_rules() -> None:
    seeds = read_seeds(Path(__file__).parents[3] / "seeds" / "seeds.jsonl")
    assert {seed.id: reason(seed.instruction) for seed in seeds if reason(seed.instruction)} == {}
