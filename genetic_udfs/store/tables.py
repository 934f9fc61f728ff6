"""The tables of a store: where they lie, how they are read at a version, and how rows are added exactly once."""

import json
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


@dataclass(frozen=True)
class Store:
    """The tables of one run, each a Delta table in the folder `root`."""

    spark: SparkSession
    root: str

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
        (
            self._writer(table, rows)
            .mode("append")
            .option("txnAppId", f"genetic-udfs/{table}/{transaction}")
            .option("txnVersion", version)
            .option("userMetadata", json.dumps(metadata))
            .save(self.path(table))
        )

    def replace(self, table: str, rows: DataFrame, **metadata: object) -> None:
        """Replace all rows of a table in one commit; columns and metadata as for `append`."""
        (
            self._writer(table, rows)
            .mode("overwrite")
            .option("overwriteSchema", "true")
            .option("userMetadata", json.dumps(metadata))
            .save(self.path(table))
        )

    def _writer(self, table: str, rows: DataFrame) -> DataFrameWriter:
        writer = rows.select(*SCHEMAS[table].fieldNames()).write.format("delta")
        return writer.option("compression", "none") if table in _INCOMPRESSIBLE else writer

    def create(self, table: str) -> None:
        """Make a table without rows, unless it is there: two first appends at once would refuse each other."""
        if not self.exists(table):
            self.append(table, self.spark.createDataFrame([], SCHEMAS[table]), transaction="creation", version=0)

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
