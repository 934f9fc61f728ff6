"""A stop lets the waves under way end, begins no others, and is bounded; what is no wave is cut short at once."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pyspark.sql import DataFrame, SparkSession
from pyspark.sql import functions as F
from pyspark.sql.types import StringType

from genetic_udfs.runtime.stopping import (
    Stopped,
    graceful_section,
    is_finishing,
    request_stop,
    shutting_down,
    stop_requested,
)
from genetic_udfs.runtime.stopping import _immediate as immediate
from genetic_udfs.store.ledger import Ledger, Stage
from genetic_udfs.store.schema import REPLIES, REPLIES_SCHEMA
from genetic_udfs.store.scratch import Scratch
from genetic_udfs.store.tables import Store

FOR_EVER = 3600.0  # seconds


@pytest.fixture(autouse=True)
def afresh() -> Iterator[None]:
    """A process stops once; here it does again and again."""
    for event in (stop_requested, shutting_down, immediate):
        event.clear()
    yield
    shutting_down.set()
    for thread in threading.enumerate():
        if thread.name == "stop":  # it cancels jobs
            thread.join()
    for event in (stop_requested, shutting_down, immediate):
        event.clear()


class Asking:
    """A stage of eight requests in waves, two at once, none of which is answered before `may_answer` is there."""

    def __init__(self, spark: SparkSession, folder: Path, wave_size: int = 2, max_bytes: int | None = None) -> None:
        self.store = Store(spark, str(folder / "store"))
        self.ledger = Ledger(self.store, Scratch(spark, str(folder / "scratch")), "run", wave_size)
        self.max_bytes = max_bytes
        self.begun, self.may_answer = folder / "begun", folder / "may answer"
        begun, may_answer = self.begun, self.may_answer

        @F.udf(StringType())
        def answered(request: str) -> str:
            begun.touch()
            while not may_answer.exists():
                time.sleep(0.02)
            return f"reply to {request}"

        self._answered = answered

    def ask(self) -> None:
        rows = self.store.spark.createDataFrame([(f"request-{n}",) for n in range(8)], "request_id string")
        requests = rows.select("request_id", F.lit("ask").alias("prompt"), F.lit("v1").alias("template"))
        stage = Stage("stage", "coder", 1, 0, "coder")
        self.ledger.record(self.ledger.plan(requests, stage, self.max_bytes), self._rows)

    def _rows(self, wave: DataFrame) -> DataFrame:
        values = {"request_id": F.col("request_id"), "text": self._answered("request_id")}
        return wave.coalesce(1).select(
            *(values.get(field.name, F.lit(None).cast(field.dataType)).alias(field.name) for field in REPLIES_SCHEMA)
        )

    def replies(self) -> int:
        return self.store.read(REPLIES).count()

    def when_it_asks(self, *steps: Callable[[], object]) -> threading.Thread:
        """Take steps in another thread once a request is under way."""

        def follow() -> None:
            wait_until(self.begun.exists)
            for step in steps:
                step()

        thread = threading.Thread(target=follow)
        thread.start()
        return thread


def test_waves_under_way_are_committed_and_no_others_begun(spark: SparkSession, tmp_path: Path) -> None:
    asking = Asking(spark, tmp_path)
    stopping = asking.when_it_asks(lambda: request_stop(FOR_EVER), asking.may_answer.touch)
    with pytest.raises(Stopped):
        asking.ask()
    stopping.join()
    shutting_down.set()
    sizes = [row["count"] for row in asking.store.read(REPLIES).groupBy("text").count().collect()]
    assert 1 <= len(sizes) < 8 and set(sizes) == {1}
    history = spark.sql(f"DESCRIBE HISTORY delta.`{asking.store.path(REPLIES)}`").where("version > 0")
    assert 1 <= history.count() <= 2


def test_a_wave_that_the_driver_keeps_is_committed_whole(spark: SparkSession, tmp_path: Path) -> None:
    asking = Asking(spark, tmp_path, wave_size=8, max_bytes=1 << 20)
    stopping = asking.when_it_asks(lambda: request_stop(FOR_EVER), asking.may_answer.touch)
    asking.ask()
    stopping.join()
    shutting_down.set()
    assert asking.replies() == 8


@pytest.mark.parametrize(("grace", "wave_size", "max_bytes"), [(1.0, 2, None), (FOR_EVER, 2, None), (1.0, 8, 1 << 20)])
def test_a_stop_is_bounded_by_its_patience_and_by_a_second_one(
    spark: SparkSession, tmp_path: Path, grace: float, wave_size: int, max_bytes: int | None
) -> None:
    asking = Asking(spark, tmp_path, wave_size, max_bytes)
    again = [lambda: time.sleep(1.0), lambda: request_stop(FOR_EVER)] if grace > 1 else []
    stopping = asking.when_it_asks(lambda: request_stop(grace), *again)
    with pytest.raises(Exception, match="cancelled"):
        asking.ask()
    stopping.join()
    shutting_down.set()
    assert asking.replies() == 0


def test_what_is_no_wave_is_cut_short_at_once(spark: SparkSession, tmp_path: Path) -> None:
    asking = Asking(spark, tmp_path)
    stopping = asking.when_it_asks(lambda: request_stop(FOR_EVER))
    with pytest.raises(Exception, match="cancelled"):
        asking._rows(spark.createDataFrame([("any",)], "request_id string")).collect()
    stopping.join()


def test_nothing_is_begun_after_a_stop() -> None:
    stop_requested.set()
    with pytest.raises(Stopped), graceful_section():
        pytest.fail("it was begun")
    assert not is_finishing()


def wait_until(condition: Callable[[], object], seconds: float = FOR_EVER) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)
