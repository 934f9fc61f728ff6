"""The forms that trainers read, each as the columns that it has and the SQL expression that makes each of a pair.

Nothing heavy is imported here: command lines read it.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from genetic_udfs.runtime.identifier import quoted

# What `generation_model` is made of; only rows of a form that names it have it.
MODEL: Final = "coder_model"

# Columns of a preference pair beside those of the population, of the solution that is not preferred.
REJECTED_ID: Final = "rejected_id"
REJECTED_RESPONSE: Final = "rejected_response"
REJECTED_CODE: Final = "rejected_code"
REJECTED_REASONING: Final = "rejected_reasoning"
REJECTED_PASS_RATE: Final = "rejected_pass_rate"
REJECTED_FITNESS: Final = "rejected_fitness"


class FileType(StrEnum):
    """How the files of a data set are written."""

    PARQUET = "parquet"
    JSONL = "jsonl"


class ExportFormat(StrEnum):
    """A form of a data set; `parquet` is the population's own columns."""

    MESSAGES = "messages"
    SHAREGPT = "sharegpt"
    ALPACA = "alpaca"
    OPEN_CODE_GENETIC_INSTRUCT = "open_code_genetic_instruct"
    OPEN_CODE_INSTRUCT = "open_code_instruct"
    PARQUET = "parquet"


def _message(role: str, content: str, thoughts: str | None = None) -> str:
    also = "" if thoughts is None else f", 'reasoning_content', {thoughts}"
    return f"named_struct('role', '{role}', 'content', {content}{also})"


def _turn(who: str, value: str) -> str:
    return f"named_struct('from', '{who}', 'value', {value})"


def _thought(thoughts: str, answer: str) -> str:
    return f"concat(coalesce(concat('<think>\n', {thoughts}, '\n</think>\n\n'), ''), {answer})"


_EVERY_STATUS: Final = "transform(tests_status, status -> if(status = 'passed', 'pass', 'fail'))"
_PAIRS: Final[Mapping[ExportFormat, Mapping[str, str]]] = {
    ExportFormat.MESSAGES: {
        "id": "id",
        "messages": f"array({_message('user', 'instruction')}, {_message('assistant', 'response')})",
    },
    ExportFormat.SHAREGPT: {
        "id": "id",
        "conversations": f"array({_turn('human', 'instruction')}, {_turn('gpt', 'response')})",
    },
    ExportFormat.ALPACA: {"id": "id", "instruction": "instruction", "input": "''", "output": "response"},
    # The columns of nvidia/OpenCodeGeneticInstruct and nvidia/OpenCodeInstruct, as their cards list them.
    ExportFormat.OPEN_CODE_GENETIC_INSTRUCT: {
        "id": "id",
        "input": "instruction",
        "output": "response",
        "solution": "code",
        "generation_model": MODEL,
        "last_operation": "operator",
    },
    ExportFormat.OPEN_CODE_INSTRUCT: {
        "id": "id",
        "input": "instruction",
        "output": "response",
        "domain": "CAST(NULL AS STRING)",
        "generation_algorithm": "'genetic-instruct'",
        "llm_judgement": "to_json(named_struct('verdict', verdict, 'fitness', fitness))",
        "unit_tests": "to_json(tests)",
        "tests_execution_status": f"to_json({_EVERY_STATUS})",
        "average_test_score": "CAST(pass_rate AS STRING)",
    },
}

_SCORES: Final = {
    "chosen_pass_rate": "pass_rate",
    "rejected_pass_rate": REJECTED_PASS_RATE,
    "chosen_fitness": "fitness",
    "rejected_fitness": REJECTED_FITNESS,
}
_PREFERENCES: Final[Mapping[ExportFormat, Mapping[str, str]]] = {
    ExportFormat.MESSAGES: {
        "id": "id",
        "rejected_id": REJECTED_ID,
        "prompt": f"array({_message('user', 'instruction')})",
        "chosen": f"array({_message('assistant', 'response')})",
        "rejected": f"array({_message('assistant', REJECTED_RESPONSE)})",
        **_SCORES,
    },
    ExportFormat.SHAREGPT: {
        "id": "id",
        "rejected_id": REJECTED_ID,
        "conversations": f"array({_turn('human', 'instruction')})",
        "chosen": _turn("gpt", "response"),
        "rejected": _turn("gpt", REJECTED_RESPONSE),
        **_SCORES,
    },
    ExportFormat.ALPACA: {
        "id": "id",
        "rejected_id": REJECTED_ID,
        "instruction": "instruction",
        "input": "''",
        "chosen": "response",
        "rejected": REJECTED_RESPONSE,
        **_SCORES,
    },
}
PREFERENCE_FORMATS: Final = tuple(_PREFERENCES)

# Columns that take the place of the above where thoughts are wanted. A field of the message is what chat templates read
# (Qwen3, GLM-4.5, Kimi K2); forms whose answer is one text have them as Qwen3 and DeepSeek-R1 write them.
_ANSWER: Final = _thought("reasoning", "response")
_REJECTED_ANSWER: Final = _thought(REJECTED_REASONING, REJECTED_RESPONSE)
_ASKED: Final = _message("user", "instruction", "CAST(NULL AS STRING)")  # messages of one list have the same fields
_PAIRS_WITH_REASONING: Final[Mapping[ExportFormat, Mapping[str, str]]] = {
    ExportFormat.MESSAGES: {"messages": f"array({_ASKED}, {_message('assistant', 'response', 'reasoning')})"},
    ExportFormat.SHAREGPT: {"conversations": f"array({_turn('human', 'instruction')}, {_turn('gpt', _ANSWER)})"},
    ExportFormat.ALPACA: {"output": _ANSWER},
}
_PREFERENCES_WITH_REASONING: Final[Mapping[ExportFormat, Mapping[str, str]]] = {
    ExportFormat.MESSAGES: {
        "chosen": f"array({_message('assistant', 'response', 'reasoning')})",
        "rejected": f"array({_message('assistant', REJECTED_RESPONSE, REJECTED_REASONING)})",
    },
    ExportFormat.SHAREGPT: {"chosen": _turn("gpt", _ANSWER), "rejected": _turn("gpt", _REJECTED_ANSWER)},
    ExportFormat.ALPACA: {"chosen": _ANSWER, "rejected": _REJECTED_ANSWER},
}
REASONING_FORMATS: Final = tuple(_PAIRS_WITH_REASONING)


def columns_of(
    format_: ExportFormat, population: list[str], *, preference: bool = False, reasoning: bool = False
) -> dict[str, str]:
    """Return the columns of a form, each with the SQL expression over a pair's columns that makes it.

    Args:
        format_: the form.
        population: the columns that the population has; `parquet` is these.
        preference: whether rows are preference pairs; only `PREFERENCE_FORMATS` have a form for them.
        reasoning: whether answers come with the thoughts before them; only `REASONING_FORMATS` have a place for them.
    """
    if format_ is ExportFormat.PARQUET:
        return {name: quoted(name) for name in population}
    plain, thoughtful = (_PREFERENCES, _PREFERENCES_WITH_REASONING) if preference else (_PAIRS, _PAIRS_WITH_REASONING)
    return {**plain[format_], **(thoughtful[format_] if reasoning else {})}
