"""The Instructor: prompts for mutation and crossover, and new instructions out of its replies."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from genetic_udfs.roles.prompts import render
from genetic_udfs.schema import CROSSOVER

_LABEL: Final = re.compile(
    r"^[ \t>*_#]*(?:(?:new |rewritten |coding |programming )*(?:problem|instruction|task|question)[ \t]*#?[ \t]*\d*"
    r"|\d{1,2})[ \t]*[:.)][ \t*_]*",
    re.IGNORECASE | re.MULTILINE,
)
_QUOTES: Final = {'"': '"', "“": "”", "'": "'"}


class Offspring(NamedTuple):
    """One instruction read from a reply; with a `reason` it is rejected, and `detail` says more."""

    instruction: str
    reason: str | None
    detail: str | None


def mutation_prompt(task: str, instruction: str) -> str:
    """Ask for one instruction, changed as the mutation task says."""
    return render(task, instruction=instruction)


def crossover_prompt(examples: Sequence[str], count: int) -> str:
    """Ask for `count` new instructions inspired by the examples."""
    return render(CROSSOVER, examples=list(examples), count=count)


def offspring(operator: str, reply: str, finish_reason: str | None, asked: int) -> list[Offspring]:
    """Read the instructions in a reply: one for a mutation, up to `asked` for a crossover.

    What was cut off by the token limit is `truncated`; what comes after the number asked for is `beyond_asked`.
    A reply that holds no instruction at all gives one `unparsed` row, so that nothing goes without a trace.
    """
    texts = _split(reply) if operator == CROSSOVER else [_bare(_LABEL.sub("", reply.strip(), count=1))]
    texts = [text for text in texts if text]
    if not texts:
        return [Offspring("", "unparsed", "the reply holds no instruction")]
    cut_off = finish_reason == "length"
    result = []
    for index, text in enumerate(texts, start=1):
        if index > asked:
            result.append(Offspring(text, "beyond_asked", f"number {index} of a reply that was to hold {asked}"))
        elif cut_off and index == len(texts):
            result.append(Offspring(text, "truncated", "the reply ended at max_tokens"))
        else:
            result.append(Offspring(text, None, None))
    return result


def _split(reply: str) -> list[str]:
    """Part a crossover's reply at its labels; without any, the whole reply is one instruction."""
    labels = list(_LABEL.finditer(reply))
    if not labels:
        return [_bare(reply)]
    ends = [label.start() for label in labels[1:]] + [len(reply)]
    return [_bare(reply[label.end() : end]) for label, end in zip(labels, ends, strict=True)]


def _bare(text: str) -> str:
    """Take surrounding white space, rules and one pair of quotes away."""
    text = text.strip().strip("-*_ \t\n").strip()
    if len(text) > 1 and _QUOTES.get(text[0]) == text[-1]:
        text = text[1:-1].strip()
    return text
