"""The manifest of a data set: where it is from, what was asked for, and each file's rows and hash."""

from typing import Any

from genetic_udfs.export.folder import File
from genetic_udfs.export.outcome import Export


def manifest(done: Export, store: str, card: File) -> dict[str, Any]:
    """Return what `manifest.json` has."""
    options = done.options
    return {
        "store": store,
        "generation": done.generation,
        "population_version": done.population_version,
        "format": options.format,
        "file_type": options.file_type,
        "preference": options.preference,
        "reasoning": options.reasoning,
        "where": options.where,
        "split": dict(done.shares),
        "split_seed": done.seed if done.shares else None,
        "shuffle": options.shuffle,
        "shards": len(done.splits[0].files),  # of train; fewer than were asked for where it has fewer pairs
        "test_sets": dict(done.test_sets),
        "pairs": done.pairs,
        "selected": done.selected,
        "contaminated": sum(done.contaminated.values()),
        "in_no_split": done.apart,
        "with_reasoning": done.with_reasoning if options.reasoning else None,
        "splits": {split.name: split.rows for split in done.splits},
        "card": {"path": card.path, "bytes": card.bytes, "sha256": card.sha256},
        "files": [
            {"path": file.path, "rows": file.rows, "bytes": file.bytes, "sha256": file.sha256} for file in done.files
        ],
    }
