"""What the hard filter's rules say, spelled out with sets of tuples, one pair of texts at a time."""

from collections.abc import Sequence
from fractions import Fraction

from genetic_udfs.data.text import normalise, tokens
from genetic_udfs.decontamination.items import BenchmarkItem

Words = Sequence[str]


def runs(words: Words, n: int) -> list[tuple[str, ...]]:
    return [tuple(words[at : at + n]) for at in range(len(words) - n + 1)]


def counts_as_words(run: tuple[str, ...]) -> bool:
    """Half of a run's words have a letter."""
    return 2 * sum(any(map(str.isalpha, word)) for word in run) >= len(run)


def counts(words: Words, run: tuple[str, ...]) -> bool:
    """Half of a run's words have a letter, if any run of three has."""
    return counts_as_words(run) or not any(map(counts_as_words, runs(words, 3)))


def problems(items: Sequence[BenchmarkItem]) -> list[int]:
    """Number items so that those of a set with a text in common have one number."""
    numbers: list[int] = []
    seen: dict[tuple[str, str], int] = {}
    for at, item in enumerate(items):
        texts = [(item.benchmark, normalise(text)) for text in (*item.instructions, *item.solutions)]
        number = min((seen[text] for text in texts if text in seen), default=at)
        for text in texts:
            seen.setdefault(text, number)
        numbers.append(number)
    return numbers


def alike(run: tuple[str, ...]) -> tuple[str, ...]:
    """Return a run in which all words without a letter are the same."""
    return tuple(word if any(map(str.isalpha, word)) else "" for word in run)


class Common:
    """Tells which runs of three words stand in more than three problems of a set, and which longer ones count."""

    def __init__(self, items: Sequence[BenchmarkItem]) -> None:
        self._owners: dict[tuple[str, ...], set[int]] = {}
        for problem, item in zip(problems(items), items, strict=True):
            for text in (*item.instructions, *item.solutions):
                for run in runs(tokens(text), 3):
                    self._owners.setdefault((item.benchmark, *alike(run)), set()).add(problem)

    def is_rare(self, benchmark: str, run: tuple[str, ...]) -> bool:
        return len(self._owners[(benchmark, *alike(run))]) <= 3

    def count(self, benchmark: str, words: Words, n: int) -> set[tuple[str, ...]]:
        """Return the runs of an item's words that count."""
        return {
            run
            for run in runs(words, n)
            if counts(words, run) and 2 * sum(self.is_rare(benchmark, each) for each in runs(run, 3)) >= n - 2
        }


def stands_alone(lines: Sequence[Words], item: Words) -> bool:
    """Whether an item stands in lines that are not much longer than it."""
    places = [(number, word) for number, line in enumerate(lines) for word in line]
    for at in range(len(places) - len(item) + 1):
        if [word for _, word in places[at : at + len(item)]] == list(item):
            first, last = places[at][0], places[at + len(item) - 1][0]
            if sum(map(len, lines[first : last + 1])) <= 2 * len(item) + 8:
                return True
    return False


def scores(
    lines: Sequence[Words], item: Words, is_solution: bool, benchmark: str, common: Common
) -> dict[str, Fraction]:
    """Return the rules by which a text holds an item, with how much of it there is."""
    text = [word for line in lines for word in line]
    found: dict[str, Fraction] = {}
    known = common.count(benchmark, item, 10) if len(item) >= 13 else set()
    if not is_solution and not known and (stands_alone(lines, item) if len(item) >= 4 else list(item) == text):
        found["whole"] = Fraction(len(item))
    if len(item) < 13:
        return found
    if not is_solution and (shared := known & set(runs(text, 10))):
        found["ngram"] = Fraction(len(shared))
    covering = common.count(benchmark, item, 8) & set(runs(text, 8))
    covered = {place for at, run in enumerate(runs(item, 8)) if run in covering for place in range(at, at + 8)}
    if 2 * len(covered) >= len(item):
        found["coverage"] = Fraction(len(covered), len(item))
    grams = {run for run in runs(item, 3) if counts(item, run)}
    rare = {run for run in grams if common.is_rare(benchmark, run)}
    both = grams & set(runs(text, 3))
    is_told_apart = rare and 2 * len(rare) >= len(grams)
    if is_told_apart and 2 * len(both) >= len(grams) and 2 * len(both & rare) >= len(rare):
        found["containment"] = Fraction(len(both), len(grams))
    return found


def match(text: str, items: Sequence[BenchmarkItem]) -> tuple[int, str] | None:
    """Return the item and the rule that a text is tagged with."""
    common = Common(items)
    lines = [tokens(line) for line in text.split("\n")]
    held = [
        (number, scores(lines, tokens(known), is_solution, item.benchmark, common))
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
