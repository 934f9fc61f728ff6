"""What the hard filter's rules say, spelled out with sets of tuples, one pair of texts at a time."""

from collections.abc import Sequence
from fractions import Fraction

from genetic_udfs.data.text import tokens
from genetic_udfs.decontamination.items import BenchmarkItem

Words = Sequence[str]


def runs(words: Words, n: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def counts(words: Words, run: tuple[str, ...]) -> bool:
    """Half of a run's words have a letter, if any run of three has."""

    def is_wordy(some: tuple[str, ...]) -> bool:
        return 2 * sum(any(map(str.isalpha, word)) for word in some) >= len(some)

    return is_wordy(run) or not any(map(is_wordy, runs(words, 3)))


def scores(text: Words, item: Words, is_solution: bool) -> dict[str, Fraction]:
    """Return the rules by which a text holds an item, with how much of it there is."""
    found: dict[str, Fraction] = {}
    if len(item) < 13:
        if not is_solution and tuple(item) in runs(text, len(item)) and (len(item) >= 4 or len(text) == len(item)):
            found["whole"] = Fraction(len(item))
        return found
    if not is_solution:
        shared = {run for run in runs(text, 10) if run in set(runs(item, 10)) and counts(item, run)}
        if shared:
            found["ngram"] = Fraction(len(shared))
    covered = {
        place
        for at, run in enumerate(runs(item, 8))
        if run in set(runs(text, 8)) and counts(item, run)
        for place in range(at, at + 8)
    }
    if 2 * len(covered) >= len(item):
        found["coverage"] = Fraction(len(covered), len(item))
    grams = {run for run in runs(item, 3) if counts(item, run)}
    both = grams & set(runs(text, 3))
    if both and 2 * len(both) >= len(grams):
        found["containment"] = Fraction(len(both), len(grams))
    return found


def match(text: str, items: Sequence[BenchmarkItem]) -> tuple[int, str] | None:
    """Return the item and the rule that a text is tagged with."""
    held = [
        (number, scores(tokens(text), tokens(known), is_solution))
        for number, item in enumerate(items)
        for is_solution, texts in ((False, item.instructions), (True, item.solutions))
        for known in texts
        if tokens(known)
    ]
    for rule in ("ngram", "coverage", "containment", "whole"):
        by_rule = [(of_rules[rule], number) for number, of_rules in held if rule in of_rules]
        if by_rule:
            most = max(score for score, _ in by_rule)
            return next(number for score, number in by_rule if score == most), rule
    return None
