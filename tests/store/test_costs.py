"""What stages cost: those in which a role is asked in one round are apart, in Python and in the view."""

from datetime import UTC, datetime, timedelta

import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.runtime.arrow import local_frame
from genetic_udfs.store.costs import by_stage
from genetic_udfs.store.schema import POPULATION, REPLIES, REPLIES_SCHEMA
from genetic_udfs.store.views.definitions import all_columns, statements

BEGAN = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
# Round, role, stage, engine, what it costs an hour, second at which a request was sent, its seconds.
ASKED = [
    (0, "judge", "same problem", "small", 36.0, 0, 10.0),
    (0, "coder", "coder", "big", 360.0, 10, 100.0),
    (0, "judge", "judge", "big", 360.0, 110, 10.0),
    (0, "judge", "judge of repaired solutions", "big", 360.0, 300, 5.0),
    *[(1, "judge", None, "small", 36.0, at, 10.0) for at in (400, 490)],  # from before stages were kept
]


def test_an_engine_costs_while_a_stage_asks_it_and_not_between_two_stages_of_a_role(spark: SparkSession) -> None:
    session = spark.newSession()  # its views are its own
    names = ("round", "role", "stage", "engine", "hourly", "sent_at", "seconds")
    asked = [
        {
            **dict(zip(names, row, strict=True)),
            "sent_at": BEGAN + timedelta(seconds=row[5]),
            "generation": 1,
            "model": row[3],
        }
        for row in ASKED
    ]
    replies = local_frame(session, asked, REPLIES_SCHEMA)
    of_stages = by_stage(replies).groupBy("role").agg(F.sum("seconds"), F.sum("money")).orderBy("role").collect()
    near = pytest.approx
    assert [tuple(row) for row in of_stages] == [("coder", 100.0, near(10.0)), ("judge", 125.0, near(2.6))]

    local_frame(session, [{"generation": 1}], REPLIES_SCHEMA).createOrReplaceTempView(POPULATION)
    before = replies.drop("stage")
    of_before = {REPLIES: all_columns(REPLIES_SCHEMA, before.columns)}
    for rows, older, judge in ((replies, {}, 2.6), (before, of_before, 20.6), (replies, of_before, 20.6)):
        rows.createOrReplaceTempView(REPLIES)
        session.sql(*statements([REPLIES, POPULATION], ["costs"], temporary=True, older=older))
        found = session.sql("SELECT role, sum(money) FROM costs GROUP BY role ORDER BY role").collect()
        assert [tuple(row) for row in found] == [("coder", near(10.0)), ("judge", near(judge))]
