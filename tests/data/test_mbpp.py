"""MBPP's files are read in both published forms, or it is said what is wrong with them."""

import json
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.data.mbpp import MbppProblem, mbpp_problems
from genetic_udfs.errors import ConfigurationError

WHOLE = {
    "text": "Write a function to join the heads of two trees.",
    "code": "class Node:\r\n    pass\r\ndef heads(a):\r\n    return [a.name]",
    "task_id": 11,
    "test_setup_code": "root = Node()\r\nroot.name = 'oak'",
    "test_list": ["assert heads(root) == ['oak']"],
    "challenge_test_list": [],
}
SANITISED = {
    "source_file": "a.ipynb",
    "task_id": 12,
    "prompt": "Write a function to halve a number.",
    "code": "def halve(x):\n    return x / 2",
    "test_imports": ["import math"],
    "test_list": ["assert halve(2) == 1", "assert math.isclose(halve(1), 0.5)"],
}


def written(folder: Path, *rows: Any) -> Path:
    file = folder / "mbpp.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_both_forms_are_read(tmp_path: Path) -> None:
    assert mbpp_problems(written(tmp_path, WHOLE, SANITISED)) == [
        MbppProblem(
            "11",
            "Write a function to join the heads of two trees.\nYour code should pass these tests:\n"
            "assert heads(root) == ['oak']",
            "class Node:\n    pass\ndef heads(a):\n    return [a.name]",
            "root = Node()\nroot.name = 'oak'\nassert heads(root) == ['oak']",
        ),
        MbppProblem(
            "12",
            "Write a function to halve a number.\nYour code should pass these tests:\n"
            "assert halve(2) == 1\nassert math.isclose(halve(1), 0.5)",
            "def halve(x):\n    return x / 2",
            "import math\nassert halve(2) == 1\nassert math.isclose(halve(1), 0.5)",
        ),
    ]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"text": None}, "line 1: 'text' must be a text"),
        ({"code": 5}, "line 1: 'code' must be a text"),
        ({"test_list": "assert 1"}, "line 1: 'test_list' must be a list of texts"),
        ({"test_list": []}, "line 1: 'test_list' has no test"),
        ({"task_id": None}, "line 1: 'task_id' must be a text or a whole number"),
    ],
)
def test_a_malformed_field_is_named_with_its_line(tmp_path: Path, change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"--path: .*mbpp.jsonl: {said}"):
        mbpp_problems(written(tmp_path, WHOLE | change))


def test_files_of_another_form_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="'test_list' must be a list of texts; its fields are prompt, task_id"):
        mbpp_problems(written(tmp_path, {"task_id": "Mbpp/2", "prompt": "x"}))
    with pytest.raises(ConfigurationError, match=r"mbpp\.jsonl: line 3: the task_id '11' stands already in line 1"):
        mbpp_problems(written(tmp_path, WHOLE, SANITISED, WHOLE))
    with pytest.raises(ConfigurationError, match="holds no problem"):
        mbpp_problems(written(tmp_path))
    with pytest.raises(ConfigurationError, match="cannot be read"):
        mbpp_problems(tmp_path / "none.jsonl")
