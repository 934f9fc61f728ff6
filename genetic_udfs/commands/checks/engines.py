"""The engines at work: each executor has its server started, if it is one of our own, and asks one question.

Then each role asks one as it will in a run, since an endpoint may refuse what only that role sends.
"""

import re
import socket
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

import pandas as pd
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.commands.checks.finding import Finding, cause_of, failed, ok, warning
from genetic_udfs.commands.checks.reach import hold_seconds
from genetic_udfs.config import Config, Engine
from genetic_udfs.engine.chat_completion import Sampling
from genetic_udfs.engine.executor import Executor
from genetic_udfs.engine.failure import engine_error_in, marked
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.engine.stage import feeder_slots, with_answers
from genetic_udfs.errors import EngineError
from genetic_udfs.roles.sampling import sampling_of
from genetic_udfs.runtime.cluster_errors import cluster_error_in
from genetic_udfs.runtime.process import this_machine

_BRIEF: Final = 16  # tokens; some endpoints refuse to be asked for fewer
_PROMPT: Final = "Answer with one word: is Python a programming language?"
_BEGUN: Final = "place string, host string, began double, prompt string"


def samplings_for(config: Config, name: str) -> Mapping[str, Sampling | None]:
    """Return how an engine is asked by those who ask it, but for a brief answer; what is the same stands there once.

    Of one that embeds it is None.
    """
    if name in config.embedding_engines():
        return {"an embedding model": None}
    asked = [
        (str(role), sampling_of(settings, is_scored=role == "judge"))
        for role, settings in config.roles.assigned().items()
        if settings.engine == name
    ]
    paraphrases = config.decontamination.paraphrases if config.decontamination.has_test_sets else None
    if paraphrases is not None and (judge := config.judge_of(paraphrases)).engine == name:
        asked.append(("the judge of paraphrases", sampling_of(judge)))
    found: dict[str, Sampling] = {}
    for who, sampling in asked:
        brief = replace(sampling, max_tokens=min(sampling.max_tokens or _BRIEF, _BRIEF))
        if brief not in found.values():
            found[who] = brief
    return found


def answers(spark: SparkSession, config: Config, name: str, places: int) -> Finding:
    """Ask an engine from each executor as the first that asks it does, then once as each of the others.

    Args:
        spark: The session.
        config: The configuration.
        name: The engine's name.
        places: How many executors (and sets of GPUs on them) were reached before.
    """
    what, engine = f"engine {name}: answers", config.used_engines()[name]
    slots, seconds = feeder_slots(spark, engine), hold_seconds(spark)
    rows: Sequence[Row] = []
    for number, (who, sampling) in enumerate(samplings_for(config, name).items()):
        try:
            replies = _replies(spark, name, engine, sampling, *((1, 0.0) if number else (slots, seconds)))
        except Exception as error:
            known = engine_error_in(error) or cluster_error_in(error)
            text = f"asked as {who}: {known if known is not None else cause_of(error)}"
            return failed(what, text, advice(name, engine, text))
        if any(row["error"] is not None for row in replies):
            return summed_up(name, engine, replies, places, who)
        rows = rows or replies
    return summed_up(name, engine, rows, places)


def _replies(
    spark: SparkSession, name: str, engine: Engine, sampling: Sampling | None, slots: int, seconds: float
) -> Sequence[Row]:
    """Ask from so many tasks, each of which holds its slot so long that others go elsewhere."""
    begin = partial(_begin, seconds, ExecutorGpus.of_session(spark))
    questions = spark.range(0, slots, 1, slots).mapInPandas(begin, _BEGUN)
    return (
        with_answers(questions, "prompt", "reply", name, engine, sampling)
        .select(
            "place",
            "host",
            (F.unix_micros("reply.sent_at") / 1e6 - F.col("began")).alias("waited"),
            F.col("reply.seconds").alias("seconds"),
            F.col("reply.error").alias("error"),
        )
        .collect()
    )


def _begin(seconds: float, gpus: ExecutorGpus | None, batches: Iterable[pd.DataFrame]) -> Iterator[pd.DataFrame]:
    for _ in batches:
        here = _here(gpus)
        place = " ".join([this_machine(), str(here.watched.pid), str(here.watched.started), *here.gpus])
        time.sleep(seconds)
        yield pd.DataFrame(
            {"place": [place], "host": [socket.gethostname()], "began": [time.time()], "prompt": [_PROMPT]}
        )


def _here(gpus: ExecutorGpus | None) -> Executor:
    try:
        return Executor.of_this_task(gpus)
    except EngineError as error:
        raise marked(error) from None


def summed_up(name: str, engine: Engine, rows: Sequence[Row], places: int, who: str = "") -> Finding:
    """Return what the replies say to `who` asked: columns `place`, `host`, `waited`, `seconds`, `error`."""
    what = f"engine {name}: answers"
    if refused := sorted({f"{row['error']} (on {row['host']})" for row in rows if row["error"] is not None}):
        text = f"{f'asked as {who}: ' if who else ''}{'; '.join(refused)}"
        return failed(what, text, advice(name, engine, text))
    first: dict[str, tuple[float, float, str]] = {}
    for row in rows:
        seen = (max(0.0, row["waited"]), row["seconds"], row["host"])
        first[row["place"]] = min(first.get(row["place"], seen), seen)
    waited, seconds, host = max(first.values())
    start = f"up after {waited:.0f} s, " if engine.url is None else ""
    slowest = f" (the slowest, {host})" if len(first) > 1 else ""
    detail = f"{start}answered in {seconds:.1f} s{slowest}, on {len(first)} of {places}"
    if len(first) < places:
        return warning(what, detail, "start the doctor again when no other job uses the executors")
    return ok(what, detail)


def advice(name: str, engine: Engine, text: str) -> str:
    """Return what to do about an engine's failure."""
    key = f"engines.{name}"
    if engine.url is None:
        return f"read its last lines above; {key}.args, .env, .max_model_len and .start_timeout decide its start"
    if re.search(r"HTTP 40[13]", text):
        named = engine.api_key_env or "a variable that you name"
        return f"put the endpoint's own key into {named} ({key}.api_key_env), on driver and executors"
    if "HTTP 404" in text:
        return f"set {key}.model to a name that the endpoint lists under {engine.urls[0]}/models"
    if "logprob" in text:
        return "the Judge needs log-probabilities; take an endpoint that gives them for roles.judge.engine"
    return f"see the log of the endpoint at {', '.join(engine.urls)}"
