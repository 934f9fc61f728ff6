"""`jobs/lineage.py`: prints where a pair comes from, or what came from it, as a tree."""

from pathlib import Path

from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.data.text import printable
from genetic_udfs.reporting.lineage import ancestors
from genetic_udfs.reporting.lineage import descendants as descendants_of
from genetic_udfs.store.tables import Store


def lineage(
    config: Path, pair: str, overrides: list[str] | None = None, *, descendants: bool = False, levels: int | None = None
) -> None:
    """Print the tree of a pair back to its seeds, with operator, task and models."""
    settings = load_config(config, overrides or [])
    with job_session(settings, "lineage") as spark:
        find = descendants_of if descendants else ancestors
        for line in find(Store(spark, settings.store), pair, levels).lines():
            print(printable(line))
