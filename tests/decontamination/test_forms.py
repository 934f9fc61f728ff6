"""Test sets are read in the forms in which they are published. The problems are not theirs."""

import json
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.config import Benchmark, Decontamination
from genetic_udfs.data.text import normal_lines
from genetic_udfs.decontamination import BenchmarkItem, read_items
from genetic_udfs.decontamination.rules import Index
from genetic_udfs.errors import ConfigurationError

MBPP = {
    "text": "Write a function to reverse the order of the wagons of a train.",
    "code": "def shunt(wagons):\r\n    return wagons[::-1]",
    "task_id": 3,
    "test_setup_code": "",
    "test_list": ["assert shunt([1, 2]) == [2, 1]"],
    "challenge_test_list": [],
}
SANITISED = {
    "source_file": "x.ipynb",
    "task_id": 4,
    "prompt": "Write a function to weigh a train.",
    "code": "def weigh(wagons):\n    return sum(wagons)",
    "test_imports": [],
    "test_list": ["assert weigh([1]) == 1"],
}
FORMAT = "The first line of the input contains a single integer t, the number of test cases."
LIVECODEBENCH = {
    "question_title": "Wagons",
    "question_content": (
        "A train of n wagons leaves for the mountains, where each wagon must be lighter than the one before it.\n"
        "Find the least number of wagons to leave behind at the station.\n\n"
        f"Input\n\n{FORMAT}\n\nOutput\n\nFor each test case, print the answer.\n\nSample Input 1\n\n1\n3\n\n"
        "Sample Output 1\n\n2"
    ),
    "platform": "atcoder",
    "question_id": "abc999_a",
    "contest_id": "abc999",
    "contest_date": "2024-01-01T00:00:00",
    "starter_code": "",
    "difficulty": "easy",
    "public_test_cases": '[{"input": "1\\n3\\n", "output": "2", "testtype": "stdin"}]',
    "private_test_cases": "eJxr",
    "metadata": "{}",
}
HEAD = "import random\ndef task_func(wagons, seed=0):\n"
BIGCODEBENCH = {
    "task_id": "BigCodeBench/9999",
    "complete_prompt": (
        f'{HEAD}    """\n    Shuffles the wagons of a train and says which of them came to stand first.\n\n'
        "    Parameters:\n    - wagons (list): Their names.\n\n    Returns:\n    - str: The first one.\n\n"
        "    Requirements:\n    - random\n\n    Example:\n    >>> task_func(['a'])\n    'a'\n    \"\"\"\n"
    ),
    "instruct_prompt": (
        "Shuffles the wagons of a train and says which of them came to stand first.\n"
        "The function should output with:\n    str: The first one.\n"
        f"You should write self-contained code starting with:\n```\n{HEAD}```"
    ),
    "canonical_solution": "    random.seed(seed)\n    random.shuffle(wagons)\n    return wagons[0]",
    "code_prompt": HEAD,
    "test": "import unittest\nclass TestCases(unittest.TestCase): pass",
    "entry_point": "task_func",
    "doc_struct": "{}",
    "libs": "['random']",
}


def read(folder: Path, form: str, *rows: dict[str, Any], **fields: Any) -> list[BenchmarkItem]:
    file = folder / "set.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    benchmark = Benchmark.model_validate({"path": str(file), "form": form, **fields})
    return read_items(Decontamination(human_eval=False, benchmarks={"mine": benchmark}))


def rule(text: str, items: list[BenchmarkItem]) -> str | None:
    [match] = Index.of(items).matches([normal_lines(text)])
    return None if match is None else match.rule


def test_mbpp_whole_and_sanitised(tmp_path: Path) -> None:
    first, second = read(tmp_path, "mbpp", MBPP, SANITISED, solutions=["code"])
    assert (first.id, first.instructions) == ("3", (MBPP["text"],))
    assert (second.id, second.problem) == ("4", SANITISED["prompt"])
    assert second.solutions == (SANITISED["code"],)


def test_mbpp_s_sentences_are_found_alone_and_in_a_task_but_not_in_longer_problems(tmp_path: Path) -> None:
    items = read(tmp_path, "mbpp", MBPP, SANITISED)
    assert rule(f"You are a programmer.\n{SANITISED['prompt']}\nassert weigh([1]) == 1", items) == "whole"
    assert rule(str(MBPP["text"]), items) == "ngram"
    longer = "at a border between two countries whose scales differ, and find out which of them is off by how much"
    assert rule(f"Write a function to weigh a train {longer}.", items) is None


def test_livecodebench(tmp_path: Path) -> None:
    [item] = read(tmp_path, "livecodebench", LIVECODEBENCH)
    assert item.id == "abc999_a" and item.problem.startswith("A train of n wagons")
    assert item.instructions[1].endswith("print the answer.")  # without the samples


def test_the_format_of_contests_input_is_no_contamination(tmp_path: Path) -> None:
    stories = ["bees in a hive", "kites over a beach", "coins under a bridge", "letters in a drawer"]
    rows = [
        LIVECODEBENCH | {"question_id": str(at), "question_content": f"There are n {story}; sort them.\n{FORMAT}"}
        for at, story in enumerate(stories)
    ]
    items = read(tmp_path, "livecodebench", LIVECODEBENCH, *rows)
    assert rule(f"There are m lamps along a road; count those that are lit.\n{FORMAT}", items) is None
    assert rule(f"{FORMAT} Find the least number of wagons to leave behind at the station.", items) == "ngram"


def test_bigcodebench_counts_both_prompts_without_what_all_have(tmp_path: Path) -> None:
    [item] = read(tmp_path, "bigcodebench", BIGCODEBENCH)
    assert item.id == "BigCodeBench/9999" and len(item.instructions) == 3
    assert all("task_func" not in text.split(">>>")[0] and "self-contained" not in text for text in item.instructions)
    assert rule("Shuffles the wagons of a train and says which of them came first.", [item]) == "ngram"


@pytest.mark.parametrize(
    ("form", "row", "said"),
    [
        ("mbpp", LIVECODEBENCH, "line 1: has no field 'text'; its fields are contest_date"),
        ("livecodebench", MBPP, "line 1: has no field 'question_content'"),
        ("bigcodebench", {"task_id": "a", "complete_prompt": "x"}, "line 1: has no field 'instruct_prompt'"),
        ("mbpp", {"text": "x"}, "line 1: 'task_id' must be a text or a whole number"),
        ("mbpp", {"text": "", "task_id": 1}, "every item is blank in text, prompt"),
    ],
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, form: str, row: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        read(tmp_path, form, row)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "needs `form`, or the fields with the problem in `instructions`"),
        ({"form": "mbpp", "instructions": ["text"]}, "`form: mbpp` has its fields"),
        ({"form": "mbpp", "id": "task_id"}, "leave `id` and `instructions` out"),
        ({"form": "humaneval"}, "'mbpp', 'livecodebench' or 'bigcodebench'"),
    ],
)
def test_a_form_or_the_fields_are_named(fields: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Benchmark.model_validate({"path": "x", **fields})
