"""Problems in the style of contests and of published test sets, whose phrases are everybody's: none is a known one.

What is wanted comes from the seeds, of which one half is for test items and the other for clean texts; or from a
grammar of single sentences, in which what is done to what is halved in the same way.
"""

import random
from typing import Final

from genetic_udfs.data.seeds import read_seeds
from genetic_udfs.decontamination import BenchmarkItem
from genetic_udfs.decontamination.prose import variants

_INPUT: Final = (
    "The first line of the input contains a single integer t (1 <= t <= {k}0000), the number of test cases.",
    "The description of the test cases follows.",
    "The first line contains two integers n and m (1 <= n, m <= 200000).",
    "The first line of each test case contains a single integer n (1 <= n <= {k}00000), the length of the array.",
    "The second line of each test case contains n integers a_1, a_2, ..., a_n (1 <= a_i <= 1000000000).",
    "Each of the next m lines contains two integers u and v (1 <= u, v <= n), describing an edge of the graph.",
    "It is guaranteed that the sum of n over all test cases does not exceed {k}00000.",
    "The input is given from Standard Input in the following format: N A_1 A_2 ... A_N",
    "All values in the input are integers, and the string consists of lowercase English letters.",
    "The only line of the input contains a string s consisting of lowercase Latin letters.",
)
_OUTPUT: Final = (
    "For each test case, print a single integer, the answer to the problem.",
    "For each test case, print YES if it is possible, and NO otherwise. You can print each letter in any case.",
    "If there are multiple answers, print any of them.",
    "Since the answer may be very large, print it modulo 998244353.",
    "Print the answer on a single line. If there is no solution, print -1 instead.",
    "Your answer will be accepted if its absolute or relative error does not exceed 0.000001.",
    "You may return the answer in any order. The test cases are generated so that the answer is unique.",
)
_LIMITS: Final = (
    "Time limit per test: {k} seconds. Memory limit per test: 256 megabytes.",
    "Constraints: 1 <= nums.length <= 100000, and -1000000000 <= nums[i] <= 1000000000 for every valid index i.",
    "A subarray is a contiguous non-empty sequence of elements within an array.",
    "A permutation of length n is an array that contains each integer from 1 to n exactly once.",
    "Note that the order in which the elements are chosen does not matter.",
    "The function should raise the exception for: ValueError: If the input is empty or is not of the expected type.",
    "The function should output with: list: A list that holds the results in the order of the input.",
    "You should write self-contained code that uses nothing but the standard library and the modules named above.",
)
_DO: Final = (
    "find the largest", "find the smallest", "count the number of", "find the sum of all", "remove all the",
    "find the length of the longest", "check whether there are any", "sort the", "replace all the",
    "find the average of the", "find the index of the first", "find the product of the", "print all the",
    "find the difference between the first and the last of the", "merge the",
)  # fmt: skip
_WHAT: Final = (
    "even elements", "repeated characters", "prime factors", "negative numbers", "uppercase words", "unique tuples",
    "missing values", "overlapping intervals", "adjacent pairs", "diagonal entries", "vowels", "nested lists",
    "palindromic substrings", "consecutive digits", "common keys", "odd positions", "increasing subsequences",
)  # fmt: skip
_WHERE: Final = (
    "in a given list", "in the given string", "of a given matrix", "in a list of lists", "of two given arrays",
    "in a dictionary of lists by using lambda function", "of the given number", "in the given tuple list",
    "of a binary tree represented as a list", "from the given string by using regex",
)  # fmt: skip


def _is_clean(*parts: int) -> bool:
    return sum(parts) % 2 == 1


def _sentences(*, clean: bool) -> list[str]:
    return [
        f"Write a function to {do} {what} {where}."
        for a, do in enumerate(_DO)
        for b, what in enumerate(_WHAT)
        for where in _WHERE
        if _is_clean(a, b) == clean
    ]


def _statement(core: str, draw: random.Random) -> str:
    """Return a problem with the sections that contests have, one after another or each in a line."""
    parts = [core, *draw.sample(_LIMITS, draw.randint(0, 2))]
    parts += ["Input", *draw.sample(_INPUT, draw.randint(1, 5)), "Output", *draw.sample(_OUTPUT, draw.randint(1, 3))]
    return draw.choice(("\n", "\n\n", " ")).join(parts).replace("{k}", str(draw.randint(1, 9)))


def _cores(seeds: str, *, clean: bool) -> list[str]:
    return [seed.instruction for at, seed in enumerate(read_seeds(seeds)) if _is_clean(at) == clean]


def contest_items(seeds: str, count: int = 1000, seed: int = 0) -> list[BenchmarkItem]:
    """Return three test sets of so many problems: contests', single sentences, and both in one."""
    draw = random.Random(seed)
    cores, sentences = _cores(seeds, clean=False), draw.sample(_sentences(clean=False), count)
    texts = {
        "contests": [_statement(cores[number % len(cores)], draw) for number in range(len(cores))],
        "sentences": sentences,
        "sentences in contests": [_statement(sentence, draw) for sentence in sentences],
    }
    return [
        BenchmarkItem(name, str(number), text, tuple(variants(text)))
        for name, some in texts.items()
        for number, text in enumerate(some)
    ]


def contest_texts(seeds: str, count: int, seed: int) -> list[str]:
    """Return clean problems: half of them have a seed at heart, the others a sentence, a tenth the sentence alone."""
    draw = random.Random(f"clean {seed}")
    cores, sentences = _cores(seeds, clean=True), _sentences(clean=True)
    texts = []
    for number in range(count):
        core = draw.choice(cores if number % 2 else sentences)
        texts.append(core if number % 10 == 0 else _statement(core, draw))
    return texts
