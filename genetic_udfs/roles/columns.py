"""The roles' prompts and parsers as column expressions; the rules themselves are in the roles' own files."""

from typing import Final

import pandas as pd
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import ArrayType, BooleanType, StringType, StructField, StructType

from genetic_udfs.roles import coder, instructor, judge

_REASON: Final = [StructField("reason", StringType()), StructField("detail", StringType())]
_OFFSPRING: Final = StructType([StructField("instruction", StringType()), *_REASON])
_CODE: Final = StructType([StructField("code", StringType()), *_REASON])
_VERDICT: Final = StructType([StructField("verdict", BooleanType()), *_REASON])

_NO_PARENT: Final = "no parent below operators.max_depth was drawn"


def instructor_prompt(operator: str, task: str, parents: str, count: int) -> Column:
    """Return the Instructor's prompt; null where no parent was found."""

    @pandas_udf(StringType())
    def render(operators: pd.Series, tasks: pd.Series, parent_texts: pd.Series) -> pd.Series:
        prompts = [
            None
            if len(texts) == 0
            else instructor.crossover_prompt(list(texts), count)
            if name == instructor.CROSSOVER
            else instructor.mutation_prompt(task, texts[0])
            for name, task, texts in zip(operators, tasks, parent_texts, strict=True)
        ]
        return pd.Series(prompts, dtype=object)

    return render(operator, task, f"{parents}.instruction")


def offspring_of(operator: str, reply: str, asked: Column) -> Column:
    """Return an array of (instruction, reason, detail), never empty, read from an Instructor's reply."""

    @pandas_udf(ArrayType(_OFFSPRING))
    def read(operators: pd.Series, texts: pd.Series, finish_reasons: pd.Series, counts: pd.Series) -> pd.Series:
        columns = zip(operators, texts, finish_reasons, counts, strict=True)
        found = [instructor.offspring(name, text or "", finish, count) for name, text, finish, count in columns]
        return pd.Series([[row._asdict() for row in rows] for rows in found], dtype=object)

    return (
        F.when(F.col(reply).isNull(), F.array(_failed("instruction", "depth_cap", F.lit(_NO_PARENT))))
        .when(F.col(f"{reply}.error").isNotNull(), F.array(_failed("instruction", "engine_error", F.col(f"{reply}.error"))))
        .otherwise(read(operator, f"{reply}.text", f"{reply}.finish_reason", asked))
        .cast(ArrayType(_OFFSPRING))
    )


def coder_prompt(instruction: str) -> Column:
    """Return the Coder's prompt."""

    @pandas_udf(StringType())
    def render(instructions: pd.Series) -> pd.Series:
        return instructions.map(lambda text: coder.coder_prompt(text or ""))

    return render(instruction)


def code_of(reply: str) -> Column:
    """Return a struct of `code`, `reason` and `detail` read from a Coder's reply."""

    @pandas_udf(_CODE)
    def read(texts: pd.Series, finish_reasons: pd.Series) -> pd.DataFrame:
        found = [coder.extract_code(text or "", finish) for text, finish in zip(texts, finish_reasons, strict=True)]
        return pd.DataFrame(found, columns=_CODE.fieldNames())

    return _unless_failed(reply, "code", read(f"{reply}.text", f"{reply}.finish_reason"), _CODE)


def judge_prompt(instruction: str, response: str) -> Column:
    """Return the Judge's prompt."""

    @pandas_udf(StringType())
    def render(instructions: pd.Series, responses: pd.Series) -> pd.Series:
        pairs = zip(instructions, responses, strict=True)
        return pd.Series([judge.judge_prompt(text or "", answer or "") for text, answer in pairs], dtype=object)

    return render(instruction, response)


def verdict_of(reply: str) -> Column:
    """Return a struct of `verdict`, `reason` and `detail` read from a Judge's reply; no verdict counts as No."""

    @pandas_udf(_VERDICT)
    def read(texts: pd.Series) -> pd.DataFrame:
        return pd.DataFrame([judge.ruling(text or "") for text in texts], columns=_VERDICT.fieldNames())

    return _unless_failed(reply, "verdict", read(f"{reply}.text"), _VERDICT)


def _unless_failed(reply: str, value: str, read: Column, result: StructType) -> Column:
    error = F.col(f"{reply}.error")
    return F.when(error.isNotNull(), _failed(value, "engine_error", error)).otherwise(read).cast(result)


def _failed(value: str, reason: str, detail: Column) -> Column:
    return F.struct(F.lit(None).alias(value), F.lit(reason).alias("reason"), detail.alias("detail"))
