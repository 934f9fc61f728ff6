"""Where a store lies: in the folder that it names, or in that of a schema in Spark's catalog."""

from typing import Final

from pyspark.sql import SparkSession

from genetic_udfs.config import CATALOG_STORE

_DEFAULT_CATALOG: Final = "spark_catalog"


def schema_of(root: str) -> str | None:
    """Return the name of the schema that a store is, or None where it is a folder."""
    return root.removeprefix(CATALOG_STORE) if root.startswith(CATALOG_STORE) else None


def resolve_path(spark: SparkSession, path: str) -> str:
    """Return a path as file systems know it: `catalog:SCHEMA/rest` lies beneath the schema's location.

    A schema that the catalog does not know is taken to lie where it would be made.
    """
    schema, slash, rest = (schema_of(path) or "").partition("/")
    if not schema:
        return path.rstrip("/")
    if spark.catalog.databaseExists(schema):
        folder = spark.catalog.getDatabase(schema).locationUri
    else:
        folder = f"{spark.conf.get('spark.sql.warehouse.dir')}/{schema.removeprefix(f'{_DEFAULT_CATALOG}.')}.db"
    return f"{folder.rstrip('/')}{slash}{rest}"
