"""Verdicts of the sandbox beside plain Python's: solutions with tests, and the same solutions with planted faults.

`python -m benchmarks.verdicts [FIGURE...]`. `forms` has small functions with tests in eight forms, `programs` whole
programs with tests as people write them (`programs.jsonl`). Plain Python is a fork of this process that has files and
runs pytest on them where a test is one; every program here is the project's own.
"""

import argparse
import contextlib
import doctest
import io
import itertools
import json
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchmarks.results import Results, at_least, at_most, run_figures
from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import DecidedBy, Limits, Tier

PAIRS = 600
PATIENT = Limits(cpu_seconds=10, wall_seconds=120.0)

# A function, its parameters, its body, a fault that is planted (what is replaced by what), and arguments.
FUNCTIONS = [
    ("add", "a, b", "return a + b", ("+", "-"), ["1, 2", "-1, 4", "2.5, 0.25"]),
    ("mean", "xs", "return sum(xs) / len(xs)", ("len(xs)", "(len(xs) + 1)"), ["[1, 2]", "[3]", "(4, 8, 9)"]),
    ("reverse", "text", "return text[::-1]", ("[::-1]", "[::1]"), ["'abc'", "'ab cd'", "''"]),
    (
        "vowels",
        "text",
        "return sum(each in 'aeiou' for each in text)",
        ("aeiou", "aeio"),
        ["'umbrella'", "'xyz'", "'u'"],
    ),
    ("unique", "xs", "return list(dict.fromkeys(xs))", ("list(dict.fromkeys(xs))", "list(xs)"), ["[1, 1, 2]", "'aab'"]),
    (
        "counts",
        "text",
        "return {each: text.count(each) for each in text}",
        ("count(each)", "count(each) + 1"),
        ["'aab'"],
    ),
    ("pairs", "xs", "return list(zip(xs, xs[1:]))", ("xs[1:]", "xs[:1]"), ["[1, 2, 3]", "'abc'"]),
    ("is_prime", "n", "return n > 1 and all(n % d for d in range(2, n))", ("n > 1", "n > 0"), ["1", "7", "9"]),
    ("members", "xs", "return {each % 3 for each in xs}", ("% 3", "% 4"), ["[3, 4, 5, 6, 7]"]),
    ("clamp", "x, low=0, high=9", "return max(low, min(x, high))", ("max(low, ", "max(1, "), ["-5", "12", "4, 5, 6"]),
    (
        "flat",
        "rows",
        "return [each for row in rows for each in row]",
        ("for each in row]", "for each in row[:1]]"),
        ["[[1, 2], [3]]"],
    ),
    (
        "title",
        "text",
        "return ' '.join(word.capitalize() for word in text.split())",
        ("capitalize", "upper"),
        ["'ab cd'"],
    ),
    ("half", "n", "return n / 2", ("/ 2", "/ 3"), ["1", "7", "0.5"]),
    ("first", "xs", "return xs[0] if xs else None", ("xs[0]", "xs[-1]"), ["[4, 5]", "[]", "'ab'"]),
    ("digits", "n", "return [int(each) for each in str(abs(n))]", ("str(abs(n))", "str(abs(n))[1:]"), ["120", "-45"]),
]


@dataclass(frozen=True)
class Pair:
    """Code and a test; `module` is what the test imports the code as."""

    name: str
    code: str
    test: str
    module: str = ""
    has_fault: bool = False


def asserts(name: str, cases: list[tuple[str, str]]) -> str:
    return "\n".join(f"assert {name}({given}) == {want}" for given, want in cases)


def check(name: str, cases: list[tuple[str, str]]) -> str:
    lines = "\n".join(f"    assert candidate({given}) == {want}" for given, want in cases)
    return f"METADATA = {{}}\ndef check(candidate):\n{lines}\ncheck({name})"


def pytest_functions(name: str, cases: list[tuple[str, str]]) -> str:
    return "\n".join(
        f"def test_{at}():\n    result = {name}({given})\n    assert result == {want}"
        for at, (given, want) in enumerate(cases)
    )


def pytest_file(name: str, cases: list[tuple[str, str]]) -> str:
    rows = ", ".join(f"(({given},), {want})" for given, want in cases)
    return (
        f"import pytest\nfrom {name}_module import {name}\n@pytest.fixture\ndef cases(): return [{rows}]\n"
        f"def test_all(cases):\n    for given, want in cases:\n        assert {name}(*given) == want"
    )


def unittest_methods(name: str, cases: list[tuple[str, str]]) -> str:
    lines = "\n".join(
        f"    def test_{at}(self): self.assertEqual({name}({given}), {want})" for at, (given, want) in enumerate(cases)
    )
    return f"import unittest\nclass Tests(unittest.TestCase):\n    def setUp(self): self.x = 1\n{lines}"


def unittest_file(name: str, cases: list[tuple[str, str]]) -> str:
    rows = ", ".join(f"(({given},), {want})" for given, want in cases)
    return (
        f"import unittest\nfrom {name}_module import {name}\nclass Tests(unittest.TestCase):\n    def test_all(self):\n"
        f"        for given, want in [{rows}]:\n            with self.subTest(given=given):\n"
        f"                self.assertEqual({name}(*given), want)\nif __name__ == '__main__':\n    unittest.main()"
    )


