"""The dataset card: a header that the hub reads, and text in which nothing of a model's means more than itself."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pyspark.sql.types import ArrayType, DoubleType, StructType

from genetic_udfs.export.card import Export, card, header_of
from genetic_udfs.export.features import features_of
from genetic_udfs.export.formats import FileType
from genetic_udfs.export.provenance import Asked, Made, Provenance
from genetic_udfs.export.shards import File, Split, planned
from genetic_udfs.store.schema import POPULATION_SCHEMA

MADE = Provenance(
    generations=[Made(0, 0, 3, 3), Made(1, 40, 10, 13)],
    reasons={"judged_no": 5, "no_code": 25},
    asked=[Asked("coder", "org/wri|ter", "abc123", 30)],
    settings={"acceptance": "judge", "operators": {"crossover_share": 0.5}, "roles": {"tester": None}},
    test_sets={"mbpp": "974 items, sha256 00"},
    versions={"genetic-udfs": "0.1.0"},
)
EXPORT = Export(
    name="my data",
    format="alpaca",
    preference=False,
    file_type=FileType.JSONL,
    generation=1,
    population_version=4,
    where="fitness > 0.5",
    seed=None,
    pairs=10,
    selected=9,
    contaminated={"humaneval": 1},
    test_sets={"humaneval": "164 items, sha256 11"},
    apart=2,
    splits=[Split("train", 5, 500, 1), Split("test", 1, 100, 1)],
    files=[
        File("data/train-00000-of-00001.jsonl", "train", 5, 700, "aa"),
        File("data/test-00000-of-00001.jsonl", "test", 1, 200, "bb"),
    ],
    features=[{"name": "id", "dtype": "string"}],
    example='{"output": "```python\\n```"}',
)


def test_the_header_has_configs_splits_features_and_sizes() -> None:
    text = card(EXPORT, MADE)
    header = yaml.safe_load(text.split("---\n")[1])
    assert header == header_of(EXPORT)
    assert header["configs"][0]["data_files"] == [
        {"split": "train", "path": "data/train-*.jsonl"},
        {"split": "test", "path": "data/test-*.jsonl"},
    ]
    info = header["dataset_info"]
    assert [(split["name"], split["num_examples"]) for split in info["splits"]] == [("train", 5), ("test", 1)]
    assert (info["download_size"], info["dataset_size"]) == (900, 600)
    assert header["size_categories"] == ["n<1K"]


def test_the_text_says_how_it_was_made_and_what_was_left_out() -> None:
    text = card(EXPORT, MADE)
    for line in (
        "| 1 | 40 | 10 | 13 |",
        "| coder | `org/wri\\|ter` | `abc123` | 30 |",
        "| no_code | 25 |\n| judged_no | 5 |",
        "- a pair was accepted by: `judge`",
        "9 were selected by `fitness > 0.5`",
        "humaneval (164 items, sha256 11); mbpp (974 items, sha256 00)",
        "1 of humaneval were found and left out",
        "2 pairs are in no split",
        "Code was parsed, and never run.",
    ):
        assert line in text
    assert "against no test set" in card(replace(EXPORT, test_sets={}), replace(MADE, test_sets={}))


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Code was parsed, and never run."),
        ({"sandbox": {"check_runs": False}}, "Code was parsed, and never run."),
        ({"sandbox": {"check_runs": True}}, "Code was parsed and imported, which runs no function of it."),
        ({"roles": {"tester": {"engine": "one"}}}, "Code was parsed and run against tests that a model wrote"),
        (
            {"roles": {"tester": {"engine": "one"}}, "sandbox": {"check_runs": True}},
            "Code was parsed, imported and run against tests that a model wrote",
        ),
        (
            {"acceptance": "execution", "roles": {"tester": None, "coder": {"samples": 4}}},
            "Code was parsed, imported and kept where it passed the examples that its instruction gives",
        ),
        (
            {"roles": {"tester": None, "coder": {"samples": 2}}},
            "Code was parsed and run beside other solutions of its instruction to choose one",
        ),
    ],
)
def test_the_limits_say_what_was_run_of_the_code(settings: dict[str, Any], said: str) -> None:
    text = card(EXPORT, replace(MADE, settings={"acceptance": "judge", **settings}))
    [line] = [line for line in text.splitlines() if line.startswith("- Code was ")]
    assert line.removeprefix("- ").startswith(said)


def test_the_texts_of_others_cannot_leave_their_place() -> None:
    text = card(replace(EXPORT, name="# a\n<b> [c](d)", where="x = '`` y'"), MADE)
    assert "\n# \\# a \\<b\\> \\[c\\](d)\n" in text
    assert "by ```x = '`` y'```." in text
    assert '````json\n{"output": "```python\\n```"}\n````\n' in text


def test_features_are_those_of_datasets() -> None:
    listed = {feature["name"]: feature for feature in features_of(POPULATION_SCHEMA)}
    assert listed["parents"] == {"name": "parents", "list": "string"}
    assert listed["verdict"] == {"name": "verdict", "dtype": "bool"}
    assert listed["ordinal"] == {"name": "ordinal", "dtype": "int64"}
    turn = StructType().add("from", "string").add("score", DoubleType())
    nested = StructType().add("one", turn).add("many", ArrayType(turn))
    of_turn = [{"name": "from", "dtype": "string"}, {"name": "score", "dtype": "float64"}]
    assert features_of(nested) == [{"name": "one", "struct": of_turn}, {"name": "many", "list": of_turn}]


@pytest.mark.parametrize(
    ("sizes", "shards", "expected"),
    [
        ({"train": (100, 10), "test": (10, 1)}, None, [1, 1]),
        ({"train": (100, 2**30), "test": (10, 2**27)}, None, [4, 1]),
        ({"train": (100, 10), "test": (50, 5)}, 4, [4, 2]),
        ({"train": (3, 10)}, 8, [3]),
    ],
)
def test_files_are_of_like_size(sizes: dict[str, tuple[int, int]], shards: int | None, expected: list[int]) -> None:
    assert [split.shards for split in planned(sizes, shards)] == expected
