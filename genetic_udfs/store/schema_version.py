"""The schema version that each table carries: tables of older versions are brought up to date, newer ones refused."""

from typing import Final

from pyspark.errors import AnalysisException

from genetic_udfs.errors import StoreError
from genetic_udfs.store.schema import DEDUP_INDEX, DEDUP_MANIFEST, SCHEMA_VERSION, SCHEMA_VERSION_PROPERTY
from genetic_udfs.store.tables import SCHEMAS, Store

_WITHOUT_PROPERTY: Final = 1
# They follow from the population, and their manifest says whether they have to be rebuilt.
_REBUILDABLE: Final = {DEDUP_INDEX, DEDUP_MANIFEST}


def schema_version(store: Store, table: str) -> int:
    """Return the version that a table carries."""
    rows = store.spark.sql(f"SHOW TBLPROPERTIES {store.name(table)}").collect()
    properties = {row["key"]: row["value"] for row in rows}
    return int(properties.get(SCHEMA_VERSION_PROPERTY, _WITHOUT_PROPERTY))


def refuse_newer(store: Store) -> dict[str, int]:
    """Refuse a store that a newer version of this software has written to; return the version of each table.

    Raises:
        StoreError: naming the table.
    """
    versions = {table: schema_version(store, table) for table in SCHEMAS if store.exists(table)}
    for table, version in versions.items():
        if version > SCHEMA_VERSION:
            raise StoreError(
                f"{store.path(table)}: has schema version {version}, and this version of genetic-udfs knows"
                f" {SCHEMA_VERSION} at most: go on with the newer version that wrote it, or name another store"
            )
    return versions


def bring_up_to_date(store: Store) -> None:
    """Migrate the tables that an older version of this software made, and refuse those of a newer one.

    Version 1 lacks columns of `population` and `candidates` (those of tests), `generations` (`engines`, `audit`) and
    `runs` (`forked_from`); version 2 `agreement` of `population` and `candidates`; version 3 `reasoning`, `behaviour`,
    `language`, `tests_decided_by` and difficulty of both, `reasoning`, `reasoning_tokens`, `money` and `hourly` of
    `replies`, `judge`, `diversity` and what roles cost of `generations`; version 4 the interval of `distinct_3` in the
    latter's `diversity`; version 5 `stage` of `replies`. They are null in rows that were made before there was such a
    column, so a migration adds the missing ones in a commit without rows.

    Raises:
        StoreError: naming the table that cannot be used, before any table is changed for a newer one's sake.
    """
    for table, version in refuse_newer(store).items():
        if version < SCHEMA_VERSION and table not in _REBUILDABLE:
            _migrate(store, table, version)


def _migrate(store: Store, table: str, version: int) -> None:
    try:
        store.add_columns(table)
    except AnalysisException as error:
        raise StoreError(
            f"{store.path(table)}: has schema version {version}, and its columns do not fit those of version"
            f" {SCHEMA_VERSION}: {error}. Go on with the version that wrote it, or name another store"
        ) from None
    properties = f"('{SCHEMA_VERSION_PROPERTY}' = '{SCHEMA_VERSION}')"
    store.spark.sql(f"ALTER TABLE {store.name(table)} SET TBLPROPERTIES {properties}")