def parametrize(name: str, cases: list[tuple[str, str]]) -> str:
    rows = ", ".join(f"(({given},), {want})" for given, want in cases)
    test = f"def test_it(given, want): assert {name}(*given) == want"
    return f"import pytest\n@pytest.mark.parametrize('given, want', [{rows}])\n{test}"


def doctest_like(name: str, cases: list[tuple[str, str]]) -> str:
    return "\n".join(f">>> {name}({given}) == {want}\nTrue" for given, want in cases)


FORMS = [asserts, check, pytest_functions, pytest_file, unittest_methods, unittest_file, parametrize, doctest_like]


def of_forms(most: int) -> Iterator[Pair]:
    """Yield pairs of every form, each followed by the same one with a fault."""
    every = itertools.product(range(most), FORMS, FUNCTIONS)
    for round_, form, (name, parameters, body, fault, given) in itertools.islice(every, most):
        before = f"LIMIT = {round_}\n" if round_ % 2 else ""
        good = f"{before}def {name}({parameters}):\n    {body}"
        names: dict[str, object] = {}
        exec(good, names)
        cases = [(each, repr(eval(f"{name}({each})", names))) for each in given[: 1 + round_ % 3] + given[:1]]
        module = f"{name}_module" if form.__name__.endswith("_file") else ""
        pair = Pair(form.__name__, good, form(name, cases), module)
        yield pair
        yield replace(pair, code=good.replace(*fault), has_fault=True)


def of_programs() -> Iterator[Pair]:
    """Yield the programs, each followed by the same one with each of its faults."""
    for line in (Path(__file__).parent / "programs.jsonl").read_text().splitlines():
        program = json.loads(line)
        pair = Pair(program["name"], program["code"], program["test"], program["module"])
        yield pair
        for old, new in program["faults"]:
            yield replace(pair, code=pair.code.replace(old, new, 1), has_fault=True)


def plain(pair: Pair) -> str:
    """Return how plain Python decides a pair: `passed` or `failed`, in a fork of this process."""
    with tempfile.TemporaryDirectory() as folder:
        child = os.fork()
        if child == 0:
            os._exit(_plainly(pair, Path(folder)))
        return "passed" if os.waitpid(child, 0)[1] == 0 else "failed"


def _plainly(pair: Pair, folder: Path) -> int:
    os.chdir(folder)
    sys.path.insert(0, str(folder))
    with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
        try:
            if ">>>" in pair.test:
                names: dict[str, object] = {}
                exec(pair.code, names)
                test = doctest.DocTestParser().get_doctest(pair.test, names, "test", None, 0)
                return doctest.DocTestRunner(verbose=False).run(test).failed
            if pair.module:
                Path(f"{pair.module}.py").write_text(pair.code)
            program = pair.test if pair.module else f"{pair.code}\n{pair.test}"
            if "def test_" not in pair.test:
                exec(compile(program, "program.py", "exec"), {"__name__": "__main__"})
                return 0
            Path("test_program.py").write_text(program)
            return int(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist", "test_program.py"]))
        except BaseException:
            return 1


def forms(results: Results, options: argparse.Namespace) -> None:
    """Functions with tests in eight forms: how many are right, wrong, undecided, and how many nobody could forge."""
    counts = compared(of_forms(options.pairs))
    recorded(results, "forms", counts)
    share = counts["outside"] / counts["pairs"]
    results.add("forms: share that is decided outside", [share], at_least(0.75))


def programs(results: Results, _: argparse.Namespace) -> None:
    """Programs with classes, fixtures, patches, files, numpy: the same, but that most need both sides together."""
    recorded(results, "programs", compared(of_programs()))


def compared(pairs: Iterator[Pair]) -> Counter[str]:
    """Count pairs by how the sandbox's verdict compares with plain Python's, and print where it is another one."""
    sandbox = Sandbox(Tier.NO_FILES, PATIENT)
    counts: Counter[str] = Counter({"wrong": 0, "unsupported": 0, "false passes": 0})
    for pair in pairs:
        expected = plain(pair)
        [status] = examine(sandbox, pair.code, [pair.test]).tests
        found = status.name if status.name in {"passed", "unsupported"} else "failed"
        counts["pairs"] += 1
        counts["right" if found == expected else "unsupported" if found == "unsupported" else "wrong"] += 1
        counts["false passes"] += found == "passed" and expected == "failed"
        counts["outside"] += status.decided_by is DecidedBy.OUTSIDE
        counts["with a planted fault"] += pair.has_fault
        counts["faults that plain Python finds"] += pair.has_fault and expected == "failed"
        if found != expected:
            print(f"        {pair.name}: {status}, not {expected}:\n{pair.code}\n{pair.test}", flush=True)
    sandbox.close()
    return counts


def recorded(results: Results, of: str, counts: Counter[str]) -> None:
    total = counts["pairs"]
    results.add(f"{of}: share that is right", [counts["right"] / total], at_least(0.985), **counts)
    results.add(f"{of}: share that is wrong", [counts["wrong"] / total], at_most(0.003))
    results.add(f"{of}: false passes", [float(counts["false passes"])], at_most(0))
    results.add(f"{of}: share that is unsupported", [counts["unsupported"] / total], at_most(0.01))


if __name__ == "__main__":
    number = {"type": int, "default": PAIRS, "help": "how many solutions `forms` has, each with a fault beside it"}
    run_figures("verdicts", __doc__, {"forms": forms, "programs": programs}, pairs=number)
