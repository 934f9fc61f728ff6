"""The engine as it is: vLLM's CPU build under a supervisor, fed by Spark.

The tests share one executor, the session's JVM. Each can run alone; in order they start two engines, and two more
servers where one is killed or hangs, because each goes on with the engine that the one before has left.
"""

import contextlib
import os
import signal
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import psutil
import pytest
from pyspark.sql import Row, SparkSession
from pyspark.sql import functions as F

from genetic_udfs.config import EmbeddingModel, Engine, ReasoningTags
from genetic_udfs.embedding.model import Embedder
from genetic_udfs.embedding.vectors import vectors
from genetic_udfs.engine.chat_completion import Sampling, TokenLogprobs
from genetic_udfs.engine.executor import Executor
from genetic_udfs.engine.models import BUNDLED
from genetic_udfs.engine.progress import ProgressListener
from genetic_udfs.engine.udf import ask
from genetic_udfs.runtime.process import ProcessId, members
from tests.decontamination.tiny_model import make_tiny_model
from tests.engine.conftest import eventually, final_progress, processes_in

pytestmark = [pytest.mark.vllm, pytest.mark.slow, pytest.mark.timeout(3600)]

# Threads of OpenMP wait for each other without giving way: on a busy machine several take four times as long as one.
ONE_THREAD = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1"}
# A core that computes by itself, as on a single GPU, which vLLM's CPU build does with this variable.
UNI = ONE_THREAD | {"VLLM_ENABLE_V1_MULTIPROCESSING": "0"}
# 11,000 tokens; to fill with zeros what is the default takes 6 s. Requests may bring a chat template of their own.
LITTLE = {"kv-cache-memory-bytes": 1 << 28, "trust-request-chat-template": True}
ENGINE = Engine(
    model=BUNDLED,
    max_num_seqs=8,
    max_model_len=1024,
    args={"distributed-executor-backend": "uni", **LITTLE},
    env=UNI,
)
# Another context length makes it another engine, whose core has a worker. It hangs when no token comes for half of the
# timeout. It parts thoughts itself, at tags that need not be tokens of the model's.
OTHER = Engine(
    model=BUNDLED,
    max_num_seqs=8,
    max_model_len=512,
    request_timeout=40,
    args={**LITTLE, "reasoning-parser": "olmo3"},
    env=ONE_THREAD,
)
# The window, 9, and a half of it: a task that comes second gets its share while the first has all of it in flight.
MOST_IN_FLIGHT = 14
ROWS = 30  # ten that are answered before the engine is lost, and more than can be in flight
# A chat template that opens thoughts. vLLM keeps a form only once thoughts have ended, for which it looks in the
# prompt.
OPENS_THOUGHTS = (
    "{% for message in messages %}{{ message['content'] }}\n{% endfor %}"
    "Think, then write </think> and the answer.\n<think>\n"
)
THINKING = Sampling(
    temperature=0.0,
    top_p=1.0,
    max_tokens=40,
    top_logprobs=5,
    regex=r"(one|two) (apples|pears)\n</think>\n\n(Yes|No), it is\.",
    extra={"chat_template": OPENS_THOUGHTS},
)
SHORT = Sampling(temperature=0.8, top_p=0.95, max_tokens=8)


def first_logprob(tokens: list[TokenLogprobs]) -> float | None:
    assert len(tokens[0].top) == 5
    return tokens[0].logprob


def length_of_answer(tokens: list[TokenLogprobs]) -> float:
    assert all(token.top for token in tokens)
    return float(len("".join(token.token for token in tokens)))


def assert_thoughts_are_apart(spark: SparkSession, name: str, engine: Engine) -> None:
    asked = ask(name, engine, THINKING, read_logprobs=length_of_answer)
    rows = spark.range(0, 4, 1, 2).select("id", asked(F.lit("Is it fruit?")).alias("reply")).collect()
    assert_all_answered(rows, 4)
    for row in rows:
        assert row.reply.text in {"Yes, it is.", "No, it is."}
        assert row.reply.reasoning in {f"{count} {fruit}" for count in ("one", "two") for fruit in ("apples", "pears")}
        assert row.reply.finish_reason == "stop"
        assert row.reply.yes_probability == len(row.reply.text)
    opened = engine.model_copy(update={"reasoning": ReasoningTags(end="</think>")})
    cut = ask(name, opened, replace(THINKING, max_tokens=2))
    [row] = spark.range(1).select(cut(F.lit("Is it fruit?")).alias("reply")).collect()
    assert (row.reply.text, row.reply.finish_reason) == ("", "length")
    assert row.reply.reasoning


@dataclass(frozen=True)
class RealExecutor:
    """The executor of the session's tasks, looked at from outside."""

    jvm: int
    folder: Path

    def servers(self) -> list[ProcessId]:
        """The API servers that run. Each leads a session of its own, unlike a fork of it that runs nothing else yet."""
        found = processes_in(self.folder)
        return [one for one in found if b"api_server" in _command_line(one.pid) and _leads_session(one.pid)]

    def logs(self) -> set[str]:
        """The names of the servers' logs: one for each start."""
        return {path.name for path in self.folder.glob("*-*.log")}

    def python_workers(self) -> set[psutil.Process]:
        """The processes that Spark's daemons have forked to run Python functions in."""
        daemons = psutil.Process(self.jvm).children()
        return {worker for daemon in daemons for worker in daemon.children() if _runs_pyspark(worker)}


