"""The Judge: its prompt, its verdict, and P(Yes), the graded fitness."""

import math
import re
from collections.abc import Sequence
from typing import Final, NamedTuple, Protocol

from genetic_udfs.config import PYTHON
from genetic_udfs.engine.chat_completion import is_cut_off
from genetic_udfs.roles.other_languages import shown
from genetic_udfs.roles.prompts import render

# After a No that counts things there are none of, which is no verdict: "No issues found".
_COUNTS: Final = (
    r"(?![ \t]+(?:(?!it\b|this|that|there|the\b|has\b|because|since|as\b)[a-z-]+[ \t]+)?"
    r"(?:issues?|errors?|bugs?|problems?|doubts?|mistakes?|faults?|flaws?|tests?|need|code|longer|changes?)\b)"
)
_YES_NO: Final = rf"(?P<word>yes|no\b{_COUNTS})\b"
# Closed after the word, or after what it says of it: `\boxed{Yes or No}` repeats the question. LaTeX's macros for text
# may stand within.
_BOXED: Final = re.compile(
    r"box(?:ed)?\s*\{\s*(?:\\[a-z]+\s*\{\s*){0,3}[\"'*_]*\s*(?P<word>yes|no)\s*[\"'*_.!]*"
    r"(?:[,.;:\u2013\u2014-]+[ \t]+(?:(?!\b(?:yes|or|if|otherwise|unless|but|no(?![ \t]+[a-z]))\b)[^{}?\n]){1,100})?"
    r"(?:\s*\}){1,4}",
    re.IGNORECASE,
)
_LABELLED: Final = re.compile(
    r"(?:(?:\b|_)(?:verdict|decision|conclusion|final (?:answer|judge?ment))\b"
    r"(?:\W{0,4}yes\W{1,3}(?:or\W{1,3})?no\b)?(?:\s+is)?"
    rf"|(?P<weak>\bthe answer is\b|^[^\w\n]*answer\b))\W{{0,8}}{_YES_NO}",
    re.IGNORECASE | re.MULTILINE,
)
_LONE: Final = re.compile(r"^[^\w\n]*(?P<word>yes|no)[^\w\n]*$", re.IGNORECASE | re.MULTILINE)
_FIRST: Final = re.compile(rf"\A[^\w\n]*{_YES_NO}[*_\"'`]*[ \t]*[,.:;!\u2013\u2014-]", re.IGNORECASE)
# What around a Yes or No makes it one that is asked about, weighed or denied. Its sentence alone tells, which may go on
# in the next line.
_OPEN_AFTER: Final = re.compile(
    rf"[^\w\n.!;?]{{0,6}}(?:(?:if|or|otherwise|unless|when|whenever|provided)\b|{_YES_NO})|[^\w\n<]{{0,4}}[?/]"
    r"|[^\w\n.!;?]{0,4}\n[ \t]*(?-i:if|or|otherwise|unless|when|whenever|provided)\b",
    re.IGNORECASE,
)
_WHEN: Final = re.compile(r"[^\w\n.!;?]{0,6}when(?:ever)?\b", re.IGNORECASE)
_OPEN_BEFORE: Final = re.compile(
    r"(?:\b(?:otherwise|or|either|if|between|whether|unless|neither|nor|not|never|cannot|than|instead of|say|saying)"
    r"|would be(?: an?)?|n't(?: be| say)?(?: an?)?|/)[^\w\n.!;]{0,12}\Z",
    re.IGNORECASE,
)
# What takes a Yes or No at the beginning of a reply back, or makes it a guess.
_WEAKENED: Final = re.compile(
    r"\b(?:but|however|although|though|except|unfortunately|seems?|appears?|perhaps|maybe|probably|likely|might|mostly"
    r"|partly|if|or|otherwise|unless)\b|\?",
    re.IGNORECASE,
)
_CONCLUDED: Final = re.compile(rf"\b(?:so|thus|therefore|hence)\b\W{{0,4}}{_YES_NO}", re.IGNORECASE)
_SENTENCE: Final = re.compile(rf"(?:^|[.!?;][ \t]+)[^\w\n]*(?:\d+[.)][ \t]*)?{_YES_NO}", re.IGNORECASE | re.MULTILINE)
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
    return None if found is None else found["word"].lower() == "yes"


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
    position, offset = _place(found), 0
    for token in tokens:
        offset += len(token.token)
        if offset > position:
            return _share_of_yes(token.top)
    return None


def _verdict_match(reply: str) -> re.Match[str] | None:
    """Return the last boxed or labelled Yes or No that states a verdict, else a lone one, else the first word."""
    blocks = _blocks(reply)
    # A box is hardly in a block.
    if stated := [*_stated(reply, _BOXED, []), *_stated(reply, _LABELLED, blocks)]:
        return max(stated, key=_place)
    if not (lone := _stated(reply, _LONE, blocks)):
        return _first(reply)
    # Where others say the opposite, at the beginning or in a conclusion, none is the verdict.
    said = [*lone, *filter(None, [_FIRST.match(reply)]), *_CONCLUDED.finditer(reply)]
    return max(lone, key=_place) if len({found["word"].lower() for found in said}) == 1 else None


def _place(found: re.Match[str]) -> int:
    return found.start("word")


def _blocks(reply: str) -> list[tuple[int, int]]:
    """Return where code stands: output of a program, which may be Yes as well, is no verdict.

    Where the only block is an object of JSON, the verdict is in it.
    """
    blocks = list(_BLOCK.finditer(reply))
    is_object = len(blocks) == 1 and blocks[0][0].partition("\n")[2].lstrip().startswith("{")
    return [] if is_object else [block.span() for block in blocks]


def _stated(reply: str, pattern: re.Pattern[str], blocks: list[tuple[int, int]]) -> list[re.Match[str]]:
    return [
        found
        for found in pattern.finditer(reply)
        if _is_stated(reply, found, answers=pattern is _LONE or found.groupdict().get("weak") is not None)
        and not any(start < _place(found) < end for start, end in blocks)
    ]


def _is_stated(reply: str, found: re.Match[str], *, answers: bool) -> bool:
    before = reply[max(0, found.start() - _AROUND) : found.start()]
    if answers and before.rstrip(" \t\n*_`").endswith("?"):
        return False  # it answers one of the questions on the way
    after = reply[found.end() : found.end() + _AROUND]
    begins_line = not re.search(r"\w", before.rpartition("\n")[2].replace("\\", ""))
    if found["word"].lower() == "no" and begins_line and _WHEN.match(after):
        return True  # it says when the answer fails
    return _OPEN_AFTER.match(after) is None and not _OPEN_BEFORE.search(before)


def _first(reply: str) -> re.Match[str] | None:
    """Return the Yes or No that a reply begins with, where nothing after it weakens it or says the opposite."""
    found = _FIRST.match(reply)
    if found is None or _WEAKENED.search(reply):
        return None
    words = {sentence["word"].lower() for sentence in _SENTENCE.finditer(reply)}
    return found if words == {found["word"].lower()} else None


def _share_of_yes(top: Sequence[tuple[str, float]]) -> float | None:
    mass = {"yes": 0.0, "no": 0.0}
    for text, log_probability in top:
        word = text.strip(" \t\n\"'*{\u2581\u0120\u010a").lower()  # the last three are how tokenizers write blanks
        for answer in mass:
            if word and (answer.startswith(word) or word.rstrip("}.\"'*") == answer):
                mass[answer] += math.exp(log_probability)
    total = sum(mass.values())
    return mass["yes"] / total if total > 0 else None
