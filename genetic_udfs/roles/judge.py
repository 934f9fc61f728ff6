"""The Judge: its prompt, its verdict, and P(Yes), the graded fitness."""

import math
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from genetic_udfs.roles.prompts import render

# Closed right after the word: `\boxed{Yes or No}` repeats the question.
_BOXED: Final = re.compile(r"boxed\s*\{\s*(?:\\text\s*\{)?\s*[\"'*]*\s*(yes|no)\s*[\"'*.]*\s*\}", re.IGNORECASE)
_LABELLED: Final = re.compile(r"\bverdict\W{0,6}(yes|no)\b", re.IGNORECASE)
_LONE: Final = re.compile(r"^\W*(yes|no)\W*$", re.IGNORECASE | re.MULTILINE)


class Token(Protocol):
    """A generated token with the most probable ones in its place, as (text, log-probability)."""

    @property
    def token(self) -> str:
        """Text of the token."""

    @property
    def top(self) -> Sequence[tuple[str, float]]:
        """Texts and natural log-probabilities of the likeliest tokens here."""


def judge_prompt(instruction: str, response: str, own: str | None = None) -> str:
    """Ask for a verdict on an instruction and the reply that solves it, with the user's own template if given."""
    return render("judge", own, instruction=instruction, response=response)


def verdict(reply: str) -> bool | None:
    """Read the last boxed, labelled or lone Yes or No; None where the reply has no verdict."""
    found = _verdict_match(reply)
    return None if found is None else found.group(1).lower() == "yes"


class Ruling(NamedTuple):
    """The verdict as it counts, with the `reason` and `detail` where it is No."""

    verdict: bool
    reason: str | None
    detail: str | None


def ruling(reply: str) -> Ruling:
    """Turn a reply into what counts; one without a verdict counts as No."""
    found = verdict(reply)
    if found is None:
        return Ruling(False, "no_verdict", "the judge's reply holds neither Yes nor No as its verdict")
    return Ruling(True, None, None) if found else Ruling(False, "judged_no", reply.strip()[:200])


def yes_probability(tokens: Sequence[Token]) -> float | None:
    """Return P(Yes) / (P(Yes) + P(No)) at the token where the verdict stands; None without a verdict.

    A tokenizer may begin the word with a blank, a brace or only its first letter; each form counts.
    """
    found = _verdict_match("".join(token.token for token in tokens))
    if found is None:
        return None
    position, offset = found.start(1), 0
    for token in tokens:
        offset += len(token.token)
        if offset > position:
            return _share_of_yes(token.top)
    return None


def _verdict_match(reply: str) -> re.Match[str] | None:
    for pattern in (_BOXED, _LABELLED, _LONE):
        matches = list(pattern.finditer(reply))
        if matches:
            return matches[-1]
    return None


def _share_of_yes(top: Sequence[tuple[str, float]]) -> float | None:
    mass = {"yes": 0.0, "no": 0.0}
    for text, log_probability in top:
        word = text.strip(" \t\n\"'*{").lower()
        for answer in mass:
            if word and (answer.startswith(word) or word.rstrip("}.\"'*") == answer):
                mass[answer] += math.exp(log_probability)
    total = sum(mass.values())
    return mass["yes"] / total if total > 0 else None
