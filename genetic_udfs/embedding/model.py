"""Sentence embeddings by a small model on the CPU: the mean of its last layer's token vectors, of length one."""

import functools
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.config import EMBEDDING_MODEL, EmbeddingModel
from genetic_udfs.engine.models import bundled_embedding
from genetic_udfs.errors import ConfigurationError, EngineError

# What of a text is embedded: the model was trained on no more tokens, and a tokenizer takes seconds for a megabyte.
BEGINNING: Final = 4000
_TOKENS: Final = 256
_AT_ONCE: Final = 32


class Embedder:
    """A model in this process.

    Args:
        folder: A checkpoint that transformers' `AutoModel` reads, with its tokenizer.
    """

    def __init__(self, folder: Path) -> None:
        # torch takes seconds to import: it must not enter processes that embed nothing.
        import torch
        import transformers

        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        torch.set_num_threads(1)  # Spark runs as many workers as there are cores
        self._torch = torch
        self._tokenizer: Any = transformers.AutoTokenizer.from_pretrained(folder, local_files_only=True)
        self._model: Any = transformers.AutoModel.from_pretrained(folder, local_files_only=True).eval()

    def __call__(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Return a vector of length one for each text, a row each; only a text's beginning counts."""
        torch = self._torch
        # Texts of a length together: a batch is padded to its longest.
        order = sorted(range(len(texts)), key=lambda at: len(texts[at]))
        vectors: list[Any] = []
        for begin in range(0, len(order), _AT_ONCE):
            some = [texts[at][:BEGINNING] for at in order[begin : begin + _AT_ONCE]]
            batch = self._tokenizer(some, padding=True, truncation=True, max_length=_TOKENS, return_tensors="pt")
            with torch.inference_mode():
                hidden = self._model(**batch).last_hidden_state
                weights = batch["attention_mask"].unsqueeze(-1).to(hidden.dtype)
                mean = (hidden * weights).sum(dim=1) / weights.sum(dim=1)
                vectors.append(torch.nn.functional.normalize(mean, dim=1).to(torch.float32).numpy())
        result = np.empty((len(texts), vectors[0].shape[1] if vectors else 0), np.float32)
        if vectors:
            result[order] = np.concatenate(vectors)
        return result


_loaded = functools.cache(Embedder)


def embedder(model: str, key: str) -> Embedder:
    """Return a model, loaded once in a process; `key` is the YAML key that names it.

    Raises:
        EngineError: if it cannot be loaded here.
    """
    try:
        return _loaded(model_folder(model, key))
    except (ConfigurationError, ImportError, OSError, ValueError) as error:
        raise EngineError(f"{key}: {model} cannot be loaded: {error}") from None


def model_folder(model: str, key: str) -> Path:
    """Return where a model is: the bundled one's folder, or the one that is named under the YAML key.

    Raises:
        ConfigurationError: if there is none, saying what to do.
    """
    if model == EMBEDDING_MODEL:
        try:
            return bundled_embedding()
        except ConfigurationError as error:
            raise ConfigurationError(f"{key}: {error}") from None
    folder = Path(model).expanduser()
    if model.startswith("bundled:") or not (folder / "config.json").is_file():
        raise ConfigurationError(
            f"{key}: {model!r} is no folder with config.json and weights; allowed are such a folder, {EMBEDDING_MODEL}"
            " and, where a configuration has engines, engine:NAME"
        )
    return folder


def check_embedding(named: EmbeddingModel) -> None:
    """Check, without loading anything, that a model and what runs it are there; those of an engine are not here.

    Raises:
        ConfigurationError: saying what is missing.
    """
    if named.engine is not None:
        return
    model_folder(named.model, named.key)
    for package in ("torch", "transformers"):
        if importlib.util.find_spec(package) is None:
            raise ConfigurationError(
                f"{named.key}: {named.model} needs the package {package}, which is not installed; it comes with vLLM"
            )
