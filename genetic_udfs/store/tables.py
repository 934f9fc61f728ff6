"""The tables of a store: where they lie, how they are read at a version, and how rows are added exactly once."""

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Final

from delta.tables import DeltaTable
from py4j.protocol import Py4JJavaError
from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql.types import StructType

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.runtime.identifier import quoted
from genetic_udfs.runtime.session import file_system
from genetic_udfs.store import schema
from genetic_udfs.store.location import resolve_path, schema_of
from genetic_udfs.store.table_errors import translate_table_errors
from genetic_udfs.store.views.definitions import TABLES_READ, all_columns, statements

SCHEMAS: Final[dict[str, StructType]] = {
    schema.POPULATION: schema.POPULATION_SCHEMA,
    schema.CANDIDATES: schema.CANDIDATES_SCHEMA,
    schema.REPLIES: schema.REPLIES_SCHEMA,
    schema.GENERATIONS: schema.GENERATIONS_SCHEMA,
    schema.RUNS: schema.RUNS_SCHEMA,
    schema.VERDICTS: schema.VERDICTS_SCHEMA,
    schema.DEDUP_INDEX: schema.DEDUP_INDEX_SCHEMA,
    schema.DEDUP_MANIFEST: schema.DEDUP_MANIFEST_SCHEMA,
    schema.EMBEDDINGS: schema.EMBEDDINGS_SCHEMA,
}

# Hash values and texts that are compressed already, read as a whole in each generation.
_INCOMPRESSIBLE: Final = {schema.DEDUP_INDEX, schema.EMBEDDINGS}

_COMMIT_METADATA: Final = "spark.databricks.delta.commitInfo.userMetadata"

# What tables are made with. Generations are read back as versions of the population: neither its log nor the files that
# an OPTIMIZE replaces may go after Delta's 30 and 7 days. Statistics of texts are of no use and cost room in the log.
PROPERTIES: Final[dict[str, dict[str, str]]] = {
    schema.POPULATION: {
        "delta.logRetentionDuration": "interval 3650 days",
        "delta.deletedFileRetentionDuration": "interval 3650 days",
        "delta.dataSkippingStatsColumns": "ordinal,generation",
    },
    schema.CANDIDATES: {"delta.dataSkippingStatsColumns": "generation,status"},
    # A commit a wave: a checkpoint takes as long as several of them, and its log is read by nothing but Delta.
    schema.REPLIES: {"delta.dataSkippingStatsColumns": "generation,role,round", "delta.checkpointInterval": "100"},
}


