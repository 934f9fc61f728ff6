"""A short run of Spark with Delta, whose classes are archived (conf/environment.sh): `class_data.py FOLDER`.

It does in small what the jobs do: tables are written, read at a version, joined, sorted, sent through Python.
"""

import sys

import pandas as pd
from delta.tables import DeltaTable
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

folder = f"{sys.argv[1]}/table"
spark = (
    SparkSession.builder.config("spark.sql.extensions", "io.delta.sql.DeltaSparkSessionExtension")
    .config("spark.sql.catalog.spark_catalog", "org.apache.spark.sql.delta.catalog.DeltaCatalog")
    .config("spark.sql.warehouse.dir", f"{sys.argv[1]}/warehouse")
    .config("spark.sql.shuffle.partitions", "1")
    .config("spark.databricks.delta.snapshotPartitions", "1")
    .config("spark.ui.enabled", "false")
    .getOrCreate()
)


@F.pandas_udf("string")
def shout(words: pd.Series) -> pd.Series:
    """Return words in upper case."""
    return words.str.upper()


rows = spark.createDataFrame(
    [(f"{i}", i, [f"{i // 2}"], "seed" if i < 3 else None, i / 2) for i in range(6)],
    "id string, n int, parents array<string>, operator string, fitness double",
)
rows.writeTo(f"delta.`{folder}`").using("delta").tableProperty("delta.dataSkippingStatsColumns", "n").create()
rows.withColumn("id", shout("id")).write.format("delta").mode("append").option("userMetadata", "{}").save(folder)
spark.sql(f"CREATE TABLE IF NOT EXISTS pairs USING delta LOCATION '{folder}'")
spark.sql(
    """CREATE TEMPORARY VIEW family AS WITH RECURSIVE
    edges AS (SELECT child.id AS child, parent.id AS parent
        FROM (SELECT id, n, explode(parents) AS of FROM pairs) AS child
        JOIN pairs AS parent ON parent.id = child.of AND parent.n < child.n),
    walk (id, ancestor, distance) AS (SELECT id, id, 0 FROM pairs UNION ALL
        SELECT DISTINCT walk.id, edges.parent, walk.distance + 1 FROM walk JOIN edges ON edges.child = walk.ancestor)
    SELECT id, ancestor, min(distance) AS distance FROM walk GROUP BY id, ancestor"""
)
for query in (
    "SELECT operator, count(*) FROM pairs VERSION AS OF 0 GROUP BY operator",
    "SELECT * FROM family ORDER BY id, distance",
    "SELECT DISTINCT n, avg(fitness) FILTER (WHERE n > 2), max(id) FROM pairs GROUP BY n ORDER BY n DESC LIMIT 5",
    "SELECT one.id, other.id FROM pairs AS one JOIN pairs AS other USING (n) WHERE one.operator = 'seed'",
):
    found = spark.sql(query)
    print(found.columns, list(found.toLocalIterator()))
table = DeltaTable.forPath(spark, folder)
print(table.history().select("version", F.date_format("timestamp", "HH:mm:ss")).collect(), table.detail().collect())
print(spark.read.format("delta").option("versionAsOf", 1).load(folder).inputFiles())
table.update("n = 5", {"fitness": F.lit(1.0)})
print(spark.read.format("delta").load(folder).toPandas())
spark.stop()
