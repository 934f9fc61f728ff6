"""The question whether a text and an item of a test set are the same problem, and what its answer counts as."""

import hashlib
from functools import cache
from importlib.resources import files
from typing import Final

from genetic_udfs.config.templates import render_text
from genetic_udfs.decontamination import columns as c
from genetic_udfs.roles.judge import verdict

_FILE: Final = "same_problem.j2"

# An item longer than this is cut: a question that does not fit into the engine's context has no answer.
_LONGEST: Final = 4000


def same_problem_prompt(text: str, problem: str) -> str:
    """Ask whether two problems are the same; both go into the prompt as values, never as templates."""
    return render_text(_source(), text=text[:_LONGEST], problem=problem[:_LONGEST])


def same_problem_version() -> str:
    """Return a short hash of the template: the prompt's version."""
    return hashlib.sha256(_source().encode()).hexdigest()[:12]


def rule_of(reply: str | None, error: str | None, finish_reason: str | None = None) -> str | None:
    """Return the rule by which an answer contaminates; None for a No alone, so nothing unanswered counts as clean."""
    found = None if error is not None or reply is None else verdict(reply, finish_reason)
    if found is None:
        return c.PARAPHRASE_UNANSWERED
    return c.PARAPHRASE if found else None


@cache
def _source() -> str:
    return (files(__package__) / _FILE).read_text(encoding="utf-8")
