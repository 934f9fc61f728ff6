"""The roles as SQL functions that work on any table: `instruct`, `solve` and `judge`."""

import hashlib
import random
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import pandas as pd
from pyspark.sql import SparkSession
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import BooleanType, DataType, DoubleType, LongType, StringType, StructField, StructType

from genetic_udfs.config import ROLES, Config, Role
from genetic_udfs.config.operators import MUTATION
from genetic_udfs.engine.chat_completion import Reply, is_cut_off
from genetic_udfs.engine.client import NO_PROMPT
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.engine.progress import ProgressAddress
from genetic_udfs.engine.udf import Asking
from genetic_udfs.roles import coder, instructor, judge
from genetic_udfs.roles.prompts import MUTATION_TASKS
from genetic_udfs.roles.sampling import sampling_of
from genetic_udfs.runtime.session import FEW_ROWS_A_BATCH, task_slots


class Plan(NamedTuple):
    """What is asked about a row: nothing without a `prompt`; with a `reason` because of the row itself.

    `about` is the instruction to be solved, which the code has to fit.
    """

    prompt: str | None
    task: str | None = None
    reason: str | None = None
    detail: str | None = None
    about: str | None = None


@dataclass(frozen=True)
class RoleFunction:
    """One of the functions, as it travels to the executors.

    Args:
        asking: The role's engine and how it is asked.
        plan: Makes what is asked of a row's arguments.
        read: Makes the first fields of the result, then `reason` and `detail`, of a reply that has no error.
        fields: Those first fields.
        arguments: How many arguments it takes, at least and at most.
    """

    asking: Asking
    plan: Callable[..., Plan]
    read: Callable[[Plan, Reply], tuple[Any, ...]]
    fields: dict[str, DataType]
    arguments: tuple[int, int]

    @property
    def result(self) -> StructType:
        """What the function returns."""
        common = {"reason": StringType(), "detail": StringType(), "reply": StringType()}
        common["reasoning"] = StringType()
        tokens = {"prompt_tokens": LongType(), "completion_tokens": LongType()}
        return StructType([StructField(name, kind) for name, kind in {**self.fields, **common, **tokens}.items()])

    def apply(self, batches: Iterator[Any]) -> Iterator[pd.DataFrame]:
        """Answer a partition: batches of the arguments' columns in, batches of results out, in the same order."""
        plans: deque[Plan] = deque()

        def prompts() -> Iterator[list[str | None]]:
            for batch in batches:
                columns = batch if isinstance(batch, tuple) else (batch,)  # Spark unpacks a single one
                made = [self._plan(values) for values in zip(*columns, strict=True)]
                plans.extend(made)
                yield [plan.prompt for plan in made]

        for replies in self.asking.replies(prompts()):
            rows = [self._row(plans.popleft(), reply) for reply in replies]
            yield pd.DataFrame(rows, columns=self.result.names, dtype=object)

    def _plan(self, values: tuple[Any, ...]) -> Plan:
        """Plan a row whose arguments may be of any type: Spark hands to the function what the columns hold."""
        few, many = self.arguments
        if not few <= len(values) <= many:
            wanted = f"{few}" if few == many else f"{few} or {many}"
            raise ValueError(f"the function takes {wanted} argument{'s' if many > 1 else ''}, not {len(values)}")
        arguments = [None if value is None or value is pd.NA or value != value else value for value in values]
        odd = next((value for value in arguments if not isinstance(value, str | None)), None)
        if odd is not None:
            return Plan(None, None, "not_text", f"an argument is no text but {type(odd).__name__}; cast it to string")
        if any(value is not None and not value.strip() for value in arguments):
            return Plan(None, None, "blank", "an argument is blank")
        return self.plan(*arguments)

    def _row(self, plan: Plan, reply: Reply) -> tuple[Any, ...]:
        if reply.error is None:
            found = self.read(plan, reply)
        else:
            failure = (plan.reason, plan.detail) if reply.error == NO_PROMPT else ("engine_error", reply.error)
            found = (*(plan.task if name == "task" else None for name in self.fields), *failure)
        return (*found, reply.text, reply.reasoning, reply.prompt_tokens, reply.completion_tokens)


