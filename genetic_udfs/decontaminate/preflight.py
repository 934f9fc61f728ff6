"""The checks of decontamination between reading a configuration and starting Spark."""

from genetic_udfs.config import Config
from genetic_udfs.decontaminate.embedding import check_embedding
from genetic_udfs.decontaminate.items import Item, read_items
from genetic_udfs.preflight import check_engine


def check_test_sets(config: Config) -> list[Item]:
    """Read the test sets, and check what paraphrases of their items need; return the items, none without test sets.

    Raises:
        ConfigurationError: naming the key of a test set that cannot be read, or of a model or an engine's key that is
            missing.
    """
    items = read_items(config.decontamination)
    paraphrases = config.decontamination.paraphrases
    if items and paraphrases is not None:
        check_embedding(paraphrases.model)
        name = config.judge_of(paraphrases).engine
        check_engine(name, config.engines[name])
    return items
