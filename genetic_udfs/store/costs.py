"""What replies took: by stage, as an engine that costs by the hour does so while a stage asks it."""

from pyspark.sql import DataFrame
from pyspark.sql import functions as F


def by_stage(replies: DataFrame) -> DataFrame:
    """Return what each stage of each start took: counts, tokens, seconds, and `money`, null where no price is set.

    `began` is when its first request was sent. Where `stage` is null, all that an engine was asked as a
    role in a round counts as one stage.
    """
    end = F.unix_micros("sent_at") / 1e6 + F.col("seconds")
    seconds = F.greatest(F.max(end) - F.min(F.unix_micros("sent_at")) / 1e6, F.lit(0.0))
    by_hours = F.coalesce(seconds, F.lit(0.0)) / 3600 * F.max("hourly")
    by_both = F.coalesce(F.sum("money"), F.lit(0.0)) + F.coalesce(by_hours, F.lit(0.0))
    return replies.groupBy("generation", "role", "round", "stage", "engine", "run_id").agg(
        F.count(F.lit(1)).alias("requests"),
        F.count("error").alias("errors"),
        F.sum("prompt_tokens").alias("prompt_tokens"),
        F.sum("completion_tokens").alias("completion_tokens"),
        F.min("sent_at").alias("began"),
        seconds.alias("seconds"),
        F.sum("seconds").alias("request_seconds"),
        F.when(F.coalesce(F.sum("money"), F.max("hourly")).isNotNull(), by_both).alias("money"),
    )