@dataclass(frozen=True)
class Store:
    """The tables of one run: Delta tables in the folder `root`, or managed ones where `root` is `catalog:SCHEMA`.

    `before_commit` is called before each commit, and raises an error if there must be none.
    """

    spark: SparkSession
    root: str
    before_commit: Callable[[], None] = lambda: None

    @property
    def folder(self) -> str:
        """Where everything of the store lies."""
        return resolve_path(self.spark, self.root)

    def path(self, table: str) -> str:
        """Return where a table lies."""
        return f"{self.folder}/{table}"

    def name(self, table: str) -> str:
        """Return the table's SQL identifier."""
        schema_name = schema_of(self.root)
        return f"{schema_name}.{table}" if schema_name else f"delta.{quoted(self.path(table))}"

    def exists(self, table: str) -> bool:
        """Tell whether a table has been written to."""
        if schema_of(self.root) is None:
            return DeltaTable.isDeltaTable(self.spark, self.path(table))
        return self.spark.catalog.tableExists(self.name(table)) or self._adopt(table)

    def table(self, table: str) -> DeltaTable:
        """Return a table that exists, for what Delta does with a table as a whole."""
        if schema_of(self.root) is None:
            return DeltaTable.forPath(self.spark, self.path(table))
        return DeltaTable.forName(self.spark, self.name(table))

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """Return a table, as of a version if one is given; a table that was never written to is empty.

        Raises:
            StoreError: if the table cannot be read.
        """
        if not self.exists(table):
            return local_frame(self.spark, [], SCHEMAS[table])
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        with translate_table_errors(self.path(table)):
            try:
                return reader.load(self.path(table)) if schema_of(self.root) is None else reader.table(self.name(table))
            except AnalysisException as error:
                raise StoreError(f"{self.path(table)}: cannot be read: {error}") from None

    def read_complete(self, table: str, version: int | None = None) -> DataFrame:
        """Return what `read` does, today's columns first; those that an older table lacks are null."""
        empty = local_frame(self.spark, [], SCHEMAS[table])
        return empty.unionByName(self.read(table, version), allowMissingColumns=True)

    def append(
        self, table: str, rows: DataFrame, *, transaction: str | None, version: int = 0, **metadata: object
    ) -> None:
        """Append rows in one commit, once: Delta skips a commit whose (transaction, version) it has seen.

        Args:
            table: name of the table.
            rows: columns of the table's schema, in any order.
            transaction: what the commit is part of; versions of one transaction must rise. None for a commit that
                nothing repeats: to look for a transaction, Delta makes the table's state out of its log.
            version: number of the commit within the transaction.
            metadata: written to the commit's `userMetadata` as JSON.
        """
        self.before_commit()
        once = (
            {}
            if transaction is None
            else {"txnAppId": f"genetic-udfs/{table}/{transaction}", "txnVersion": str(version)}
        )
        if self.exists(table):
            self._save(table, self._written(table, rows).mode("append").options(**once), metadata)
        else:
            self._make(table, rows, once, metadata)

    def replace(self, table: str, rows: DataFrame, **metadata: object) -> None:
        """Replace all rows of a table in one commit; columns and metadata as for `append`."""
        self.before_commit()
        if self.exists(table):
            writer = self._written(table, rows).mode("overwrite").option("overwriteSchema", "true")
            self._save(table, writer, metadata)
        else:
            self._make(table, rows, {}, metadata)

    def _written(self, table: str, rows: DataFrame) -> DataFrameWriter:
        writer = rows.select(*SCHEMAS[table].fieldNames()).write.format("delta")
        return writer.option("compression", "none") if table in _INCOMPRESSIBLE else writer

    def _save(self, table: str, writer: DataFrameWriter, metadata: Mapping[str, object]) -> None:
        writer = writer.option("userMetadata", json.dumps(metadata))
        if schema_of(self.root) is None:
            writer.save(self.path(table))
        else:
            writer.saveAsTable(self.name(table))

    def _make(self, table: str, rows: DataFrame, options: Mapping[str, str], metadata: Mapping[str, object]) -> None:
        """Make a table with its first rows in one commit, so that version 0 of `population` is generation 0."""
        if schema_name := schema_of(self.root):
            self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema_name}")
        properties = {schema.SCHEMA_VERSION_PROPERTY: str(schema.SCHEMA_VERSION), **PROPERTIES.get(table, {})}
        # This writer alone sets properties of ours; it takes the commit's metadata from the session.
        writer = rows.select(*SCHEMAS[table].fieldNames()).writeTo(self.name(table)).using("delta").options(**options)
        for key, value in properties.items():
            writer = writer.tableProperty(key, value)
        self.spark.conf.set(_COMMIT_METADATA, json.dumps(metadata))
        try:
            writer.create()
        finally:
            self.spark.conf.unset(_COMMIT_METADATA)

    def _adopt(self, table: str) -> bool:
        """Tell the catalog of a table in the schema's folder, if one is there that it does not know.

        That is so when a run was killed between a table's first commit and its entry in the catalog, and in each new
        session with Spark's default catalog, which is kept in memory.
        """
        if not DeltaTable.isDeltaTable(self.spark, self.path(table)):
            return False
        self.spark.sql(f"CREATE SCHEMA IF NOT EXISTS {schema_of(self.root)}")
        self.spark.sql(
            f"CREATE TABLE IF NOT EXISTS {self.name(table)} USING delta LOCATION {_quoted(self.path(table))}"
        )
        return True

    def create(self, table: str) -> None:
        """Make a table without rows, unless it is there: two first appends at once would refuse each other."""
        if not self.exists(table):
            self.append(table, local_frame(self.spark, [], SCHEMAS[table]), transaction="creation", version=0)

    def add_columns(self, table: str) -> None:
        """Add to a table the columns of its schema that it lacks, null in the rows that are there.

        Raises:
            AnalysisException: if columns of one name have types that do not fit.
        """
        self.before_commit()
        rows = local_frame(self.spark, [], SCHEMAS[table])
        rows.write.format("delta").mode("append").option("mergeSchema", "true").save(self.path(table))

    def fence(self, table: str, run_id: str) -> None:
        """Make every append to a table fail that began before this: Delta refuses it, as the table's metadata changed.

        Args:
            table: name of the table; nothing is done if it was never written to.
            run_id: the run that writes to it from now on.
        """
        if self.exists(table):
            self.before_commit()
            self.spark.sql(f"ALTER TABLE {self.name(table)} SET TBLPROPERTIES ('genetic_udfs.writer' = '{run_id}')")

    def version(self, table: str) -> int:
        """Return the number of a table's latest version."""
        row = self.table(table).history(1).select("version").first()
        if row is None:
            raise StoreError(f"{self.path(table)}: has no history; its _delta_log is damaged")
        return int(row["version"])

    def register(self, named: Collection[str] | None = None) -> list[str]:
        """Put the tables that exist, with the views over them, into the catalog; return the tables' names.

        A folder's tables come into the session's current schema, and views are the session's own. A store that is a
        schema becomes the current schema, and keeps its views if it can be written to.

        Args:
            named: the tables, views and functions of a folder that are wanted, those that they read come with them; all
                by default. A schema's are put in place for others, too: always all.

        Raises:
            StoreError: if the catalog has another table of that name.
        """
        schema_name = schema_of(self.root)
        if named is None or schema_name is not None:
            named = {*SCHEMAS, *TABLES_READ}
        wanted = set(named)
        for view, read in reversed(TABLES_READ.items()):  # a view stands behind those that it reads
            if view in wanted:
                wanted.update(read)
        names = [table for table in SCHEMAS if table in wanted and self.exists(table)]
        if schema_name is None:
            for table in names:
                self._register_folder(table)
        elif names:
            self.spark.sql(f"USE {schema_name}")
            for view in TABLES_READ:  # the session's own, of another store, would be found first
                self.spark.catalog.dropTempView(view)
        read_by_views = {table for view in wanted for table in TABLES_READ.get(view, ())}
        columns = {table: self.read(table).columns for table in names if table in read_by_views}
        older = {
            table: all_columns(SCHEMAS[table], there)
            for table, there in columns.items()
            if not set(SCHEMAS[table].names) <= set(there)
        }
        for temporary in (schema_name is None, True):
            try:
                for statement in statements(names, wanted, temporary=temporary, older=older):
                    self.spark.sql(statement)
                break
            except (PySparkException, Py4JJavaError) as error:
                if temporary or not _is_refused(error):
                    raise
                # It is somebody else's schema: the session has views of its own.
        return names

    def _register_folder(self, table: str) -> None:
        if not self.spark.catalog.tableExists(table):
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {table} USING delta LOCATION {_quoted(self.path(table))}")
            return
        location = DeltaTable.forName(self.spark, table).detail().select("location").first()
        if location is None or location["location"] != self._qualified(table):
            raise StoreError(f"the catalog has another table named {table!r}; use a catalog without it")

    def _qualified(self, table: str) -> str:
        """Return a table's path with its file system, as catalogs write it."""
        system, path = file_system(self.spark, self.path(table))
        return str(system.makeQualified(path).toString())


def _is_refused(error: Exception) -> bool:
    """Tell whether a catalog has no views, or does not let this user make them: SQL's states for both, or its words."""
    state = error.getSqlState() if isinstance(error, PySparkException) else None
    return (
        state in {"0A000", "42501"} or re.search("[Pp]ermission denied|AccessControl|Read-only", str(error)) is not None
    )


def _quoted(text: str) -> str:
    """Return a text as SQL writes it."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
