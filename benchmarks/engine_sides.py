"""The processes that the engine benchmark compares."""

import asyncio
import json
import os
import random
import signal
import sys
import threading
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.processes import PROJECT, Answer, answers, commands
from genetic_udfs.config import Engine
from genetic_udfs.data.seeds import read_seeds
from genetic_udfs.engine.chat_completion import Sampling
from genetic_udfs.engine.metrics import fetch_metrics
from genetic_udfs.engine.models import BUNDLED, prepared
from genetic_udfs.engine.vllm import Machine, arguments, environment

REQUESTS = 256
SMALL = 8
MAX_TOKENS = 256
ENGINE = Engine(
    model=BUNDLED, max_num_seqs=64, max_model_len=1024, max_num_batched_tokens=4096, env={"VLLM_CPU_KVCACHE_SPACE": "2"}
)
# An engine on a core each: one thread, which the system places.
PAIR_ENV = {"BENCHMARK_ONE_CORE": "1"}
ONE_CORE = {"VLLM_CPU_OMP_THREADS_BIND": "nobind", "OMP_NUM_THREADS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}


def requests() -> list[str]:
    """256 prompts, greedily answered with some 5 to 256 tokens: problems to solve, and to say in a sentence."""
    problems = [seed.instruction for seed in read_seeds(str(PROJECT / "seeds" / "seeds.jsonl"))]
    short = [f"{problem}\n\nSay in one short sentence what this asks for." for problem in problems]
    both = [prompt for pair in zip(problems, reversed(short), strict=True) for prompt in pair]
    return both[:REQUESTS]


def engine() -> Engine:
    return ENGINE.model_copy(update={"env": ONE_CORE}) if os.environ.get("BENCHMARK_ONE_CORE") else ENGINE


def raw(answer: Answer) -> None:
    """`LLM.chat` on one list, with the settings of the server, taken from its command line."""
    from vllm import LLM, SamplingParams
    from vllm.engine.arg_utils import EngineArgs
    from vllm.entrypoints.launchers.cli_args import make_arg_parser
    from vllm.utils.argparse_utils import FlexibleArgumentParser

    parser = make_arg_parser(FlexibleArgumentParser())
    parsed = parser.parse_args(arguments(engine(), prepared(BUNDLED), "unused", Machine.here()))
    settings = vars(EngineArgs.from_cli_args(parsed))
    defaults = vars(EngineArgs(model=settings["model"]))
    given = {name: value for name, value in settings.items() if value != defaults[name] or name == "model"}
    llm = LLM(**given)
    prompts = requests()
    for command in commands():
        mine = prompts[: command["rows"]][command.get("part", 0) :: command.get("parts", 1)]
        chats: Any = [[{"role": "user", "content": prompt}] for prompt in mine]
        started = time.monotonic()
        done = llm.chat(chats, SamplingParams(temperature=0.0, max_tokens=MAX_TOKENS), use_tqdm=False)
        seconds = time.monotonic() - started
        answer(tokens=sum(len(one.outputs[0].token_ids) for one in done), seconds=seconds)


def udf(answer: Answer, master: str) -> None:
    """The same requests as rows of a table, through the UDF into a sink that keeps nothing but sums."""
    from pyspark.sql import functions as F

    from benchmarks.session import session
    from genetic_udfs.engine.udf import ask

    spark = session(
        master,
        spark_executor_memory="1g",
        spark_executorEnv_PYTHONPATH=str(PROJECT),
        spark_executorEnv_BENCHMARK__ONE__CORE=os.environ.get("BENCHMARK_ONE_CORE", ""),
    )
    slots = spark.sparkContext.defaultParallelism
    prompts = spark.createDataFrame([(number, text) for number, text in enumerate(requests())], "id int, prompt string")
    for command in commands():
        if "starts" in command:
            answer(starts=len(_logs(spark, slots)))
            continue
        if "endpoint" in command:
            count, elsewhere = command["count"], Engine(model="any", url=command["endpoint"])
            rows = spark.range(0, count, 1, slots).select(F.concat(F.lit("row "), "id").alias("prompt"))
            asked = ask("remote", elsewhere, Sampling(0.0, 1.0, 8), window=command["window"], feeders=slots)
        else:
            rows = prompts.filter(F.col("id") < command["rows"]).repartition(slots)  # evenly, as a stage does
            asked = ask("smol", engine(), Sampling(temperature=0.0, top_p=1.0, max_tokens=MAX_TOKENS))
        in_flight = _kill_later(spark, slots, command["kill_after"]) if "kill_after" in command else []
        started = time.monotonic()
        done = (
            rows.select(asked("prompt").alias("reply"))
            .agg(
                F.sum("reply.completion_tokens").alias("tokens"),
                F.count("reply.text").alias("answered"),
                F.count(F.when(F.col("reply.attempt") > 1, 1)).alias("asked_again"),
            )
            .collect()[0]
        )
        seconds = time.monotonic() - started
        answer(**done.asDict(), seconds=seconds, in_flight=in_flight, workers=_workers(spark, slots))
    spark.stop()


def server(answer: Answer, least: float, most: float) -> None:
    """An endpoint that answers each prompt after a time of its own; it says where it is."""
    from tests import scripted_server as scripted

    def reply(request: scripted.Request) -> scripted.Answer:
        return scripted.Answer("done", after=random.Random(request.prompt).uniform(least, most) if most else 0.0)

    with scripted.ScriptedServer(reply) as endpoint:
        answer(url=endpoint.url)
        for _ in commands():
            pass


def _logs(spark: Any, slots: int) -> set[str]:
    """Logs of all servers that the executors of this application have started."""

    def of_executor(_: Iterable[int]) -> Iterator[str]:
        from genetic_udfs.engine.executor import Executor

        time.sleep(1)  # so that every slot gets a task
        for log in Executor.of_this_task().folder().glob("smol-*.log"):
            yield str(log)

    return set(spark.sparkContext.parallelize(range(slots), slots).mapPartitions(of_executor).collect())


def _workers(spark: Any, slots: int) -> list[int]:
    def of_worker(_: Iterable[int]) -> Iterator[int]:
        yield os.getpid()

    found: list[int] = spark.sparkContext.parallelize(range(slots), slots).mapPartitions(of_worker).collect()
    return found


def _kill_later(spark: Any, slots: int, seconds: float) -> list[int]:
    """End EngineCore by SIGKILL after a while; return a list that gets what the server then had in flight."""

    def of_executor(_: Iterable[int]) -> Iterator[tuple[str, int]]:
        from genetic_udfs.engine.executor import Executor

        folder = Executor.of_this_task().folder()
        for _, group in json.loads((folder / "record.json").read_text())["servers"]:
            for pid, _ in group:
                if Path(f"/proc/{pid}/cmdline").read_bytes().startswith(b"VLLM::EngineCore"):
                    yield str(folder), pid

    [(folder, core)] = set(spark.sparkContext.parallelize(range(slots), slots).mapPartitions(of_executor).collect())
    [socket] = Path(folder).glob("e*.sock")
    in_flight: list[int] = []

    def kill() -> None:
        metrics = asyncio.run(fetch_metrics(socket))
        assert metrics is not None
        in_flight.append(round(metrics.running + metrics.waiting))
        os.kill(core, signal.SIGKILL)

    threading.Timer(seconds, kill).start()
    return in_flight


if __name__ == "__main__":
    name, *rest = sys.argv[1:]
    with answers() as answer:
        if name == "raw":
            os.environ.update(environment(engine(), "", Machine.here(), os.environ))
            raw(answer)
        elif name == "udf":
            udf(answer, rest[0])
        else:
            server(answer, float(rest[0]), float(rest[1]))
