"""Which n-grams say nothing of a problem, since many problems of its test set have them. Pure numpy."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.data.text import chain, normalise
from genetic_udfs.decontamination.items import BenchmarkItem

MAX_PROBLEMS: Final = 3
"""In how many problems of a test set an n-gram may stand that is not common."""


class Problems(NamedTuple):
    """Of each item the number of its problem, and of its test set."""

    problem: NDArray[np.int64]
    test_set: NDArray[np.int64]


def problem_of(items: Sequence[BenchmarkItem]) -> Problems:
    """Number the problems: items of a test set that have a text in common are the same one.

    A set may have a problem once for each language, or each of its tests. Its words are no boilerplate.
    """
    problems: list[int] = []
    sets: dict[str, int] = {}
    by_text: dict[tuple[str, str], int] = {}
    for number, item in enumerate(items):
        sets.setdefault(item.benchmark, len(sets))
        texts = [(item.benchmark, normalise(text)) for text in (*item.instructions, *item.solutions)]
        problem = min((by_text[text] for text in texts if text in by_text), default=number)
        by_text.update((text, problem) for text in texts if text not in by_text)
        problems.append(problem)
    numbers = [sets[item.benchmark] for item in items]
    return Problems(np.array(problems, np.int64), np.array(numbers, np.int64))


def is_common(hashes: NDArray[np.uint64], test_set: NDArray[np.int64], problem: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which n-grams stand in more than `MAX_PROBLEMS` problems of their test set.

    Args:
        hashes: One for each place of an n-gram.
        test_set: Whose it is.
        problem: Whose it is.
    """
    in_set = chain(hashes, test_set.view(np.uint64))
    order = np.lexsort((problem, in_set))
    ordered, problems = in_set[order], problem[order]
    is_new_gram = np.append(True, ordered[1:] != ordered[:-1])[: len(ordered)]
    is_new_problem = is_new_gram | np.append(True, problems[1:] != problems[:-1])[: len(ordered)]
    gram = np.cumsum(is_new_gram) - 1
    counts = np.bincount(gram, is_new_problem)
    common = np.empty(len(hashes), np.bool_)
    common[order] = counts[gram] > MAX_PROBLEMS
    return common
