"""The Instructor: prompts for mutation and crossover, and new instructions out of its replies."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from genetic_udfs.config.operators import CROSSOVER
from genetic_udfs.roles.prompts import render

_MARKS: Final = r"[ \t>*_#]*"
_NOUN: Final = r"(?:(?:new|rewritten|coding|programming)[ \t]+)*(?:problem|instruction|task|question)"
_NUMBERED: Final = re.compile(rf"^{_MARKS}{_NOUN}[ \t]*#?[ \t]*\d+[ \t]*[:.)][ \t*_]*", re.IGNORECASE | re.MULTILINE)
_NAMED: Final = re.compile(rf"^{_MARKS}{_NOUN}[ \t]*:[ \t*_]*", re.IGNORECASE | re.MULTILINE)
_COUNTED: Final = re.compile(r"^[ \t>*_]*\d{1,2}[.)][ \t*_]*", re.MULTILINE)
# Words before a problem that speak of it: they end with a colon, or are a line that only agrees.
_PREAMBLE: Final = re.compile(
    r"\A\W{0,3}(?:(?:sure|certainly|of course|absolutely|okay|ok|alright|great|yes)\b(?:[^\w\n]+|\W*\n\s*))*"
    r"(?:(?:(?:here|below)\b[^:\n]{0,80}"
    r"|(?:the|this is|my|an?|i)\b[^:\n]{0,60}\b(?:new|rewritten|modified|changed|revised|harder)\b[^:\n]{0,60}"
    r"\b(?:problem|version|task|question|instruction)s?)[^:\n]{0,80}:[ \t*_]*(?:\n\s*|[ \t]+(?=(?-i:[A-Z`\"*]))))?",
    re.IGNORECASE,
)
# Rules between instructions, and marks that only surround one.
_RULES: Final = re.compile(r"\A(?:[-*_=]{2,}\s*(?:\n|\Z))+|(?:(?:\A|\n)[ \t]*[-*_=]{2,})+\s*\Z")
_QUOTES: Final = {'"': '"', "“": "”", "'": "'"}


class Offspring(NamedTuple):
    """One instruction read from a reply; with a `reason` it is rejected, and `detail` says more."""

    instruction: str
    reason: str | None
    detail: str | None


def mutation_prompt(task: str, instruction: str, own: str | None = None) -> str:
    """Ask for one instruction, changed as the mutation task says, with the user's own template if given."""
    return render(task, own, instruction=instruction)


def crossover_prompt(examples: Sequence[str], count: int, own: str | None = None) -> str:
    """Ask for `count` new instructions inspired by the examples, with the user's own template if given."""
    return render(CROSSOVER, own, examples=list(examples), count=count)


def offspring(operator: str, reply: str, finish_reason: str | None, asked: int) -> list[Offspring]:
    """Read the instructions in a reply: one for a mutation, up to `asked` for a crossover.

    What was cut off by the token limit is `truncated`. What comes after the number asked for is one row of its
    own, `beyond_asked`, so a reply gives `asked` + 1 rows at most. A reply that holds no instruction at all gives one
    `unparsed` row, so that nothing goes without a trace.
    """
    texts = _split(reply) if operator == CROSSOVER else [_unlabelled(reply)]
    texts = [text for text in texts if text]
    if not texts:
        return [Offspring("", "unparsed", "the reply holds no instruction")]
    cut_off = finish_reason == "length"
    result = []
    for index, text in enumerate(texts[: asked + 1], start=1):
        if index > asked:
            detail = f"the first of {len(texts) - asked} more than the {asked} asked for"
            result.append(Offspring(text, "beyond_asked", detail))
        elif cut_off and index == len(texts):
            result.append(Offspring(text, "truncated", "the reply ended at max_tokens"))
        else:
            result.append(Offspring(text, None, None))
    return result


def _split(reply: str) -> list[str]:
    """Part a crossover's reply at its labels; without any, the whole reply is one instruction.

    Counted lines are labels only where nothing else is: a problem may hold a numbered list of its own.
    """
    for pattern in (_NUMBERED, _NAMED, _COUNTED):
        labels = list(pattern.finditer(reply))
        if labels:
            ends = [label.start() for label in labels[1:]] + [len(reply)]
            return [_bare(reply[label.end() : end]) for label, end in zip(labels, ends, strict=True)]
    return [_bare(reply)]


def _unlabelled(reply: str) -> str:
    """Take the label away with which a mutation's reply may begin."""
    text = reply.strip()
    label = _NUMBERED.match(text) or _NAMED.match(text)
    return _bare(text[label.end() :] if label else text)


def _bare(text: str) -> str:
    """Take a preamble, surrounding white space, rules, bold marks and one pair of quotes away."""
    text = _RULES.sub("", text.strip()).strip()
    if (preamble := _PREAMBLE.match(text)) is not None and preamble.end() < len(text):
        text = _RULES.sub("", text[preamble.end() :].strip()).strip() if re.search(r"\w", preamble.group()) else text
    if len(text) > 4 and text.startswith("**") and text.endswith("**") and text.count("**") == 2:
        text = text[2:-2].strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text
