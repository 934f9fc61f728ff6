"""The tables of a store: where they lie, how they are read at a version, and how rows are added exactly once."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from delta.tables import DeltaTable
from pyspark.errors import AnalysisException
from pyspark.sql import DataFrame, DataFrameWriter, SparkSession
from pyspark.sql.types import StructType

from genetic_udfs import schema
from genetic_udfs.errors import StoreError

SCHEMAS: Final[dict[str, StructType]] = {
    schema.POPULATION: schema.POPULATION_SCHEMA,
    schema.CANDIDATES: schema.CANDIDATES_SCHEMA,
    schema.REPLIES: schema.REPLIES_SCHEMA,
    schema.GENERATIONS: schema.GENERATIONS_SCHEMA,
    schema.RUNS: schema.RUNS_SCHEMA,
    schema.VERDICTS: schema.VERDICTS_SCHEMA,
    schema.DEDUP_INDEX: schema.DEDUP_INDEX_SCHEMA,
    schema.DEDUP_MANIFEST: schema.DEDUP_MANIFEST_SCHEMA,
}

# Hash values and texts that are compressed already, read as a whole in each generation.
_INCOMPRESSIBLE: Final = {schema.DEDUP_INDEX}

_COMMIT_METADATA: Final = "spark.databricks.delta.commitInfo.userMetadata"


@dataclass(frozen=True)
class Store:
    """The tables of one run, each a Delta table in the folder `root`.

    `before_commit` is called before each commit, and raises an error if there must be none.
    """

    spark: SparkSession
    root: str
    before_commit: Callable[[], None] = lambda: None

    def path(self, table: str) -> str:
        """Return where a table lies."""
        return f"{self.root.rstrip('/')}/{table}"

    def exists(self, table: str) -> bool:
        """Tell whether a table has been written to."""
        return DeltaTable.isDeltaTable(self.spark, self.path(table))

    def read(self, table: str, version: int | None = None) -> DataFrame:
        """Return a table, as of a version if one is given; a table that was never written to is empty.

        Raises:
            StoreError: if the table cannot be read.
        """
        if not self.exists(table):
            return self.spark.createDataFrame([], SCHEMAS[table])
        reader = self.spark.read.format("delta")
        if version is not None:
            reader = reader.option("versionAsOf", version)
        try:
            return reader.load(self.path(table))
        except AnalysisException as error:
            raise StoreError(f"{self.path(table)}: cannot be read: {error}") from None

    def append(self, table: str, rows: DataFrame, *, transaction: str, version: int, **metadata: object) -> None:
        """Append rows in one commit, once: Delta skips a commit whose (transaction, version) it has seen.

        Args:
            table: name of the table.
            rows: columns of the table's schema, in any order.
            transaction: what the commit is part of; versions of one transaction must rise.
            version: number of the commit within the transaction.
            metadata: written to the commit's `userMetadata` as JSON.
        """
        self.before_commit()
        once = {"txnAppId": f"genetic-udfs/{table}/{transaction}", "txnVersion": str(version)}
        if not self.exists(table):
            self._make(table, rows, once, metadata)
            return
        writer = self._written(table, rows).mode("append").options(**once)
        writer.option("userMetadata", json.dumps(metadata)).save(self.path(table))

    def replace(self, table: str, rows: DataFrame, **metadata: object) -> None:
        """Replace all rows of a table in one commit; columns and metadata as for `append`."""
        self.before_commit()
        if not self.exists(table):
            self._make(table, rows, {}, metadata)
            return
        writer = self._written(table, rows).mode("overwrite").option("overwriteSchema", "true")
        writer.option("userMetadata", json.dumps(metadata)).save(self.path(table))

    def _written(self, table: str, rows: DataFrame) -> DataFrameWriter:
        writer = rows.select(*SCHEMAS[table].fieldNames()).write.format("delta")
        return writer.option("compression", "none") if table in _INCOMPRESSIBLE else writer

    def _make(self, table: str, rows: DataFrame, options: Mapping[str, str], metadata: Mapping[str, object]) -> None:
        """Make a table with its first rows in one commit, so that version 0 of `population` is generation 0."""
        # This writer alone sets properties of ours; it takes the commit's metadata from the session.
        writer = rows.select(*SCHEMAS[table].fieldNames()).writeTo(f"delta.`{self.path(table)}`").using("delta")
        self.spark.conf.set(_COMMIT_METADATA, json.dumps(metadata))
        try:
            writer.tableProperty(schema.SCHEMA_VERSION_PROPERTY, str(schema.SCHEMA_VERSION)).options(**options).create()
        finally:
            self.spark.conf.unset(_COMMIT_METADATA)

    def create(self, table: str) -> None:
        """Make a table without rows, unless it is there: two first appends at once would refuse each other."""
        if not self.exists(table):
            self.append(table, self.spark.createDataFrame([], SCHEMAS[table]), transaction="creation", version=0)

    def add_columns(self, table: str) -> None:
        """Add to a table the columns of its schema that it lacks, null in the rows that are there.

        Raises:
            AnalysisException: if columns of one name have types that do not fit.
        """
        self.before_commit()
        rows = self.spark.createDataFrame([], SCHEMAS[table])
        rows.write.format("delta").mode("append").option("mergeSchema", "true").save(self.path(table))

    def fence(self, table: str, run_id: str) -> None:
        """Make every append to a table fail that began before this: Delta refuses it, as the table's metadata changed.

        Args:
            table: name of the table; nothing is done if it was never written to.
            run_id: the run that writes to it from now on.
        """
        if self.exists(table):
            self.before_commit()
            self.spark.sql(
                f"ALTER TABLE delta.`{self.path(table)}` SET TBLPROPERTIES ('genetic_udfs.writer' = '{run_id}')"
            )

    def version(self, table: str) -> int:
        """Return the number of a table's latest version."""
        row = DeltaTable.forPath(self.spark, self.path(table)).history(1).select("version").first()
        if row is None:
            raise StoreError(f"{self.path(table)}: has no history; its _delta_log is damaged")
        return int(row["version"])

    def register(self) -> list[str]:
        """Put the tables that exist into the session's catalog under their names; return those names.

        Raises:
            StoreError: if the catalog has another table of that name.
        """
        names = [table for table in SCHEMAS if self.exists(table)]
        for table in names:
            quoted = self.path(table).replace("\\", "\\\\").replace("'", "\\'")
            self.spark.sql(f"CREATE TABLE IF NOT EXISTS {table} USING delta LOCATION '{quoted}'")
            location = DeltaTable.forName(self.spark, table).detail().select("location").first()
            if location is None or location["location"] != self._qualified(table):
                raise StoreError(f"the catalog has another table named {table!r}; use a catalog without it")
        return names

    def _qualified(self, table: str) -> str:
        """Return a table's path with its file system, as catalogs write it."""
        jvm = self.spark._jvm
        assert jvm is not None
        path = jvm.org.apache.hadoop.fs.Path(self.path(table))
        system = path.getFileSystem(self.spark._jsparkSession.sessionState().newHadoopConf())
        return str(system.makeQualified(path).toString())
