"""The roles' prompts and parsers as column expressions; the rules themselves are in the roles' own files."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, IntegerType, StringType, StructField, StructType

from genetic_udfs.config import PYTHON, OwnPrompt, TesterSettings
from genetic_udfs.config.operators import CROSSOVER
from genetic_udfs.engine.chat_completion import CUT_OFF
from genetic_udfs.roles import coder, instructor, judge, tester
from genetic_udfs.roles.arguments import called_in, calls_for
from genetic_udfs.roles.examples import examples_in
from genetic_udfs.roles.interface import Interface
from genetic_udfs.roles.solution_size import SolutionSize, solution_size
from genetic_udfs.runtime.row_udf import row_udf

_REASON: Final = [StructField("reason", StringType()), StructField("detail", StringType())]
_OFFSPRING: Final = StructType([StructField("instruction", StringType()), *_REASON])
_SIZE: Final = [StructField(name, IntegerType()) for name in SolutionSize._fields]
_CODE: Final = StructType([StructField("code", StringType()), *_REASON, StructField("language", StringType()), *_SIZE])
_VERDICT: Final = StructType([StructField("verdict", BooleanType()), *_REASON])
_TESTS: Final = StructType([StructField("tests", ArrayType(StringType())), *_REASON])

_NO_PARENT: Final = "no parent below operators.max_depth was drawn"


def instructor_prompt(
    operator: str, task: str, parents: str, count: int, own: Mapping[str, OwnPrompt], language: str
) -> Column:
    """Return the Instructor's prompt; null where no parent was found. `own` are the user's templates by task."""
    templates = {name: prompt.text for name, prompt in own.items()}

    def render(name: str, task_name: str | None, texts: Sequence[str]) -> str | None:
        if len(texts) == 0:
            return None
        if task_name is None:
            return instructor.crossover_prompt(texts, count, templates.get(CROSSOVER), language)
        return instructor.mutation_prompt(task_name, texts[0], templates.get(task_name), language)

    return row_udf(render, StringType())(operator, task, f"{parents}.instruction")


def offspring_of(operator: str, request: str, reply: str, asked: Column) -> Column:
    """Return an array of (instruction, reason, detail), never empty, read from an Instructor's reply."""

    def read(name: str, text: str | None, finish_reason: str | None, count: int) -> list[dict[str, Any]]:
        return [found._asdict() for found in instructor.offspring(name, text or "", finish_reason, count)]

    found = row_udf(read, ArrayType(_OFFSPRING))(operator, f"{reply}.text", f"{reply}.finish_reason", asked)
    error = F.col(f"{reply}.error")
    return (
        F.when(F.col(request).isNull(), F.array(_failed("depth_cap", F.lit(_NO_PARENT), _OFFSPRING)))
        .when(error.isNotNull(), F.array(_failed("engine_error", error, _OFFSPRING)))
        .otherwise(found)
    )


def coder_prompt(instruction: str, own: OwnPrompt | None, language: str = PYTHON) -> Column:
    """Return the Coder's prompt; null without an instruction."""
    template = own.text if own is not None else None

    def render(text: str | None) -> str | None:
        return None if text is None else coder.coder_prompt(text, template, language)

    return row_udf(render, StringType())(instruction)


def code_of(instruction: str, reply: str, language: str = PYTHON) -> Column:
    """Return what is read from a Coder's reply; null without a reply.

    It is a struct of `code`, `reason`, `detail`, `language`, `lines` and `branches`, the last two null without code in
    Python.
    """

    def read(problem: str, text: str | None, finish_reason: str | None) -> tuple[str | int | None, ...]:
        found, written_in = coder.solution_in(problem or "", text or "", finish_reason, language)
        size = None if found.code is None else solution_size(found.code)
        return (*found, written_in, *(size or (None, None)))

    found = row_udf(read, _CODE)(instruction, f"{reply}.text", f"{reply}.finish_reason")
    return _unless_failed(reply, found, _CODE)


def examples_of(instruction: str) -> Column:
    """Return an array of the assertions that an instruction gives as examples."""

    def read(text: str | None) -> list[str]:
        return examples_in(text or "")

    return row_udf(read, ArrayType(StringType()))(instruction)


