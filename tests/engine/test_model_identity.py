"""A model's identity is what decides its replies: not where it lies, but its contents and what changes its numbers."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.config import Engine
from genetic_udfs.engine.model_identity import model_identity


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text('{"hidden_size": 8}')
    (folder / "model.safetensors").write_bytes(bytes(range(256)) * 8192)  # 2 MB, more than is read of it
    (folder / "notes.md").write_text("of no account")
    return folder


def identity(folder: Path, **settings: Any) -> str:
    return model_identity(Engine(model=str(folder), **settings))


def test_a_folder_that_was_moved_is_the_same_model(folder: Path, tmp_path: Path) -> None:
    before = identity(folder)
    assert str(tmp_path) not in before
    (folder / "notes.md").write_text("changed")
    (folder / "notes.txt").write_text("new")
    (folder / "training_args.bin").write_bytes(b"new")
    assert identity(Path(shutil.move(folder, tmp_path / "elsewhere"))) == before


@pytest.mark.parametrize(
    ("file", "at"), [("config.json", 16), ("model.safetensors", 0), ("model.safetensors", 256 * 8192 - 1)]
)
def test_other_contents_are_another_model(folder: Path, file: str, at: int) -> None:
    before = identity(folder)
    with (folder / file).open("r+b") as opened:
        opened.seek(at)
        opened.write(b"9")
    assert identity(folder) != before


@pytest.mark.parametrize(
    "settings",
    [
        {"args": {"quantization": "fp8"}},
        {"args": {"--revision": "abc"}},
        {"args": {"kv_cache_dtype": "fp8"}},
        {"args": {"generation-config": "vllm"}},
        {"args": {"override-generation-config": '{"temperature": 0.1}'}},
        {"args": {"override-generation-config.temperature": 0.1}},
        {"args": {"default-chat-template-kwargs": '{"enable_thinking": false}'}},
        {"args": {"load-format": "dummy"}},
        {"dtype": "float16"},
    ],
)
def test_what_changes_the_numbers_is_another_model(settings: dict[str, Any]) -> None:
    assert model_identity(Engine(model="org/name", **settings)) != model_identity(Engine(model="org/name"))


def test_what_changes_the_speed_is_not() -> None:
    speed = {"tensor-parallel-size": 8, "enforce-eager": True, "load-format": "runai_streamer"}
    assert model_identity(Engine(model="org/name", args=speed, max_num_seqs=9)) == "org/name"


def test_how_texts_are_drawn_is_nothing_to_a_model_that_embeds() -> None:
    args = {"generation-config": "vllm", "revision": "abc"}
    assert model_identity(Engine(model="org/name", task="embed", args=args)) == 'org/name {"revision": "abc"}'


def test_the_length_counts_where_it_alone_ends_replies() -> None:
    long = Engine(model="org/name", max_model_len=9000)
    assert model_identity(long) == model_identity(Engine(model="org/name"), is_unlimited=True) == "org/name"
    assert model_identity(long, is_unlimited=True) == 'org/name {"max-model-len": 9000}'
    assert model_identity(Engine(model="org/name", max_model_len=4096), is_unlimited=True) == "org/name"  # the default
    elsewhere = Engine(model="org/name", url="http://host/v1", max_model_len=9000)  # which is not told of it
    assert model_identity(elsewhere, is_unlimited=True) == "org/name"


def test_one_argument_written_in_two_ways_is_one() -> None:
    one, other = ({"kv_cache_dtype": "fp8", "revision": "a"}, {"--revision": "a", "--kv-cache-dtype": "fp8"})
    assert model_identity(Engine(model="org/name", args=one)) == model_identity(Engine(model="org/name", args=other))


def test_a_file_or_folder_that_an_argument_names_counts_by_its_contents(folder: Path, tmp_path: Path) -> None:
    template = tmp_path / "turns.jinja"
    template.write_text("{{ messages }}")

    def with_args(template: Path, tokenizer: Path) -> str:
        args = {"chat-template": str(template), "tokenizer": str(tokenizer)}
        return model_identity(Engine(model="org/name", args=args))

    before = with_args(template, folder)
    assert str(tmp_path) not in before
    moved = shutil.copytree(tmp_path, tmp_path / "moved")
    assert with_args(moved / template.name, moved / folder.name) == before
    template.write_text("{{ messages[0] }}")
    assert with_args(template, folder) != before


def test_code_of_a_model_s_own_counts(folder: Path) -> None:
    before = identity(folder)
    (folder / "modeling_own.py").write_text("class Model: pass")
    assert identity(folder) != before


def test_an_endpoint_and_a_folder_of_executors_alone_count_by_their_names(folder: Path) -> None:
    assert model_identity(Engine(model=str(folder), url="http://host/v1", dtype="float16")) == str(folder)
    assert model_identity(Engine(model="/nowhere/checkpoint")) == "/nowhere/checkpoint"
