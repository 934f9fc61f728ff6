"""What a store has been through: its generations with their versions and costs, and how the configuration changed."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import yaml
from pyspark.sql import Row
from pyspark.sql import functions as F

from genetic_udfs.store.files import files_there, missing_files
from genetic_udfs.store.presence import require
from genetic_udfs.store.schema import GENERATIONS, POPULATION, RUNS
from genetic_udfs.store.tables import Store

# Operations of Delta's that change no file which is there: what it calls the making of a table, and of its settings.
_WITHOUT_FILES: Final = {
    "ADD COLUMNS",
    "CREATE TABLE",
    "CREATE TABLE AS SELECT",
    "SET TBLPROPERTIES",
    "UNSET TBLPROPERTIES",
}


@dataclass(frozen=True)
class Generation:
    """A finished generation: its row, when its version was committed, and how many of that version's files are gone.

    `missing` is None where the log does not reach back to the version, `committed` likewise. `lost` are the names of
    files that are gone and that the latest version needs.
    """

    row: Row
    committed: str | None
    missing: int | None
    lost: Sequence[str]

    @property
    def warning(self) -> str | None:
        """What cannot be read any more, if anything."""
        number, version = self.row["generation"], self.row["population_version"]
        if self.missing == 0:
            return None
        gone = "its log is gone" if self.missing is None else f"{self.missing} of its files are gone"
        rows = f"Its rows are still in later ones: SELECT * FROM population WHERE generation <= {number}"
        return (
            f"generation {number}: version {version} of population cannot be read, {gone}, taken by VACUUM or"
            f" by somebody.{'' if self.lost else f' {rows}'}"
        )


@dataclass(frozen=True)
class Start:
    """A row of `runs`, and what its configuration has changed since the start before: old and new values by key."""

    row: Row
    changes: Mapping[str, tuple[Any, Any]]


def generations(store: Store) -> list[Generation]:
    """Return the finished generations in order.

    Raises:
        StoreError: if the store has none.
    """
    require(store, GENERATIONS, POPULATION)
    # In Spark's time zone, as TIMESTAMP AS OF is read.
    moment = F.date_format("timestamp", "yyyy-MM-dd HH:mm:ss.SSS").alias("committed")
    log = store.table(POPULATION).history().select("version", moment, "operation", "operationParameters").collect()
    commits = {row["version"]: row["committed"] for row in log}
    latest = max(commits)
    there = files_there(store, POPULATION)
    gone = {latest: missing_files(store, POPULATION, latest, there)}
    if gone[latest] == [] and len(commits) == latest + 1 and all(map(_only_adds, log)):
        gone |= {version: [] for version in commits}  # each version's files are among those of the latest
    lost = [path.rpartition("/")[2] for path in gone[latest] or ()]
    found = []
    for row in sorted(store.read(GENERATIONS).collect(), key=lambda row: int(row["generation"])):
        version = row["population_version"]
        if version not in gone:
            gone[version] = missing_files(store, POPULATION, version, there)
        missing = gone[version]
        found.append(Generation(row, commits.get(version), None if missing is None else len(missing), lost))
    return found


def _only_adds(commit: Row) -> bool:
    """Tell whether a commit took no file out of the table."""
    return commit["operation"] in _WITHOUT_FILES or (
        commit["operation"] == "WRITE" and (commit["operationParameters"] or {}).get("mode") == "Append"
    )


def starts(store: Store) -> list[Start]:
    """Return the starts of the job in order, each with what changed."""
    found: list[Start] = []
    before: dict[str, Any] | None = None
    for row in sorted(store.read(RUNS).collect(), key=lambda row: row["started_at"]):
        configuration = yaml.safe_load(row["configuration"])
        now = {**dict(_flat(configuration)), **{f"version of {name}": v for name, v in (row["versions"] or {}).items()}}
        found.append(Start(row, {} if before is None else _changes(before, now)))
        before = now
    return found


def _flat(section: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Give the values of a configuration by their whole keys, such as `roles.judge.temperature`."""
    for key, value in section.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    keys = [*now, *(key for key in before if key not in now)]
    return {key: (before.get(key), now.get(key)) for key in keys if before.get(key) != now.get(key)}
