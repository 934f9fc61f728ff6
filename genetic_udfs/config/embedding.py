"""What embeds texts: a model in Spark's Python workers, or an engine that is asked."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from genetic_udfs.config.engines import Engine
from genetic_udfs.errors import ConfigurationError

EMBEDDING_MODEL: Final = "bundled:all-minilm-l6-v2"
"""The model unless another is named."""

DIVERSITY_MODEL_KEY: Final = "diversity.model"
PARAPHRASES_MODEL_KEY: Final = "decontamination.paraphrases.model"
SEMANTIC_MODEL_KEY: Final = "dedup.semantic.model"
EMBEDDING_KEYS: Final = (DIVERSITY_MODEL_KEY, PARAPHRASES_MODEL_KEY, SEMANTIC_MODEL_KEY)
"""The YAML keys that name what embeds."""

_OF_ENGINE: Final = "engine:"


def names_folder(model: str) -> bool:
    """Tell whether the value of such a key is a model's folder: neither an engine nor a bundled model."""
    return not model.startswith(("bundled:", _OF_ENGINE))


@dataclass(frozen=True)
class EmbeddingModel:
    """What embeds texts, as a YAML key names it: a folder, the bundled model, or `engine:NAME`.

    Args:
        model: The key's value.
        key: The key, for errors.
        engine: The engine that it names; None for a model in Spark's Python workers.
    """

    model: str
    key: str
    engine: Engine | None = None

    @classmethod
    def named(cls, model: str, key: str, engines: Mapping[str, Engine] | None = None) -> "EmbeddingModel":
        """Return what a key's value names.

        Args:
            model: The value.
            key: The key.
            engines: Those of the configuration, by name.

        Raises:
            ConfigurationError: if it names no engine, or one that writes texts.
        """
        if not model.startswith(_OF_ENGINE):
            return cls(model, key)
        name = model.removeprefix(_OF_ENGINE)
        engine = (engines or {}).get(name)
        if engine is None:
            has = f"engines has {sorted(engines)}" if engines else "there are no engines here"
            raise ConfigurationError(f"{key}: no engine is named {name!r}; {has}")
        if not engine.embeds:
            raise ConfigurationError(f"{key}: engine {name!r} writes texts; give it `task: embed`, or name another")
        return cls(model, key, engine)

    @property
    def engine_name(self) -> str:
        """The name of the engine that embeds; empty where a model in the workers does."""
        return self.model.removeprefix(_OF_ENGINE) if self.engine is not None else ""
