"""The engine as it is: vLLM's CPU build under a supervisor, fed by Spark."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil
import pytest
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import Engine
from genetic_udfs.engine.exchange import Sampling, TokenLogprobs
from genetic_udfs.engine.models import BUNDLED
from genetic_udfs.engine.progress import ProgressListener
from genetic_udfs.engine.udf import ask

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(900)]

ENGINE = Engine(model=BUNDLED, max_num_seqs=32, max_model_len=1024)
ROWS = 96


def first_logprob(tokens: list[TokenLogprobs]) -> float | None:
    assert len(tokens[0].top) == 5
    return tokens[0].logprob


def engine_cores() -> list[psutil.Process]:
    """EngineCores below this process's JVM are not to be found by parent: their server is detached."""
    return [process for process in psutil.process_iter() if _title(process).startswith("VLLM::EngineCore")]


def _title(process: psutil.Process) -> str:
    try:
        return Path(f"/proc/{process.pid}/cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def test_rows_are_answered_and_none_is_lost_when_the_engine_is_killed(spark: SparkSession) -> None:
    others = {process.pid for process in engine_cores()}
    killed: list[int] = []

    def kill_mid_stage(listener: ProgressListener) -> None:
        while not (progress := listener.snapshot().get("kill")) or progress.rows < 10:
            time.sleep(0.2)
        for process in engine_cores():
            if process.pid not in others:
                killed.append(process.pid)
                os.kill(process.pid, signal.SIGKILL)

    numbers = spark.range(0, ROWS, 1, 2)
    prompt = F.concat(F.lit("Write one sentence about the number "), "id")
    with ProgressListener() as listener:
        asked = ask(
            "smol",
            ENGINE,
            Sampling(temperature=0.8, top_p=0.95, max_tokens=48, top_logprobs=5),
            stage="kill",
            progress=listener.address,
            read_logprobs=first_logprob,
        )
        killer = threading.Thread(target=kill_mid_stage, args=(listener,), daemon=True)
        killer.start()
        rows = numbers.select("id", asked(prompt).alias("reply")).collect()
        progress = listener.snapshot()["kill"]

    assert len(killed) == 1
    assert sorted(row.id for row in rows) == list(range(ROWS))
    assert [row.reply.error for row in rows if row.reply.error is not None] == []
    assert all(row.reply.text and 0 < row.reply.completion_tokens <= 48 for row in rows)
    assert all(row.reply.yes_probability <= 0 for row in rows)
    # Answered rows were kept, and only what was in flight was asked a second time.
    attempts = [row.reply.attempt for row in rows]
    assert set(attempts) == {1, 2}
    assert attempts.count(1) >= 10
    assert attempts.count(2) <= 36
    assert (progress.rows, progress.errors) == (ROWS, 0)

    hostile = ["nul \0 byte", "{{ x }}{% y %}", "é😀\u202e" * 20, "word " * 20_000]
    strange = spark.createDataFrame([(text,) for text in hostile], "prompt string")
    replies = strange.coalesce(1).select(asked("prompt").alias("reply")).collect()
    assert [row.reply.error is None for row in replies] == [True, True, True, False]
    assert replies[3].reply.error.startswith("HTTP 400:")
    assert "maximum" in replies[3].reply.error
    assert replies[3].reply.attempt == 1
