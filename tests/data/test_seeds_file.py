"""The seeds' file: what is read, and what is refused by its line."""

import gzip
import json
from pathlib import Path

import pytest

from genetic_udfs.data.seeds import Seed, read_seeds
from genetic_udfs.errors import ConfigurationError


def write(folder: Path, *lines: str | bytes) -> Path:
    file = folder / "seeds.jsonl"
    file.write_bytes(b"\n".join(line if isinstance(line, bytes) else line.encode() for line in lines) + b"\n")
    return file


def test_seeds_may_be_chosen_by_their_fields(tmp_path: Path) -> None:
    rows = [
        {"id": "a", "instruction": "Write a function `f(x)`.", "level": "easy", "year": 2024},
        {"id": "b", "instruction": "Write a function `g(x)`.", "level": "hard", "year": 2024},
        {"id": "c", "instruction": "Make a class.\nWrite a function", "level": "easy"},
    ]
    file = write(tmp_path, *map(json.dumps, rows))

    def chosen(**where: str) -> list[str]:
        return [seed.id for seed in read_seeds(file, where)]

    assert chosen(level="easy") == ["a", "c"]
    assert chosen(level="easy|hard", instruction="Write a function `[^`]+`[.]") == ["a", "b"]
    assert chosen(instruction="Make.*function", level="easy") == ["c"]
    assert chosen(year="2024") == ["a", "b"]
    assert chosen(year=".*") == ["a", "b"]
    assert chosen() == ["a", "b", "c"]
    with pytest.raises(ConfigurationError, match="seeds_where: matches none of the 3 rows of"):
        chosen(level="eas")
    with pytest.raises(ConfigurationError, match="has no levle, but id, instruction, level, year"):
        chosen(levle="easy")


def test_ids_are_taken_or_made_from_the_line(tmp_path: Path) -> None:
    file = write(
        tmp_path,
        '{"id": "a", "instruction": "one"}',
        "",
        '{"instruction": "two", "topic": "x"}',
        '{"id": 7, "instruction": "3"}',
    )
    assert read_seeds(file) == [Seed("a", "one"), Seed("seed-000003", "two", "x"), Seed("7", "3")]


@pytest.mark.parametrize(
    "text",
    [
        "{{ 7 * 7 }} {% include 'x' %}",
        "'; DROP TABLE population; --",
        "a\0b",
        "\u2028line\x0cfeed\x85",
        "\U0001f600" * 9,
        "x" * 100_000,
    ],
)
def test_hostile_text_is_data(tmp_path: Path, text: str) -> None:
    assert read_seeds(write(tmp_path, json.dumps({"instruction": text}, ensure_ascii=False)))[0].instruction == text


def test_an_unpaired_surrogate_is_replaced_and_a_pair_is_kept(tmp_path: Path) -> None:
    file = write(tmp_path, r'{"instruction": "x \ud800 y \ud83d\ude00"}')
    assert read_seeds(file)[0].instruction == "x \ufffd y \U0001f600"


def test_a_byte_order_mark_is_no_part_of_the_first_seed(tmp_path: Path) -> None:
    assert read_seeds(write(tmp_path, b'\xef\xbb\xbf{"instruction": "x"}'))[0].instruction == "x"


def test_a_gzipped_file_is_read(tmp_path: Path) -> None:
    file = tmp_path / "seeds.jsonl"
    file.write_bytes(gzip.compress(b'{"instruction": "x"}\n'))
    assert read_seeds(file) == [Seed("seed-000001", "x")]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([""], "holds no seed"),
        (['{"instruction": "x"}', '{"instruction": '], "line 2: is not JSON"),
        (['["x"]'], "line 1: must be a JSON object"),
        (['{"text": "x"}'], "line 1: \"instruction\" must be a text that is not blank; keys given: ['text']"),
        (['{"instruction": "  "}'], 'line 1: "instruction" must be a text'),
        (['{"instruction": 3}'], 'line 1: "instruction" must be a text'),
        (['{"id": [], "instruction": "x"}'], 'line 1: "id" must be a text'),
        (
            ['{"id": "a", "instruction": "x"}', '{"id": "a", "instruction": "y"}'],
            "line 2: the id 'a' stands already in line 1",
        ),
        ([b'{"instruction": "\xff"}'], "line 1: is not UTF-8 text"),
        (["[" * 100_000], "line 1: is not JSON"),
    ],
)
def test_a_malformed_line_is_named(tmp_path: Path, lines: list[str | bytes], expected: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read_seeds(write(tmp_path, *lines))
    assert expected in str(caught.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"seeds: .*none\.jsonl: cannot be read: No such file"):
        read_seeds(tmp_path / "none.jsonl")
