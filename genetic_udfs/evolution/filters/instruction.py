"""The rules for an instruction. Published Evol-Instruct data shows each of these failings."""

import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from genetic_udfs.config import Filters
from genetic_udfs.data.text import tokens
from genetic_udfs.evolution.filters.off_task import opening_off_task

# Words of a prompt that leak into a reply: WizardCoder's labels as found in public data, and our templates' own.
_LEAKED_LABEL: Final = re.compile(
    r"#?\s*(?:rewritten|given|original|created|new)[ _](?:prompt|problem|instruction)s?\s*#?\s*:"
    r"|#(?:rewritten|given|created|new) prompt#|\bhow to change it:"
    r"|\A\W*example \d+:",
    re.IGNORECASE,
)
_REFUSAL: Final = re.compile(
    r"^\W*(?:i(?:'m| am) sorry|sorry,|i (?:cannot|can't|am unable|am not able)|as an ai\b|unfortunately, i\b)",
    re.IGNORECASE,
)
_SOLUTION: Final = re.compile(r"^[ \t]*(?:async )?def \w+\(.*\n(?:.*\n)*?[ \t]+return\b", re.MULTILINE)
_SOLUTION_LABEL: Final = re.compile(
    r"^\W*(?:(?:python )?solution|answer|expected solution)\W*:", re.IGNORECASE | re.MULTILINE
)
# A degenerate reply repeats itself. Natural instructions of 50 words and more keep over 0.8 of their word 3-grams
# distinct (the seeds: 0.93 and more); loops of small models fall under 0.5.
_MIN_DISTINCT: Final = 0.5
_LONG_ENOUGH_TO_REPEAT: Final = 24


class Rejection(NamedTuple):
    """Why a candidate is rejected."""

    reason: str
    detail: str


def instruction_rejection(
    instruction: str, parents: Sequence[str], task: str | None, bounds: Filters
) -> Rejection | None:
    """Return the first rule that an instruction breaks, or None.

    Reasons: `too_short`, `too_long`, `unchanged`, `label_leak`, `refusal`, `off_task`, `contains_solution`,
    `repetitive`.
    """
    words = tokens(instruction)
    if len(words) < bounds.min_words:
        return Rejection("too_short", f"{len(words)} words, filters.min_words is {bounds.min_words}")
    if len(words) > bounds.max_words:
        return Rejection("too_long", f"{len(words)} words, filters.max_words is {bounds.max_words}")
    for parent in parents:
        if tokens(parent) == words:
            return Rejection("unchanged", "the same words as its parent")
    if leaked := _LEAKED_LABEL.search(instruction):
        return Rejection("label_leak", f"holds {leaked.group().strip()!r}")
    if _REFUSAL.search(instruction):
        return Rejection("refusal", f"begins with {instruction.strip()[:40]!r}")
    if opening := opening_off_task(instruction):
        return Rejection("off_task", f"begins with {opening!r}, which is no problem but talk about one")
    # Wrong reference code is the very point of that one task.
    if task != "erroneous_code" and (_SOLUTION.search(instruction) or _SOLUTION_LABEL.search(instruction)):
        return Rejection("contains_solution", "holds the solution it asks for")
    distinct = _distinct_share(words)
    if distinct < _MIN_DISTINCT:
        return Rejection("repetitive", f"{distinct:.2f} of its word 3-grams are distinct, {_MIN_DISTINCT} are needed")
    return None


def _distinct_share(words: Sequence[str]) -> float:
    if len(words) < _LONG_ENOUGH_TO_REPEAT:
        return 1.0
    grams = list(zip(words, words[1:], words[2:], strict=False))
    return len(set(grams)) / len(grams)
