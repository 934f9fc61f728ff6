"""The Judge: its prompt, its verdict, and P(Yes), the graded fitness."""

import math
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from genetic_udfs.config import PYTHON
from genetic_udfs.engine.chat_completion import is_cut_off
from genetic_udfs.roles.other_languages import shown
from genetic_udfs.roles.prompts import render

# Closed right after the word: `\boxed{Yes or No}` repeats the question. LaTeX's macros for text may stand within.
_BOXED: Final = re.compile(
    r"box(?:ed)?\s*\{\s*(?:\\[a-z]+\s*\{\s*){0,3}[\"'*_]*\s*(yes|no)\s*[\"'*_.!]*(?:\s*\}){1,4}", re.IGNORECASE
)
_LABELLED: Final = re.compile(
    r"\b(?:verdict|final (?:answer|judge?ment|decision))\b(?:\W{0,4}yes\W{1,3}(?:or\W{1,3})?no\b)?"
    r"(?:\s+is)?\W{0,8}(yes|no)\b",
    re.IGNORECASE,
)
_LONE: Final = re.compile(r"^[^\w\n]*(yes|no)[^\w\n]*$", re.IGNORECASE | re.MULTILINE)
# What around a Yes or No makes it one that is asked about, weighed or denied.
_OPEN_AFTER: Final = re.compile(
    r"\W{0,4}\s*(?:(?:if|or|otherwise|unless|when|whenever|provided)\b|\W{0,3}(?:yes|no)\b)|[^\w\n]{0,4}[?/]",
    re.IGNORECASE,
)
_OPEN_BEFORE: Final = re.compile(
    r"(?:\b(?:otherwise|or|either|if|between|whether|unless|neither|nor|not|never|cannot|than|instead of|say|saying)"
    r"|n't(?: be| say)?|/)[^\w\n.!;]{0,12}\Z",
    re.IGNORECASE,
)
_BLOCK: Final = re.compile(r"^[ \t]*(```+|~~~+).*?(?:^[ \t]*\1[ \t]*$|\Z)", re.MULTILINE | re.DOTALL)
_AROUND: Final = 80  # characters before a Yes or No that are looked at


class Token(Protocol):
    """A generated token with the most probable ones in its place, as (text, log-probability)."""

    @property
    def token(self) -> str:
        """Text of the token."""

    @property
    def top(self) -> Sequence[tuple[str, float]]:
        """Texts and natural log-probabilities of the likeliest tokens here."""


def judge_prompt(instruction: str, response: str, own: str | None = None, language: str = PYTHON) -> str:
    """Ask for a verdict on an instruction and the reply that solves it, with the user's own template if given."""
    return render("judge", own, instruction=instruction, response=response, language=shown(language))


def verdict(reply: str, finish_reason: str | None = None) -> bool | None:
    """Read the last boxed, labelled or lone Yes or No that states a verdict; None where the reply has none.

    One that was cut off has none: what it holds may be a thought on the way, or the question repeated.
    """
    found = None if is_cut_off(finish_reason) else _verdict_match(reply)
    return None if found is None else found.group(1).lower() == "yes"


class Ruling(NamedTuple):
    """The verdict as it counts, with the `reason` and `detail` where it is No."""

    verdict: bool
    reason: str | None
    detail: str | None


def ruling(reply: str, finish_reason: str | None = None) -> Ruling:
    """Turn a reply into what counts; one without a verdict counts as No."""
    found = verdict(reply, finish_reason)
    if found is None and is_cut_off(finish_reason):
        return Ruling(False, "truncated", "the judge's reply ended before its verdict was complete")
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
    """Return the last boxed, else labelled, else lone Yes or No that states a verdict."""
    for pattern in (_BOXED, _LABELLED, _LONE):
        # Output of a program, which may be Yes as well, is no verdict; a box is hardly in one.
        blocks = [] if pattern is _BOXED else [found.span() for found in _BLOCK.finditer(reply)]
        stated = [
            found
            for found in pattern.finditer(reply)
            if _is_stated(reply, found, is_lone=pattern is _LONE)
            and not any(start < found.start(1) < end for start, end in blocks)
        ]
        if stated:
            return stated[-1]
    return None


def _is_stated(reply: str, found: re.Match[str], *, is_lone: bool) -> bool:
    before = reply[max(0, found.start() - _AROUND) : found.start()]
    if is_lone and before.rstrip().endswith("?"):
        return False  # it answers one of the questions on the way
    return _OPEN_AFTER.match(reply[found.end() : found.end() + _AROUND]) is None and not _OPEN_BEFORE.search(before)


def _share_of_yes(top: Sequence[tuple[str, float]]) -> float | None:
    mass = {"yes": 0.0, "no": 0.0}
    for text, log_probability in top:
        word = text.strip(" \t\n\"'*{\u2581\u0120\u010a").lower()  # the last three are how tokenizers write blanks
        for answer in mass:
            if word and (answer.startswith(word) or word.rstrip("}.\"'*") == answer):
                mass[answer] += math.exp(log_probability)
    total = sum(mass.values())
    return mass["yes"] / total if total > 0 else None
