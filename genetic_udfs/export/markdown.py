"""Texts of users and models as Markdown in which they mean nothing but themselves."""

import re
from collections.abc import Iterable, Sequence


def inline(text: str) -> str:
    """Return a text as one line of prose."""
    return re.sub(r"([\\`*_\[\]<>#|])", r"\\\1", " ".join(text.split()))


def code(text: str) -> str:
    """Return a text as code within a line."""
    one_line = " ".join(text.split())
    fence = "`" * (1 + _longest_run(one_line))
    pad = " " if one_line.startswith("`") or one_line.endswith("`") else ""
    return f"{fence}{pad}{one_line}{pad}{fence}"


def fenced(text: str, language: str) -> str:
    """Return a text as a block of code."""
    fence = "`" * max(3, 1 + _longest_run(text))
    return f"{fence}{language}\n{text}\n{fence}\n"


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table; cells are Markdown."""
    lines = [headings, ["---"] * len(headings), *rows]
    return "".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines)


def items(facts: Iterable[str]) -> str:
    """Return a list; facts are Markdown."""
    return "".join(f"- {fact}\n" for fact in facts)


def _longest_run(text: str) -> int:
    return max((len(run) for run in re.findall("`+", text)), default=0)
