"""An engine that answers at once, in the Spark task that asks: what is left is the pipeline's own time.

Its answers are a function of the prompt: instructions of drawn words, a short function, Yes seven times in eight. What
it takes to make one stands as the reply's `seconds`.
"""

import hashlib
import random
import time
from collections.abc import Iterator
from typing import Any, Final

import pandas as pd
from pyspark import TaskContext
from pyspark.sql.functions import pandas_udf

from genetic_udfs.config import Engine
from genetic_udfs.engine.chat_completion import Reply, Sampling
from genetic_udfs.engine.columns import REPLY
from genetic_udfs.engine.progress import Counters, ProgressAddress, ProgressReporter
from genetic_udfs.engine.udf import frame

_SYLLABLES: Final = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "ar", "el", "in", "os", "un")]
WORDS: Final = (60, 120)
_YES: Final = 0.9


def ask(
    name: str, engine: Engine, sampling: Sampling, *, stage: str = "", progress: ProgressAddress | None = None, **_: Any
) -> Any:
    """Stand in for `engine.udf.ask`, with its arguments and its result."""

    def answers(batches: Iterator[pd.Series]) -> Iterator[pd.DataFrame]:
        task = TaskContext.get()
        reporter = ProgressReporter(progress, stage, f"{task.stageId()}.{task.partitionId()}", task.attemptNumber())
        for prompts in batches:
            replies = [Reply() if prompt is None else reply(prompt) for prompt in prompts]
            reporter.add(Counters(rows=len(replies)))
            yield frame(replies)
        reporter.close()

    return pandas_udf(answers, REPLY).asNondeterministic()  # type: ignore[call-overload]


def reply(prompt: str) -> Reply:
    begun = time.perf_counter()
    text = answer(prompt, drawn(prompt))
    return Reply(
        text=text,
        finish_reason="stop",
        prompt_tokens=len(prompt) // 4,
        completion_tokens=len(text) // 4,
        sent_at=pd.Timestamp.now("UTC").to_pydatetime(),
        seconds=time.perf_counter() - begun,
        yes_probability=_YES,
        attempt=1,
    )


def drawn(label: str) -> random.Random:
    return random.Random(hashlib.sha256(label.encode("utf-8", "replace")).digest())


def answer(prompt: str, draw: random.Random) -> str:
    if "You review answers" in prompt:
        return f"The code does it. \\boxed{{{'No' if draw.random() < 1 / 8 else 'Yes'}}}"
    if "Solve the programming problem" in prompt:
        lines = "\n".join(f"    {_word(draw)} = {_word(draw)!r} + str(x)" for _ in range(draw.randint(5, 30)))
        return f"This does it:\n```python\ndef solve(x):\n{lines}\n    return x\n```"
    if "Read the example problems" in prompt:
        return "\n".join(f"Problem {number}: {instruction(draw)}" for number in (1, 2, 3))
    return instruction(draw)


def instruction(draw: random.Random) -> str:
    return "Write a function that " + " ".join(_word(draw) for _ in range(draw.randint(*WORDS)))


def _word(draw: random.Random) -> str:
    return "".join(draw.choices(_SYLLABLES, k=draw.randint(2, 4)))
