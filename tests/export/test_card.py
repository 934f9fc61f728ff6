"""The dataset card: a header that the hub reads, and text in which nothing of a model's means more than itself."""

from dataclasses import replace
from typing import Any

import pytest
import yaml
from pyspark.sql.types import ArrayType, DoubleType, StructType

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.export.card import card, header_of
from genetic_udfs.export.features import features_of
from genetic_udfs.export.folder import File
from genetic_udfs.export.formats import ExportFormat, FileType
from genetic_udfs.export.manifest import manifest
from genetic_udfs.export.outcome import Export, ExportOptions, WrittenSplit
from genetic_udfs.export.provenance import Asked, Made, Provenance
from genetic_udfs.export.shards import planned
from genetic_udfs.store.schema import POPULATION_SCHEMA

MADE = Provenance(
    generations=[Made(0, 0, 3, 3), Made(1, 40, 10, 13)],
    reasons={"judged_no": 5, "no_code": 25, "off_task": 2},
    asked=[Asked("coder", "org/wri|ter", "abc123", 30)],
    settings={"acceptance": "judge", "operators": {"crossover_share": 0.5}, "roles": {"tester": None}},
    test_sets={"mbpp": "974 items, sha256 00"},
    versions={"genetic-udfs": "0.1.0"},
)
EXPORT = Export(
    name="my data",
    options=ExportOptions(
        ExportFormat.ALPACA, "out", where="fitness > 0.5", split=("test=0.2",), shards=2, file_type=FileType.JSONL
    ),
    shares={"test": 0.2},
    seed=7,
    generation=1,
    population_version=4,
    pairs=10,
    selected=9,
    contaminated={"humaneval": 1},
    test_sets={"humaneval": "164 items, sha256 11"},
    apart=2,
    languages={"python": 6},
    with_reasoning=4,
    splits=[
        WrittenSplit("train", 5, 500, [File("data/train-00000-of-00001.jsonl", 5, 700, "aa")]),
        WrittenSplit("test", 1, 100, [File("data/test-00000-of-00001.jsonl", 1, 200, "bb")]),
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
        "pairs of programming problems and solutions in Python, written by",
        "- rules for instructions that refused some: `off_task`",
        "- test sets, by shared words: `mbpp: 974 items, sha256 00`",
        "- Every text of every pair here was checked against these test sets, by shared words: humaneval (164 items,"
        " sha256 11).",
        "left out: 1 of humaneval.",
        "2 pairs are in no split",
        "Code was parsed, and never run.",
    ):
        assert line in text
    assert "duplicates by meaning" not in text
    assert "paraphrases" not in text


def test_filters_that_were_on_are_named() -> None:
    settings = {
        "dedup": {"threshold": 0.7, "semantic": {"threshold": 0.95, "model": "org/embedder"}},
        "decontamination": {"paraphrases": {"similarity": 0.5, "model": "org/near"}},
    }
    text = card(EXPORT, replace(MADE, settings=settings))
    assert "- duplicates by meaning: cosine of embeddings from: `0.95 by org/embedder`" in text
    assert "paraphrases that a model confirmed, asked from a cosine of: `0.5 by org/near`" in text


@pytest.mark.parametrize(
    ("languages", "asked", "solutions", "code"),
    [
        ({"java": 5}, "java", "in java,", "ran none of it."),
        (
            {"c++": 2, "any": 1, "python": 3},
            "any",
            "in Python (3), c++ (2) and languages that are not named (1),",
            "it.",
        ),
        ({"java": 1, "python": 4}, "python", "in Python (4) and java (1),", "Python was neither compiled nor run."),
        ({f"l{n}": 1 for n in range(10)}, "any", "l6 (1), l7 (1) and others (2),", "ran none of it."),
    ],
)
def test_solutions_are_in_the_languages_that_they_are_in(
    languages: dict[str, int], asked: str, solutions: str, code: str
) -> None:
    text = card(replace(EXPORT, languages=languages), replace(MADE, settings={"language": asked}))
    assert solutions in text
    assert f"{code}\n" in text
    assert ("Code was parsed" in text) == (asked == "python")


@pytest.mark.parametrize(
    ("format_", "preference", "said"),
    [
        (ExportFormat.MESSAGES, False, "4 of 6 solutions have the thoughts of their model, as `reasoning_content` of"),
        (ExportFormat.SHAREGPT, False, "4 of 6 solutions have the thoughts of their model before the answer, between"),
        (ExportFormat.ALPACA, True, "4 of 6 preferred solutions have the thoughts of their model before the answer"),
    ],
)
def test_the_text_says_where_thoughts_are(format_: ExportFormat, preference: bool, said: str) -> None:
    options = replace(EXPORT.options, format=format_, preference=preference, reasoning=True)
    assert said in card(replace(EXPORT, options=options), MADE)
    assert "thoughts" not in card(EXPORT, MADE)


def test_the_manifest_has_what_was_asked_for_how_many_files_were_written_and_every_hash() -> None:
    found = manifest(EXPORT, "store", File("README.md", 0, 900, "cc"))
    assert found["test_sets"] == {"humaneval": "164 items, sha256 11"}
    asked = {name: found[name] for name in ("file_type", "split", "split_seed", "shards", "shuffle", "with_reasoning")}
    assert asked == {
        "file_type": "jsonl",
        "split": {"test": 0.2},
        "split_seed": 7,
        "shards": 1,
        "shuffle": None,
        "with_reasoning": None,
    }
    assert found["card"] == {"path": "README.md", "bytes": 900, "sha256": "cc"}
    assert [file["sha256"] for file in found["files"]] == ["aa", "bb"]


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
        ({"acceptance": "execution>=0.5"}, "Code was parsed, imported and kept where it passed the examples"),
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
    text = card(replace(EXPORT, name="# a\n<b> [c](d)", options=replace(EXPORT.options, where="x = '`` y'")), MADE)
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
    dated = StructType().add("notes", ArrayType(StructType().add("at", "timestamp")))
    with pytest.raises(ConfigurationError, match=r"'notes\.\[\]\.at' has the type timestamp.*drop the column 'notes'"):
        features_of(dated)


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