def engine_cores(server: ProcessId) -> list[ProcessId]:
    """The processes of a server that hold a model."""
    return [process for process in members(server) if _command_line(process.pid).startswith(b"VLLM::EngineCore")]


def model_length(server: ProcessId) -> int:
    arguments = _command_line(server.pid).split(b"\0")
    return int(arguments[arguments.index(b"--max-model-len") + 1])


def _runs_pyspark(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return "pyspark.worker" in process.cmdline()
    return False


def _leads_session(pid: int) -> bool:
    with contextlib.suppress(ProcessLookupError):
        return os.getsid(pid) == pid
    return False


def _command_line(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


@pytest.fixture(scope="module")
def executor(spark: SparkSession) -> Iterator[RealExecutor]:
    """The executor, which has no engine any more in the end: the memory is for others then."""

    def look(_: int) -> tuple[int, str]:
        executor = Executor.of_this_task()
        return executor.watched.pid, str(executor.folder())

    jvm, folder = spark.sparkContext.parallelize([0], 1).map(look).first()
    found = RealExecutor(jvm, Path(folder))
    yield found
    for process in processes_in(found.folder):
        if b"genetic_udfs.engine.supervisor_process" in _command_line(process.pid):
            process.send(signal.SIGTERM)
    assert eventually(lambda: not processes_in(found.folder))


@dataclass
class Seen:
    """What `watching` saw: the servers in the order of their appearance, and how many ran at once at most."""

    servers: list[ProcessId] = field(default_factory=list)
    lengths: list[int] = field(default_factory=list)
    most_servers: int = 0
    most_cores: int = 0

    def look(self, executor: RealExecutor) -> None:
        running = executor.servers()
        for server in running:
            if server not in self.servers:
                with contextlib.suppress(ValueError):  # one that ends while it is looked at has no arguments
                    self.lengths.append(model_length(server))
                    self.servers.append(server)
        self.most_servers = max(self.most_servers, len(running))
        # A core may outlive its server.
        self.most_cores = max(self.most_cores, sum(len(engine_cores(server)) for server in self.servers))


@contextlib.contextmanager
def watching(executor: RealExecutor) -> Iterator[Seen]:
    """Look at the executor's servers ten times a second."""
    seen = Seen()
    over = threading.Event()

    def watch() -> None:
        while not over.wait(0.1):
            seen.look(executor)

    seen.look(executor)
    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()
    seen.look(executor)


@contextlib.contextmanager
def mid_stage(listener: ProgressListener, stage: str, act: Callable[[], None]) -> Iterator[None]:
    """Act once, when ten rows of the stage are answered."""
    over = threading.Event()

    def wait() -> None:
        while not over.wait(0.2):
            progress = listener.snapshot().get(stage)
            if progress is not None and progress.rows >= 10:
                act()
                return

    thread = threading.Thread(target=wait, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def answers(spark: SparkSession, name: str, engine: Engine, rows: int = 4) -> list[Row]:
    asked = ask(name, engine, SHORT)
    prompt = F.concat(F.lit("Write one sentence about the number "), "id")
    return spark.range(0, rows, 1, 2).select("id", asked(prompt).alias("reply")).collect()


def assert_all_answered(rows: list[Row], count: int) -> None:
    assert sorted(row.id for row in rows) == list(range(count))
    assert [row.reply.error for row in rows if row.reply.error is not None] == []
    assert all(row.reply.text and row.reply.completion_tokens > 0 for row in rows)


def test_rows_are_answered_and_none_is_lost_when_the_engine_is_killed(
    spark: SparkSession, executor: RealExecutor
) -> None:
    killed: list[int] = []

    def kill() -> None:
        for server in executor.servers():
            for core in engine_cores(server):
                killed.append(core.pid)
                core.send(signal.SIGKILL)

    numbers = spark.range(0, ROWS, 1, 2)
    prompt = F.concat(F.lit("Write one sentence about the number "), "id")
    with ProgressListener() as listener:
        asked = ask(
            "smol",
            ENGINE,
            Sampling(temperature=0.8, top_p=0.95, max_tokens=24, top_logprobs=5),
            stage="kill",
            progress=listener.address,
            read_logprobs=first_logprob,
        )
        with mid_stage(listener, "kill", kill):
            rows = numbers.select("id", asked(prompt).alias("reply")).collect()
        progress = final_progress(listener, "kill", ROWS)

    assert len(killed) == 1
    assert_all_answered(rows, ROWS)
    assert all(row.reply.completion_tokens <= 24 for row in rows)
    assert all(row.reply.yes_probability <= 0 for row in rows)
    # Answered rows were kept, and only what was in flight was asked a second time.
    attempts = [row.reply.attempt for row in rows]
    assert set(attempts) == {1, 2}
    assert attempts.count(1) >= 10
    assert attempts.count(2) <= MOST_IN_FLIGHT
    assert (progress.rows, progress.errors) == (ROWS, 0)

    hostile = ["nul \0 byte", "{{ x }}{% y %}", "é😀\u202e" * 20, "word " * 5_000]
    strange = spark.createDataFrame([(text,) for text in hostile], "prompt string")
    replies = strange.coalesce(1).select(asked("prompt").alias("reply")).collect()
    assert [row.reply.error is None for row in replies] == [True, True, True, False]
    assert replies[3].reply.error.startswith("HTTP 400:")
    assert "maximum" in replies[3].reply.error
    assert replies[3].reply.attempt == 1


def test_an_engine_is_started_once_for_two_roles_although_python_workers_end_between_them(
    spark: SparkSession, executor: RealExecutor
) -> None:
    assert_all_answered(answers(spark, "instructor", ENGINE), 4)
    servers, logs, workers = executor.servers(), executor.logs(), executor.python_workers()
    assert len(servers) == 1
    assert workers

    for worker in workers:  # as Spark does when they have had nothing to do for a minute
        worker.kill()
    assert eventually(lambda: not any(worker.is_running() for worker in workers))

    assert_all_answered(answers(spark, "judge", ENGINE), 4)
    assert executor.servers() == servers
    assert executor.logs() == logs


def test_thoughts_that_the_chat_template_opens_are_apart_without_a_reasoning_parser(
    spark: SparkSession, executor: RealExecutor
) -> None:
    assert_thoughts_are_apart(spark, "judge", ENGINE)


def test_another_engine_takes_the_place_of_the_first_and_never_are_there_two(
    spark: SparkSession, executor: RealExecutor
) -> None:
    with watching(executor) as seen:
        assert_all_answered(answers(spark, "long", ENGINE), 4)
        assert_all_answered(answers(spark, "short", OTHER), 4)
    assert seen.lengths[-2:] == [ENGINE.max_model_len, OTHER.max_model_len]
    assert (seen.most_servers, seen.most_cores) == (1, 1)
    assert executor.servers() == seen.servers[-1:]


def test_an_engine_that_hangs_is_replaced_and_no_row_is_lost(spark: SparkSession, executor: RealExecutor) -> None:
    stopped: list[ProcessId] = []
    hung: set[ProcessId] = set()  # with the stopped process the whole group, such as the core's workers

    def stop() -> None:
        for server in executor.servers():
            hung.update(members(server))
            for core in engine_cores(server):
                core.send(signal.SIGSTOP)
                stopped.append(core)

    with ProgressListener() as listener:
        # So long that the stage is not over before it is known to have begun.
        sampling = Sampling(temperature=0.8, top_p=0.95, max_tokens=24)
        asked = ask("short", OTHER, sampling, stage="hang", progress=listener.address)
        prompt = F.concat(F.lit("Write one sentence about the number "), "id")
        with mid_stage(listener, "hang", stop):
            rows = spark.range(0, ROWS, 1, 2).select("id", asked(prompt).alias("reply")).collect()
        progress = final_progress(listener, "hang", ROWS)

    assert len(stopped) == 1
    assert hung > {*stopped}
    # Not even as zombies.
    assert [process for process in hung if ProcessId.of(process.pid) == process] == []
    assert len(executor.servers()) == 1
    assert "requests run, and no token came for" in (executor.folder / "supervisor.log").read_text()
    assert_all_answered(rows, ROWS)
    attempts = [row.reply.attempt for row in rows]
    assert attempts.count(1) >= 10
    assert 1 <= sum(attempt > 1 for attempt in attempts) <= MOST_IN_FLIGHT
    assert (progress.rows, progress.errors) == (ROWS, 0)


def test_thoughts_that_the_chat_template_opens_are_apart_with_a_reasoning_parser(
    spark: SparkSession, executor: RealExecutor
) -> None:
    assert_thoughts_are_apart(spark, "short", OTHER)


def test_an_engine_embeds_as_transformers_do(spark: SparkSession, tmp_path: Path) -> None:
    # vLLM's attention on CPUs wants 32 numbers a head; the mean of all tokens is what sentence-transformers calls so.
    folder = make_tiny_model(tmp_path / "model", size=64)
    args = {"pooler-config": '{"pooling_type": "MEAN"}', "distributed-executor-backend": "uni"}
    engine = Engine(model=str(folder), task="embed", dtype="float32", max_num_seqs=8, args=args, env=UNI)
    texts = [f"add the {number} largest of some numbers" for number in range(20)]
    texts += ["", "nul \0 and é😀", "many words " * 2_000]
    model = EmbeddingModel("engine:vectors", "dedup.semantic.model", engine)
    found = vectors(spark, texts, model)
    assert found.shape == (len(texts), 64)
    assert np.linalg.norm(found, axis=1) == pytest.approx(np.ones(len(texts)), abs=1e-5)
    assert found[:20] == pytest.approx(Embedder(folder)(texts[:20]), abs=1e-3)
