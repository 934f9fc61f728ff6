"""The UDF that asks an engine: prompts in, replies out, as a column expression or an SQL function.

What to ask and how to read the answer is the roles'; how rows are kept in flight is `async_map.py`'s.
"""

import contextlib
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import pandas as pd
from pyspark import TaskContext
from pyspark.sql.functions import pandas_udf

from genetic_udfs.config import Engine
from genetic_udfs.engine.async_map import ordered_map
from genetic_udfs.engine.chat_completion import ReadLogprobs, Reply, Sampling
from genetic_udfs.engine.client import Client
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.connection import EngineConnection
from genetic_udfs.engine.endpoint import Endpoint
from genetic_udfs.engine.executor import Executor
from genetic_udfs.engine.failure import marked
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.engine.progress import Counters, ProgressAddress, ProgressReporter
from genetic_udfs.engine.protocol import EngineRequest
from genetic_udfs.engine.retry import MANY_ROWS
from genetic_udfs.engine.supervisor_launch import control_socket
from genetic_udfs.engine.window import Window
from genetic_udfs.errors import EngineError

# Nullable types: a column of integers that has a null must not come out as floats.
_DTYPES: Final[dict[str, Any]] = {
    "text": object,
    "finish_reason": object,
    "prompt_tokens": "Int64",
    "completion_tokens": "Int64",
    "sent_at": "datetime64[us, UTC]",
    "seconds": "Float64",
    "yes_probability": "Float64",
    "error": object,
    "attempt": "Int32",
    "reasoning": object,
    "reasoning_tokens": "Int64",
}


def ask(name: str, engine: Engine, sampling: Sampling | None, **options: Any) -> Any:
    """Return a UDF of (prompt string) that gives the engine's reply, a struct `columns.REPLY`.

    It reads ahead and keeps a window of requests in flight, so the batches that Spark hands to it should be
    small (`runtime.session.small_batches`). It is not deterministic: Spark must
    not run it twice. No sampling seed is sent: vLLM does not promise the same text in another batch, and leaves
    its batched sampler for a request that has one.

    Args:
        name: The engine's name in the configuration.
        engine: The engine.
        sampling: How it samples.
        options: As those of `Asking`.
    """
    way = Asking(name, engine, sampling, **options)

    def answers(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        for replies in way.replies(batches):
            yield frame(replies)

    answers.__name__ = f"ask_{name}"  # what Spark's plans and its UI call it
    return pandas_udf(answers, REPLY).asNondeterministic()  # type: ignore[call-overload]


@dataclass(frozen=True)
class Asking:
    """How an engine is asked: as it travels to the executors, where it answers partitions, in a UDF of one's own.

    Args:
        name: The engine's name in the configuration.
        engine: The engine.
        sampling: How it samples; None of one that embeds, whose replies' texts are vectors in base64.
        window: How many requests a server of the engine may have in flight; 1.1 times `max_num_seqs` unless
            given. A server of our own divides it among the tasks that use it at the time.
        feeders: For an endpoint, among how many tasks the window is divided: those that run at once in the
            cluster.
        stage: The name under which progress is summed up.
        progress: Where progress is reported to.
        read_logprobs: Turns the tokens' log-probabilities into `yes_probability`; `sampling.top_logprobs`
            says how many alternatives it sees. It must be importable on the executors.
        gpus: How an executor's GPUs are found, for a server of our own whose feeders hold none.
    """

    name: str
    engine: Engine
    sampling: Sampling | None
    window: int | None = None
    feeders: int = 1
    stage: str = ""
    progress: ProgressAddress | None = None
    read_logprobs: ReadLogprobs | None = None
    gpus: ExecutorGpus | None = None

    @property
    def size(self) -> int:
        """How many requests a server may have in flight."""
        return self.window if self.window is not None else math.ceil(1.1 * self.engine.max_num_seqs)

    def replies(self, batches: Iterable[Iterable[str | None]]) -> Iterator[list[Reply]]:
        """Answer a partition of prompts in a Spark worker, in their order; the lists are of other lengths."""
        task = TaskContext.get()
        feeder, attempt = (f"{task.stageId()}.{task.partitionId()}", task.attemptNumber()) if task else ("", 0)
        reporter = ProgressReporter(self.progress, self.stage, feeder, attempt)
        share = math.ceil(self.size / self.feeders)
        # A supervisor says how much of the window is this task's; more rows must not pile up before it has.
        window = Window(share * len(self.engine.urls) if self.engine.urls else 1)
        try:
            router = Endpoint(self.name, self.engine, share) if self.engine.urls else self._lease(window, reporter)
        except EngineError as error:
            raise marked(error) from None
        if self.engine.urls:
            reporter.note("")  # there is nothing to wait for
        results = ordered_map(_prompts(batches), partial(self._answering, router, window, reporter), window)
        try:
            yield from results
        except EngineError as error:
            raise marked(error) from None
        finally:
            results.close()
            reporter.close()

    def _lease(self, window: Window, reporter: ProgressReporter) -> EngineConnection:
        return EngineConnection(
            EngineRequest(self.name, _with_absolute_model(self.engine), self.size),
            partial(control_socket, Executor.of_this_task(self.gpus)),
            on_share=window.resize,
            on_note=reporter.note,
            on_metrics=reporter.server,
            is_idle=lambda: window.in_flight == 0,
        )

    @contextlib.asynccontextmanager
    async def _answering(
        self, router: Endpoint | EngineConnection, window: Window, reporter: ProgressReporter
    ) -> AsyncIterator[Callable[[str | None], Awaitable[Reply]]]:
        """Hold the connections, and give the function that answers a row."""
        async with router:
            client = Client(
                router,
                self.sampling,
                self.read_logprobs,
                reasoning=self.engine.reasoning,
                max_tokens_field=self.engine.max_tokens_field,
                refused_after=max(MANY_ROWS, math.ceil(self.size / self.feeders)),
                on_notice=reporter.tell,
            )

            async def answer(prompt: str | None) -> Reply:
                reply = await client.ask(prompt)
                done = Counters(
                    rows=1,
                    errors=int(reply.error is not None),
                    prompt_tokens=reply.prompt_tokens or 0,
                    completion_tokens=reply.completion_tokens or 0,
                    in_flight=window.in_flight - 1,
                )
                reporter.add(done)
                return reply

            yield answer


def _prompts(batches: Iterable[Iterable[str | None]]) -> Iterator[str | None]:
    for prompts in batches:
        for prompt in prompts:
            yield prompt if isinstance(prompt, str) else None  # pandas has other nulls


def frame(replies: list[Reply]) -> pd.DataFrame:
    """Return replies as a data frame with the columns of `columns.REPLY`."""
    return pd.DataFrame(
        {name: pd.Series([getattr(reply, name) for reply in replies], dtype=dtype) for name, dtype in _DTYPES.items()}
    )


def _with_absolute_model(engine: Engine) -> Engine:
    """Return the engine with a local model's path made absolute, as its server runs in another folder."""
    if engine.model.startswith(("./", "../", "~")):
        return engine.model_copy(update={"model": str(Path(engine.model).expanduser().absolute())})
    return engine
