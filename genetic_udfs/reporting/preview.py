"""What a preview prints: each candidate as a panel."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from rich.console import Console, Group, RenderableType
from rich.panel import Panel
from rich.syntax import Syntax
from rich.text import Text

from genetic_udfs.config import PYTHON
from genetic_udfs.data.text import printable
from genetic_udfs.reporting.labels import operator_label

_WORDS: Final = 14
_LETTERS: Final = 4_000


@dataclass(frozen=True)
class Candidate:
    """A candidate: how it came about, its texts, and how it ended.

    `reason` is None if it was accepted, `verdict` the Judge's, None where it was not asked.
    """

    operator: str
    task: str | None
    parents: Sequence[str]
    instruction: str | None
    code: str | None
    language: str | None
    raw_reply: str | None
    verdict: bool | None
    fitness: float | None
    reason: str | None
    detail: str | None


def candidates_of(rows: Iterable[Any], instructions: Mapping[str, str]) -> list[Candidate]:
    """Return rows of `candidates`, with the texts of their parents in place of ids."""
    texts = ("instruction", "code", "language", "raw_reply")
    names = ("operator", "task", *texts, "verdict", "fitness", "reason", "detail")
    return [
        Candidate(
            parents=[instructions.get(parent, parent) for parent in row["parents"] or []],
            **{name: row[name] for name in names},
        )
        for row in rows
    ]


def print_candidates(console: Console, candidates: Sequence[Candidate]) -> None:
    """Print each candidate as a panel; texts of models are shown as they are, and steer no terminal."""
    for number, one in enumerate(candidates, start=1):
        title = Text(f"{number} of {len(candidates)}, {operator_label(one.operator, one.task)}")
        colour = "green" if one.reason is None else "yellow"
        console.print(Panel(Group(*_parts(one, colour)), title=title, title_align="left", border_style=colour))


def _parts(one: Candidate, colour: str) -> list[RenderableType]:
    parts: list[RenderableType] = [Text(f"from {_first_words(parent)}", style="dim") for parent in one.parents]
    if one.instruction:
        parts.append(Text(_cut(one.instruction)))
    if one.code:
        parts.append(Syntax(_cut(one.code), one.language or PYTHON, word_wrap=True, background_color="default"))
    elif one.raw_reply:
        parts.append(Text(_cut(one.raw_reply), style="dim"))
    end = "accepted" if one.reason is None else one.reason
    if one.verdict is not None:
        end += f", the Judge's verdict is {'Yes' if one.verdict else 'No'}"
    if one.fitness is not None:
        end += f", fitness {one.fitness:.2f}"
    parts.append(Text(_cut(f"{end}: {one.detail}" if one.detail else end), style=colour))
    return parts


def _first_words(text: str) -> str:
    words = printable(text).split()
    return " ".join(words[:_WORDS]) + (" ..." if len(words) > _WORDS else "")


def _cut(text: str) -> str:
    shown = printable(text)
    return shown if len(shown) <= _LETTERS else f"{shown[:_LETTERS]} ..."
