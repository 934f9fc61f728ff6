"""What the ids of requests and of candidates follow from."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Config
from genetic_udfs.evolution.generation import read_instructions
from genetic_udfs.evolution.requests import prompted, request_id
from genetic_udfs.evolution.round import Round
from genetic_udfs.evolution.run import Run
from tests.durability.small_run import settings


def id_of_request(spark: SparkSession, config: Config) -> str:
    run, coder = cast(Run, SimpleNamespace(config=config)), config.roles.coder
    found = request_id(run, "coder", 1, config.used_engines()[coder.engine], coder)
    (row,) = prompted(spark.range(1), F.lit("Write it."), "v1").select(found.alias("request_id")).collect()
    return str(row["request_id"])


def test_where_a_role_sets_no_limit_a_request_is_another_with_another_length(
    spark: SparkSession, tmp_path: Path
) -> None:
    def ids(max_tokens: int | None) -> list[str]:
        roles = {role: {"engine": "own", "max_tokens": max_tokens} for role in ("instructor", "coder", "judge")}
        engines: list[dict[str, Any]] = [{"model": "org/name", "max_model_len": length} for length in (None, 9000)]
        return [
            id_of_request(spark, settings(tmp_path, "http://host/v1", engines={"own": own}, roles=roles))
            for own in engines
        ]

    assert len(set(ids(None))) == 2
    assert len(set(ids(200))) == 1


def test_candidates_of_other_requests_or_other_replies_have_other_ids(spark: SparkSession, tmp_path: Path) -> None:
    this = cast(Round, SimpleNamespace(run=SimpleNamespace(config=settings(tmp_path, "http://host/v1"))))

    def ids(**replies: str) -> set[str]:
        rows = spark.createDataFrame([*replies.items()], "request_id string, text string")
        reply = F.struct("text", F.lit("stop").alias("finish_reason"), F.lit(None).cast("string").alias("error"))
        slot = {name: F.lit(0) for name in ("generation", "round", "colony", "slot")}
        asked = rows.withColumns({**slot, "operator": F.lit("mutation"), "reply": reply})
        return {row["id"] for row in read_instructions(asked, this).collect()}

    one, other = ids(a="Sum a list.", b="Reverse it."), ids(a="Sort a list.", b="Sum a list.")
    assert (len(one), len(other), one & other) == (2, 2, set())
