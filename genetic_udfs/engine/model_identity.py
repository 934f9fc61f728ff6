"""What of an engine decides on its replies: the model itself, wherever it lies, and the arguments that change it."""

import hashlib
import json
from functools import cache
from pathlib import Path
from typing import Final

from genetic_udfs.config import Engine
from genetic_udfs.config.engines import DEFAULT_LENGTH

# vLLM's arguments that change a model's numbers, or what it says: weights, tokens, turns or sampling. Others are about
# speed.
_OF_NUMBERS: Final = frozenset(
    {
        *("code-revision", "convert", "hf-config-path", "hf-overrides", "kv-cache-dtype", "lora-modules"),
        *("pooler-config", "quantization", "quantization-config", "revision", "rope-scaling", "rope-theta"),
        *("tokenizer", "tokenizer-mode", "tokenizer-revision"),
    }
)
_OF_TEXTS: Final = frozenset(
    {
        *("chat-template", "default-chat-template-kwargs", "generation-config", "logits-processors", "logprobs-mode"),
        "override-generation-config",
    }
)
_NO_WEIGHTS: Final = ("load-format", "dummy")  # other formats read the same weights
_WEIGHTS: Final = frozenset({".bin", ".gguf", ".pt", ".pth", ".safetensors"})
# Architecture, code of its own, index of weights, tokenizer.
_DESCRIPTION: Final = frozenset({".jinja", ".json", ".model", ".py", ".tiktoken"})
_VOCABULARIES: Final = frozenset({"merges.txt", "vocab.txt"})
# What training leaves beside a model.
_OF_TRAINING: Final = frozenset(
    {"optimizer.bin", "optimizer.pt", "scaler.pt", "scheduler.pt", "trainer_state.json", "training_args.bin"}
)
# Blocks that are read of a file of weights, evenly over its length: 70 GB would take minutes, and checkpoints of one
# training differ in all of their blocks.
_BLOCK, _BLOCKS = 1 << 16, 16


def model_identity(engine: Engine, *, is_unlimited: bool = False) -> str:
    """Return what of an engine is part of a request's identity.

    That is the model's name, or a hash of the contents where it is a folder of this machine, with the arguments that
    change its replies; an argument that is the path of a folder or a file of this machine counts by its contents, too.
    Paths begin with `/`, `./`, `../` or `~`. What only executors have counts by its path. Replies that are unlimited
    end where a server of our own has no room for more, so its length counts, too.
    """
    names = _OF_NUMBERS if engine.embeds else _OF_NUMBERS | _OF_TEXTS
    # vLLM also takes a part of an argument, as in `hf-overrides.rope_theta`.
    deciding = {
        name: identity_of_files(value) if isinstance(value, str) else value
        for name, value in sorted(engine.flags.items())
        if name.partition(".")[0] in names or (name, value) == _NO_WEIGHTS
    }
    if engine.dtype != "auto" and not engine.urls:  # an endpoint is not told of it
        deciding["dtype"] = engine.dtype
    length = deciding_length(engine.max_model_len, is_served_here=not engine.urls, is_unlimited=is_unlimited)
    if length is not None:
        deciding["max-model-len"] = length
    name = engine.model if engine.urls else identity_of_files(engine.model)
    return f"{name} {json.dumps(deciding)}" if deciding else name


def deciding_length(max_model_len: int | None, *, is_served_here: bool, is_unlimited: bool) -> int | None:
    """Return the length that is set for an engine where that alone ends its replies; None if not, or the default is."""
    return max_model_len if is_served_here and is_unlimited and max_model_len != DEFAULT_LENGTH else None


def identity_of_files(model: str) -> str:
    """Return a model's name, or a hash of the contents where it is a folder, or a file, of this machine."""
    if not model.startswith(("/", "./", "../", "~")):
        return model
    try:
        place = Path(model).expanduser()
        if not place.exists():
            return model
    except (OSError, RuntimeError):  # it is no path after all
        return model
    files = sorted(filter(_is_of_the_model, place.iterdir())) if place.is_dir() else [place]
    return _digest(tuple((file, stat.st_size, stat.st_mtime_ns) for file in files for stat in [file.stat()]))


def _is_of_the_model(file: Path) -> bool:
    counts = file.suffix in _WEIGHTS | _DESCRIPTION or file.name in _VOCABULARIES
    is_of_training = file.name in _OF_TRAINING or file.name.startswith("rng_state")
    return counts and not is_of_training and file.is_file()


@cache
def _digest(files: tuple[tuple[Path, int, int], ...]) -> str:
    """Return a hash of the names and contents of files, given with size and time of change."""
    found = hashlib.sha256()
    for path, size, _ in files:
        found.update(f"{path.name}\x1e{size}\x1e".encode())
        with path.open("rb") as file:
            if path.suffix not in _WEIGHTS or size <= _BLOCK * _BLOCKS:
                found.update(file.read())
                continue
            for block in range(_BLOCKS):
                file.seek((size - _BLOCK) * block // (_BLOCKS - 1))
                found.update(file.read(_BLOCK))
    return f"sha256:{found.hexdigest()[:32]}"
