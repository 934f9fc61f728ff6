"""Spark's settings: which stages hand their rows to Python a few at a time, and what the jobs are called."""

from collections import Counter
from collections.abc import Iterator

import pyarrow as pa
from pyspark.sql import SparkSession

from genetic_udfs.runtime.session import named_jobs, small_batches


def sizes(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    for batch in batches:
        yield pa.RecordBatch.from_pydict({"size": pa.array([batch.num_rows], pa.int64())})


def test_rows_come_in_small_batches_where_they_take_long_and_else_in_sparks_own(spark: SparkSession) -> None:
    numbers = spark.range(0, 100, 1, 1)
    with small_batches(spark):
        few = [row["size"] for row in numbers.mapInArrow(sizes, "size long").collect()]
    assert few == [32, 32, 32, 4]
    assert [row["size"] for row in numbers.mapInArrow(sizes, "size long").collect()] == [100]


def names_of_jobs(spark: SparkSession) -> dict[int, str]:
    """Return the names that Spark's pages show of the jobs so far."""
    jobs = spark.sparkContext._jsc.sc().statusStore().jobsList(None)
    return {job.jobId(): job.name() for job in (jobs.apply(place) for place in range(jobs.size()))}


def test_jobs_bear_the_name_of_their_stage_whatever_asks_for_rows(spark: SparkSession) -> None:
    before = names_of_jobs(spark)
    rows = spark.range(3).repartition(2)
    with named_jobs("generation 1, round 2: <coder>"):
        rows.collect()
        rows.toArrow()
        with named_jobs("within"):
            rows.count()
        rows.toPandas()
    rows.count()
    named = [name for job, name in names_of_jobs(spark).items() if job not in before]
    assert Counter(named) == {"generation 1, round 2: <coder>": 3, "within": 1, "tests": 1}
