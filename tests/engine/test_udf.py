import contextlib
import random
from collections.abc import AsyncIterator, Awaitable, Callable

import pandas as pd
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Engine
from genetic_udfs.engine.chat_completion import Reply, Sampling, TokenLogprobs
from genetic_udfs.engine.client import Client
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.endpoint import Endpoint
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.engine.progress import ProgressListener
from genetic_udfs.engine.udf import ask, frame
from tests.engine.conftest import final_progress
from tests.scripted_server import Answer, Request, ScriptedServer

SAMPLING = Sampling(temperature=0.5, top_p=1.0, max_tokens=16)
Asks = Callable[[str | None], Awaitable[Reply]]


def answering_with(url: str, share: int) -> Callable[[], contextlib.AbstractAsyncContextManager[Asks]]:
    @contextlib.asynccontextmanager
    async def context() -> AsyncIterator[Asks]:
        async with Endpoint("remote", Engine(model="m", url=url), share) as endpoint:
            yield Client(endpoint, SAMPLING).ask

    return context


def first_probability(tokens: list[TokenLogprobs]) -> float | None:
    return tokens[0].logprob


def test_ten_thousand_replies_land_on_their_rows_whatever_happens_on_the_way(spark: SparkSession) -> None:
    """Answers out of order, empty partitions, refusals, dropped connections, broken JSON, answers broken off."""
    faults = {
        1: Answer(status=429, headers={"Retry-After": "0"}),
        2: Answer(drop=True),
        3: Answer("half an ans", truncate=True),
        4: Answer(status=503),
        5: Answer("half an ans", finish_reason="abort"),
    }

    def answer(request: Request) -> Answer:
        draw = random.Random(request.prompt)
        if request.prompt == "p13":
            return Answer(status=400, message="bad row")
        if request.attempt == 1 and (fault := faults.get(draw.randrange(300))):
            return fault
        return Answer(f"answer to {request.prompt}", after=draw.random() / 20)

    with ScriptedServer(answer) as server:
        asked = ask("remote", Engine(model="m", url=server.url), SAMPLING, window=256, feeders=2)
        rows = spark.range(0, 10_000, 1, 3).repartition(9, F.col("id") % 4)
        replies = rows.select("id", asked(F.concat(F.lit("p"), F.col("id"))).alias("reply")).collect()
    assert sorted(row.id for row in replies) == list(range(10_000))
    for row in replies:
        expected = (None, "HTTP 400: bad row") if row.id == 13 else (f"answer to p{row.id}", None)
        assert (row.reply.text, row.reply.error) == expected
        assert row.reply.attempt == server.calls[f"p{row.id}"]
    assert 80 < sum(row.reply.attempt == 2 for row in replies) < 260
    assert max(server.calls.values()) == 2


def test_a_filter_on_the_reply_does_not_ask_twice(spark: SparkSession) -> None:
    with ScriptedServer() as server:
        asked = ask("remote", Engine(model="m", url=server.url), SAMPLING)
        replies = spark.range(20).select(asked(F.col("id").cast("string")).alias("reply"))
        assert replies.filter("reply.error is null and reply.text like 'echo%'").count() == 20
    assert set(server.calls.values()) == {1}


def test_it_is_an_sql_function(spark: SparkSession) -> None:
    spark = spark.newSession()  # no other test sees the function
    with ScriptedServer(lambda request: request.prompt.upper()) as server:
        spark.udf.register("shout", ask("remote", Engine(model="m", url=server.url), SAMPLING))
        rows = spark.sql("SELECT shout(word).text AS text FROM VALUES ('a'), (null) AS t(word)").collect()
    assert sorted(str(row.text) for row in rows) == ["A", "None"]


def test_a_null_prompt_is_not_sent(spark: SparkSession) -> None:
    with ScriptedServer() as server:
        asked = ask("remote", Engine(model="m", url=server.url), SAMPLING)
        rows = spark.createDataFrame([("a",), (None,), ("c",)], "prompt string")
        replies = rows.coalesce(1).select(asked("prompt").alias("reply")).collect()
    assert [(row.reply.text, row.reply.error) for row in replies] == [
        ("echo: a", None),
        (None, "no prompt"),
        ("echo: c", None),
    ]
    assert set(server.calls) == {"a", "c"}


def test_logprobs_fill_the_probability(spark: SparkSession) -> None:
    with ScriptedServer(lambda request: Answer("Yes", tops=[[("Yes", -0.5), ("No", -2.0)]])) as server:
        sampling = Sampling(0.0, 1.0, 1, top_logprobs=2)
        engine = Engine(model="m", url=server.url)
        asked = ask("remote", engine, sampling, read_logprobs=first_probability)
        [row] = spark.range(1).select(asked(F.lit("p")).alias("reply")).collect()
    assert row.reply.yes_probability == -0.5


def test_progress_reaches_the_driver(spark: SparkSession) -> None:
    with ScriptedServer() as server, ProgressListener() as listener:
        engine = Engine(model="m", url=server.url)
        asked = ask("remote", engine, SAMPLING, stage="coder", progress=listener.address)
        rows = spark.range(0, 100, 1, 2).select(asked(F.col("id").cast("string")).alias("reply"))
        assert rows.filter("reply.text is not null").count() == 100
        progress = final_progress(listener, "coder", 100)
    assert (progress.rows, progress.errors, progress.prompt_tokens, progress.completion_tokens) == (
        100,
        0,
        100,
        200,
    )


def test_an_engine_error_reaches_the_driver_as_its_message_alone(spark: SparkSession) -> None:
    with ScriptedServer(model="another") as server:
        asked = ask("remote", Engine(model="m", url=server.url), SAMPLING)
        with pytest.raises(Exception, match="EngineError") as raised:
            spark.range(10).select(asked(F.lit("p"))).collect()
    error = engine_error_in(raised.value)
    assert error is not None
    assert str(error).startswith(f"engine 'remote' ({server.url}): it does not serve the model 'm'")
    assert "Traceback" not in str(error)


def test_a_frame_has_the_columns_of_a_reply_and_keeps_whole_numbers_whole() -> None:
    made = frame([Reply("a", "stop", 2**53 + 1, 1, None, 0.5, None, None, 1), Reply(error="no prompt")])
    assert list(made.columns) == REPLY.names
    assert made["prompt_tokens"][0] == 2**53 + 1
    assert made["prompt_tokens"][1] is pd.NA
