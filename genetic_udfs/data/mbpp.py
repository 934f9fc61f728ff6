"""Mostly Basic Python Problems (arXiv 2108.07732) in a JSONL file, as published: each is a sentence with assertions."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from genetic_udfs.data.jsonl import identity, note_id, read_objects, well_formed
from genetic_udfs.errors import ConfigurationError

_KEY: Final = "--path"


@dataclass(frozen=True)
class MbppProblem:
    """One problem.

    Attributes:
        id: Such as `2`.
        prompt: What is wanted, and the assertions, which alone say how the function is called.
        canonical_program: The published solution.
        test: What is run after a solution: imports, code that sets up, and the assertions.
    """

    id: str
    prompt: str
    canonical_program: str
    test: str

    def program(self, code: str) -> str:
        """Return the program to test: the code, as it is."""
        return code


def mbpp_problems(path: Path) -> list[MbppProblem]:
    """Read the problems of a file, plain or gzipped, in their order.

    Rows have `task_id`, `text` (or `prompt`, in the sanitised set), `code`, `test_list`, and may have
    `test_setup_code` and `test_imports`.

    Raises:
        ConfigurationError: naming the line and the field that is missing or malformed, or the lines of one id.
    """
    problems: list[MbppProblem] = []
    lines_by_id: dict[str, int] = {}
    for where, number, row in read_objects(path, _KEY):
        problems.append(_problem(where, row))
        note_id(lines_by_id, problems[-1].id, number, where, "task_id")
    if not problems:
        raise ConfigurationError(f"{_KEY}: {path}: holds no problem; each line is a JSON object")
    return problems


def _problem(where: str, row: dict[str, Any]) -> MbppProblem:
    tests = _texts(where, row, "test_list")
    if not tests:
        raise ConfigurationError(f"{where}: 'test_list' has no test")
    wanted = _text(where, row, "text" if "text" in row else "prompt")
    setup = [*_texts(where, row, "test_imports", []), _text(where, row, "test_setup_code", "")]
    return MbppProblem(
        id=identity(row.get("task_id"), f"{where}: 'task_id'"),
        prompt="\n".join((wanted.strip(), "Your code should pass these tests:", *tests)),
        canonical_program=_text(where, row, "code"),
        test="\n".join([*filter(None, map(str.strip, setup)), *tests]),
    )


def _text(where: str, row: dict[str, Any], field: str, default: str | None = None) -> str:
    value = row.get(field, default)
    if not isinstance(value, str):
        raise ConfigurationError(
            f"{where}: {field!r} must be a text; its fields are {', '.join(sorted(row)) or 'none'}"
        )
    return well_formed(value).replace("\r\n", "\n")


def _texts(where: str, row: dict[str, Any], field: str, default: list[str] | None = None) -> list[str]:
    values = row.get(field, default)
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise ConfigurationError(
            f"{where}: {field!r} must be a list of texts; its fields are {', '.join(sorted(row)) or 'none'}"
        )
    return [well_formed(value).replace("\r\n", "\n") for value in values]
