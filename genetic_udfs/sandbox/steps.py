"""What a test in two is: steps of the solution's process, and the rest; and how the plainest ones are split."""

import ast
from dataclasses import dataclass
from functools import cached_property

from genetic_udfs.sandbox.check import ANSWER
from genetic_udfs.sandbox.definitions import Definitions
from genetic_udfs.sandbox.rewriting import is_literal


@dataclass(frozen=True)
class Step:
    """What the solution's process does.

    Attributes:
        scope: Whose names it uses and binds: 0 is the module's, which the others see, too.
        path: Where it stands: an error ends what has the same beginning.
        source: An expression, or a statement that binds names.
        binds: These names, or None for an expression.
    """

    scope: int
    path: tuple[int, ...]
    source: str
    binds: tuple[str, ...] | None


@dataclass(frozen=True)
class Split:
    """A test in two.

    Attributes:
        steps: For the solution's process.
        rest: Scopes, each with its number, whether it is one of unittest's cases, and its statements.
        imports: Statements of the solution's own imports that the rest needs.
    """

    steps: tuple[Step, ...]
    rest: tuple[tuple[int, bool, list[ast.stmt]], ...]
    imports: tuple[str, ...] = ()

    @property
    def is_simple(self) -> bool:
        """Whether its steps are calls alone, after which others can follow in the same process."""
        return all(step.binds is None for step in self.steps)

    @cached_property
    def sources(self) -> list[tuple[int, bool, str]]:
        """The rest, as source."""
        return [(scope, is_case, ast.unparse(ast.Module(lines, []))) for scope, is_case, lines in self.rest]


def plain_split(body: list[ast.stmt], definitions: Definitions) -> Split | None:
    """Split assertions of the form `f(LITERAL, ...) == LITERAL`, which most are, at once; None if one has another."""
    steps: list[Step] = []
    lines: list[ast.stmt] = []
    names = definitions.own - definitions.doubtful
    for each in body:
        match each:
            case ast.Assert(
                test=ast.Compare(
                    left=ast.Call(func=ast.Name(id=name), args=given, keywords=[]) as call,
                    ops=[ast.Eq()] as equal,
                    comparators=[wanted],
                )
            ) if name in names and all(map(is_literal, (*given, wanted))):
                lines.append(ast.Assert(ast.Compare(answer(len(steps)), equal, [wanted]), None))
                steps.append(Step(0, (), ast.unparse(call), None))
            case _:
                return None
    return Split(tuple(steps), ((0, False, lines),)) if steps else None


def answer(step: int, how: str = ANSWER) -> ast.Call:
    """Return what stands for a step's answer in the rest."""
    return ast.Call(ast.Name(how, ast.Load()), [ast.Constant(step)], [])
