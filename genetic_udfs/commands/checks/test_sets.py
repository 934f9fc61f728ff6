"""The checks of decontamination between reading a configuration and starting Spark."""

from collections.abc import Sequence
from typing import Final

from genetic_udfs.commands.checks.preflight import check_embedding_model, check_engine
from genetic_udfs.config import Config
from genetic_udfs.data.seeds import Seed
from genetic_udfs.data.text import normal_lines
from genetic_udfs.decontamination.items import BenchmarkItem, read_items
from genetic_udfs.decontamination.rules import Index
from genetic_udfs.errors import ConfigurationError

_NAMED: Final = 5


def check_test_sets(config: Config) -> list[BenchmarkItem]:
    """Read the test sets, and check what paraphrases of their items need; return the items, none without test sets.

    Raises:
        ConfigurationError: naming the key of a test set that cannot be read, or of a model or an engine's key that is
            missing.
    """
    items = read_items(config.decontamination)
    paraphrases = config.decontamination.paraphrases
    if items and paraphrases is not None and config.paraphrases_model is not None:
        check_embedding_model(config.paraphrases_model)
        name = config.judge_of(paraphrases).engine
        check_engine(name, config.engines[name])
    return items


def check_seeds_are_clean(seeds: Sequence[Seed], items: Sequence[BenchmarkItem]) -> None:
    """Refuse seeds that hold an item of a test set: all that descends from them would be near it.

    Raises:
        ConfigurationError: naming the seeds, and what they hold by which rule.
    """
    matches = Index.of(items).matches([normal_lines(seed.instruction) for seed in seeds])
    found = [
        f"\n  {seed.id}: {items[match.item].benchmark} {items[match.item].id} ({match.rule})"
        for seed, match in zip(seeds, matches, strict=True)
        if match is not None
    ]
    if found:
        more = f"\n  and {len(found) - _NAMED} more" if len(found) > _NAMED else ""
        raise ConfigurationError(
            f"seeds: {len(found)} of {len(seeds)} hold an item of a test set; take them out, or the test set out of"
            f" `decontamination`:{''.join(found[:_NAMED])}{more}"
        )