def register_functions(
    spark: SparkSession, config: Config, *, stage: str = "", progress: ProgressAddress | None = None
) -> None:
    """Register the roles in a session, with the engines, sampling and mutation tasks of a configuration.

    `instruct(instruction[, task])` mutates an instruction and returns (instruction, task, ...); the task is drawn by
    the configuration's weights unless given. `solve(instruction)` returns (code, ...), `judge(instruction, response)`
    returns (verdict, fitness, ...), fitness being P(Yes). Every result goes on with `reason` and `detail` where
    something failed, `reply`, `reasoning` (null where the model did not think), `prompt_tokens` and
    `completion_tokens`. Null arguments give nulls and ask nothing.

    It sets the session's `spark.sql.execution.arrow.maxRecordsPerBatch` to 32, whatever was there: functions within
    functions, as in `judge(q, solve(q).code)`, hand rows on in batches of that size, and rows take seconds. Pandas UDFs
    of your own get small batches then, too; set it back when you are done with the roles.

    Every reference to a function sends a request: call it once, in a subquery, and take its result's fields outside.
    ORDER BY evaluates its input twice, so requests would be sent twice; `/*+ REPARTITION */` in the query that asks
    avoids it.

    Args:
        spark: the session.
        config: names the engines; no store is needed.
        stage: the name under which progress is summed up.
        progress: where progress is reported to.
    """
    feeders, gpus = task_slots(spark), ExecutorGpus.of_session(spark)
    ways: dict[Role, Asking] = {
        role: Asking(
            config.roles.of(role).engine,
            config.engine_of(role),
            sampling_of(config.roles.of(role), is_scored=role == "judge"),
            feeders=feeders,
            stage=stage,
            progress=progress,
            read_logprobs=judge.yes_probability if role == "judge" else None,
            gpus=gpus,
        )
        for role in ROLES
    }
    prompts = {name: prompt.text for name, prompt in config.own_prompts().items()}
    language = config.language
    draw = _TaskDraw(config.seed, config.operators.weights(), prompts, language)

    text = StringType()
    functions = {
        "instruct": RoleFunction(
            ways["instructor"], draw.plan, _instruction, {"instruction": text, "task": text}, (1, 2)
        ),
        "solve": RoleFunction(
            ways["coder"],
            partial(_plan_solution, prompts.get("coder"), language),
            partial(_code, language),
            {"code": text},
            (1, 1),
        ),
        "judge": RoleFunction(
            ways["judge"],
            partial(_plan_verdict, prompts.get("judge"), language),
            _verdict,
            {"verdict": BooleanType(), "fitness": DoubleType()},
            (2, 2),
        ),
    }
    for key, value in FEW_ROWS_A_BATCH.items():
        spark.conf.set(key, value)
    for name, function in functions.items():
        spark.udf.register(name, _udf(name, function))


def _udf(name: str, function: RoleFunction) -> Any:
    def answers(batches: Iterator[tuple[pd.Series, ...]]) -> Iterator[pd.DataFrame]:
        yield from function.apply(batches)

    answers.__name__ = name
    return pandas_udf(answers, function.result).asNondeterministic()  # type: ignore[call-overload]


@dataclass(frozen=True)
class _TaskDraw:
    """Draws mutation tasks by their weights: for the same seed and instruction always the same one."""

    seed: int
    weights: dict[str, float]
    prompts: dict[str, str]
    language: str

    def plan(self, instruction: str | None, task: str | None = None) -> Plan:
        if instruction is None:
            return Plan(None)
        chosen = task if task is not None else self._draw(instruction)
        known = tuple(dict.fromkeys((*MUTATION_TASKS, *self.weights)))
        if chosen not in known:
            return Plan(None, chosen, "unknown_task", f"there is no task {chosen!r}, but {', '.join(known)}")
        return Plan(instructor.mutation_prompt(chosen, instruction, self.prompts.get(chosen), self.language), chosen)

    def _draw(self, instruction: str) -> str:
        digest = hashlib.sha256(f"{self.seed}\x1e{instruction}".encode("utf-8", "surrogatepass")).digest()
        return random.Random(digest).choices(list(self.weights), list(self.weights.values()))[0]


def _instruction(plan: Plan, reply: Reply) -> tuple[Any, ...]:
    [found] = instructor.offspring(MUTATION, reply.text or "", reply.finish_reason, 1)
    return found.instruction or None, plan.task, found.reason, found.detail


def _plan_solution(own: str | None, language: str, instruction: str | None) -> Plan:
    return Plan(None if instruction is None else coder.coder_prompt(instruction, own, language), about=instruction)


def _code(language: str, plan: Plan, reply: Reply) -> tuple[Any, ...]:
    found, _ = coder.solution_in(plan.about or "", reply.text or "", reply.finish_reason, language)
    return tuple(found)


def _plan_verdict(own: str | None, language: str, instruction: str | None, response: str | None) -> Plan:
    if instruction is None or response is None:
        return Plan(None)
    return Plan(judge.judge_prompt(instruction, response, own, language))


def _verdict(plan: Plan, reply: Reply) -> tuple[Any, ...]:
    found = judge.ruling(reply.text or "", reply.finish_reason)
    fitness = None if is_cut_off(reply.finish_reason) else reply.yes_probability
    return found.verdict, fitness, found.reason, found.detail
