"""The checks between reading a configuration and starting Spark: everything that can be known in a second."""

import os
import re
from pathlib import Path

from genetic_udfs.config import EMBEDDING_MODEL, Config, EmbeddingModel, Engine
from genetic_udfs.data.seeds import Seed, read_seeds
from genetic_udfs.embedding.model import check_embedding
from genetic_udfs.engine.gpus import AMOUNT, TASK_AMOUNT
from genetic_udfs.engine.models import check_model
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.versions import check_versions
from genetic_udfs.store.lease import LEASE_FOLDER
from genetic_udfs.store.tables import SCHEMAS


def preflight(config: Config) -> list[Seed]:
    """Check versions, the store's place, seeds, models and keys; return the seeds.

    Raises:
        ConfigurationError: naming the YAML key, or the packages whose versions do not match.
    """
    check_versions()
    check_store(config.store)
    seeds = check_seeds(config)
    for name, engine in config.engines.items():
        check_engine(name, engine)
    check_gpus(config)
    check_embeddings(config)
    return seeds


def check_store(store: str) -> None:
    """Check that a store in a local folder is one, or is to be made in a folder that is new or empty.

    Raises:
        ConfigurationError: naming what lies there instead.
    """
    if re.match(r"(?!file:)[A-Za-z][\w+.-]*:", store):
        return  # in another file system, or in a catalog
    folder = Path(re.sub(r"^file:(//)?", "", store))
    if folder.exists() and not folder.is_dir():
        raise ConfigurationError(f"store: {store} is a file; name a folder")
    found = sorted(path.name for path in folder.iterdir()) if folder.exists() else []
    if found and not {*SCHEMAS, LEASE_FOLDER} & set(found):
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        raise ConfigurationError(
            f"store: {store} is not a store of this project: it contains other files ({', '.join(found[:3])}{more});"
            " name a new or an empty folder, or that of an earlier run"
        )


def check_seeds(config: Config) -> list[Seed]:
    """Read the seeds, and refuse too few of them.

    Raises:
        ConfigurationError: naming the file and the line, or the key of what is asked of them.
    """
    seeds = read_seeds(config.seeds, config.seeds_where)
    which = " that seeds_where matches" if config.seeds_where else ""
    enough_parents(config, len(seeds), f"{config.seeds} has {len(seeds)} seeds{which}; give more seeds")
    return seeds


def enough_parents(config: Config, size: int, otherwise: str) -> None:
    """Check that a crossover finds as many different parents as it shows.

    Args:
        config: the configuration.
        size: how many pairs there are to draw from.
        otherwise: where there are too few, and what else may be done.

    Raises:
        ConfigurationError: naming the key.
    """
    parents = config.operators.crossover_parents
    if config.operators.crossover_share > 0 and size < parents:
        raise ConfigurationError(
            f"operators.crossover_parents: a crossover shows {parents} different parents, but {otherwise},"
            " fewer parents, or crossover_share: 0"
        )


def check_gpus(config: Config) -> None:
    """Check that an engine has as many GPUs as it spreads over: those of its executor, or of a task that holds some.

    Raises:
        ConfigurationError: naming the engine and Spark's key.
    """
    properties = config.spark.properties()
    key, holder = (TASK_AMOUNT, "a task that feeds it") if TASK_AMOUNT in properties else (AMOUNT, "an executor")
    if (amount := properties.get(key)) is None:
        return
    for name, engine in config.used_engines().items():
        if engine.gpus is not None and engine.gpus != max(1.0, float(amount)):
            also = f"both this and {AMOUNT}" if key == TASK_AMOUNT else "it"
            raise ConfigurationError(
                f"engines.{name}.args: spreads over {engine.gpus} GPUs, but {holder} has {amount} (spark.conf.{key});"
                f" set {also} to {engine.gpus}"
            )


def check_embeddings(config: Config) -> None:
    """Check that a model which selection or a search by meaning needs, or which measures diversity by name, is there.

    Without the usual one a run measures less, and nothing is amiss.

    Raises:
        ConfigurationError: naming the key.
    """
    if config.semantic_model is not None:
        check_embedding_model(config.semantic_model)
    elif config.embedding_model is not None:
        try:
            check_embedding_model(config.embedding_model)
        except ConfigurationError as error:
            raise ConfigurationError(f"operators.selection: {config.operators.selection}: {error}") from None
    if config.diversity.sample and config.diversity.model != EMBEDDING_MODEL:
        check_embedding_model(config.diversity_model)


def check_embedding_model(model: EmbeddingModel) -> None:
    """Check that what embeds texts is there: a model, or an engine's model or key.

    Raises:
        ConfigurationError: naming the key.
    """
    check_embedding(model)
    if model.engine is not None:
        check_engine(model.engine_name, model.engine)


def check_engine(name: str, engine: Engine) -> None:
    """Check that an engine's model can be found, or that its key is there.

    Raises:
        ConfigurationError: naming the key.
    """
    if engine.url is None:
        if engine.model == EMBEDDING_MODEL and not engine.embeds:
            raise ConfigurationError(f"engines.{name}.model: {engine.model} writes no texts; give it `task: embed`")
        try:
            check_model(engine.model)
        except ConfigurationError as error:
            raise ConfigurationError(f"engines.{name}.model: {error}") from None
    elif engine.api_key_env is not None and not os.environ.get(engine.api_key_env):
        raise ConfigurationError(
            f"engines.{name}.api_key_env: the environment variable {engine.api_key_env} is not set;"
            " export it where the driver and the executors start"
        )