def calls_of(instruction: str, sample_code: str, code: str) -> Column:
    """Return an array of calls of a solution's function, with the same arguments for all solutions of an instruction.

    Args:
        instruction: its text.
        sample_code: one of its solutions, whose signature counts where the instruction gives none.
        code: the solution that is called.
    """

    def made(text: str | None, sample: str | None, solution: str | None) -> list[str]:
        if text is None or sample is None or solution is None or (name := called_in(text, solution)) is None:
            return []
        return [f"{name}{arguments}" for arguments in calls_for(text, sample)]

    return row_udf(made, ArrayType(StringType()))(instruction, sample_code, code)


def repair_prompt(
    instruction: str, code: str, test: str, status: str, message: str, own: OwnPrompt | None = None
) -> Column:
    """Return the Coder's prompt for a solution that failed a test; null where one of them is."""
    template = own.text if own is not None else None

    def render(
        problem: str | None, solution: str | None, failed: str | None, ended: str | None, said: str | None
    ) -> str | None:
        if problem is None or solution is None or failed is None or ended is None or said is None:
            return None
        return coder.repair_prompt(problem, solution, failed, ended, said, template)

    return row_udf(render, StringType())(instruction, code, test, status, message)


def tester_prompt(instruction: str, code: str, settings: TesterSettings) -> Column:
    """Return the Tester's prompt; null without code, or where that has nothing to call."""
    count, shows_code = settings.tests, settings.tests_from == "code"
    own = settings.prompt.text if settings.prompt is not None else None

    def render(text: str, solution: str | None) -> str | None:
        if solution is None:
            return None
        return tester.tester_prompt(text, solution, count, shows_code=shows_code, own=own)

    return row_udf(render, StringType())(instruction, code)


def tests_of(reply: str, code: str, settings: TesterSettings) -> Column:
    """Return a struct of `tests`, `reason` and `detail` read from a Tester's reply to what was asked about code."""
    most = settings.tests

    def read(text: str | None, finish_reason: str | None, solution: str | None) -> tester.Suite | None:
        return None if solution is None else tester.tests_in(text or "", solution, most, finish_reason)

    error = F.col(f"{reply}.error")
    found = row_udf(read, _TESTS)(f"{reply}.text", f"{reply}.finish_reason", code)
    return F.when(error.isNotNull(), _failed("engine_error", error, _TESTS)).otherwise(found)


def null_solution_of(code: str) -> Column:
    """Return code with the same names, which returns None whatever is asked of it; null where there is nothing."""

    def made(solution: str | None) -> str | None:
        interface = None if solution is None else Interface.of(solution)
        return None if interface is None else interface.null_solution

    return row_udf(made, StringType())(code)


def judge_prompt(instruction: str, response: str, own: OwnPrompt | None, language: str = PYTHON) -> Column:
    """Return the Judge's prompt; null without a response."""
    template = own.text if own is not None else None

    def render(text: str, answer: str | None) -> str | None:
        return None if answer is None else judge.judge_prompt(text, answer, template, language)

    return row_udf(render, StringType())(instruction, response)


def verdict_of(reply: str) -> Column:
    """Return a struct of `verdict`, `reason` and `detail` read from a Judge's reply; null without a reply.

    A reply without a verdict counts as No.
    """

    def read(text: str | None, finish_reason: str | None) -> judge.Ruling:
        return judge.ruling(text or "", finish_reason)

    return _unless_failed(reply, row_udf(read, _VERDICT)(f"{reply}.text", f"{reply}.finish_reason"), _VERDICT)


def fitness_of(reply: str) -> Column:
    """Return P(Yes) of a Judge's reply; null where it was cut off, as what it holds is no verdict then."""
    was_cut = F.lower(f"{reply}.finish_reason").isin(*CUT_OFF)
    return F.when(~F.coalesce(was_cut, F.lit(False)), F.col(f"{reply}.yes_probability"))


def _unless_failed(reply: str, found: Column, result: StructType) -> Column:
    error = F.col(f"{reply}.error")
    failed = F.when(error.isNotNull(), _failed("engine_error", error, result))
    return F.when(F.col(reply).isNotNull(), failed.otherwise(found))


def _failed(reason: str, detail: Column, result: StructType) -> Column:
    given = {"reason": F.lit(reason), "detail": detail}
    return F.struct(*(given.get(name, F.lit(None)).alias(name) for name in result.fieldNames())).cast(result)
