"""What of a test goes into the solution's process, and what stays outside. What is expected is a kangaroo."""

import ast

import pytest

from genetic_udfs.sandbox.definitions import Definitions
from genetic_udfs.sandbox.reading import Reading, Unreadable
from genetic_udfs.sandbox.split import split
from genetic_udfs.sandbox.steps import Split
from genetic_udfs.sandbox.unroll import NotStraight, body_of

CODE = """
import math
from os import path
def f(x): return x
def g(*args): return lambda x: x
class C: pass
class NoFunds(ValueError): pass
LIMIT = 3
if LIMIT:
    def h(): pass
"""
DEFINED = Definitions.of(CODE)


def halves(test: str) -> Split:
    reading = Reading.of(test, DEFINED)
    return split(reading.body, DEFINED, reading.modules)


def test_definitions_are_what_stands_at_the_top_level() -> None:
    assert DEFINED.own == {"f", "g", "C", "NoFunds", "LIMIT", "h"}
    assert DEFINED.imports == (("math", "import math"), ("path", "from os import path"))
    assert DEFINED.classes == {"C", "NoFunds"}
    assert DEFINED.modules == {"math", "os"}
    assert not DEFINED.doubtful
    bound = (
        "(a := 1)\nwith b as c: pass\ntry: pass\nexcept E as d: pass\ndef g():\n    global e\n    f = i\n[h for h in c]"
    )
    assert Definitions.of(bound).own == {"a", "c", "d", "e", "g"}
    assert Definitions.of(bound).free == {"b", "E", "i"}
    assert Definitions.of("f = lambda x: x").own == {"f"}
    assert not Definitions.of("def f(").readable
    assert not Definitions.of("#" * 300_000).readable


@pytest.mark.parametrize(
    ("test", "calls"),
    [
        ("assert f(1) == 'kangaroo'", ["f(1)"]),
        ("assert f('a')[0] == f(2) + 1", ["f('a')", "f(2)"]),
        ("assert abs(f(1) - 2.5) < 1e-6", ["f(1)"]),
        ("assert math.isclose(f(1), 2.5)", ["f(1)"]),
        ("assert isinstance(f(1), int)", ["f(1)"]),
        ("assert isinstance(f(1), C)", ["isinstance(f(1), C)"]),
        ("assert f(1) is not None", ["f(1) is not None"]),
        ("assert sorted(f([2, 1])) == [1, 2]", ["f([2, 1])"]),
        ("assert f(1).startswith('kangaroo')", ["f(1)"]),
        ("assert f(1).equals(['kangaroo'])", ["f(1)"]),
        ("assert f(1).x.equals(y=['kangaroo'])", ["f(1).x"]),
        ("assert C().method(1) == 'kangaroo'", ["C().method(1)"]),
        ("assert C().method(1).strip() == 'kangaroo'", ["C().method(1).strip()"]),
        ("assert C().method(1).strip('kangaroo') == ''", ["C().method(1)"]),
        ("assert f([x for x in range(3)]) == LIMIT", ["f([x for x in range(3)])", "LIMIT"]),
        ("assert f(f(1)) is None", ["f(f(1)) is None"]),
        ("assert f(1)(2) == 3", ["f(1)(2)"]),
        ("assert f(1).x.total() == 3", ["f(1).x.total()"]),
        ("import math\nassert f(1) == math.pi", ["f(1)"]),
        ("assert f(1), f'kangaroo {f(2)}'", ["f(1)"]),
        ("assert f(1) == '-'.join(['kangaroo'])", ["f(1)"]),
        ("from collections import Counter\nassert f(1) == Counter('kangaroo')", ["f(1)"]),
        ("assert f(1) == (lambda: 'kangaroo')()", ["f(1)"]),
        ("assert [x for x in f(1)] == ['kangaroo']", ["f(1)"]),
        ("from solution import f as k\nassert k(1) == 'kangaroo'", ["f(1)"]),
        ("import solution\nassert solution.f(1) == 'kangaroo'", ["f(1)"]),
        # statements
        ("x = f(1)\nassert x == 'kangaroo'", ["x = f(1)", "x"]),
        ("expected = 'kangaroo'\nassert f(1) == expected", ["f(1)"]),
        ("xs, expected = [1], 'kangaroo'\nassert f(xs) == expected", ["xs = [1]", "f(xs)"]),
        ("n = 2\nassert f(n, [n for n in range(n)]) == n", ["n = 2", "f(n, [n for n in range(n)])", "n"]),
        ("xs = [2, 1]\nassert f(xs) == sorted(xs)", ["xs = [2, 1]", "f(xs)", "xs"]),
        ("c = C()\nc.add(1)\nassert c.get('a') == 'kangaroo'", ["c = C()", "c.add(1)", "c.get('a')"]),
        ("c = C()\nassert len(c) == 2 and c.x.get(1) == 'kangaroo'", ["c = C()", "len(c)", "c.x"]),
        ("def inc(x): return x + 1\nassert g(inc) == 'kangaroo'", ["def inc(x):\n    return x + 1", "g(inc)"]),
        # functions, cases, loops
        ("def check(candidate):\n    assert candidate(1) == 'kangaroo'\ncheck(f)", ["f(1)"]),
        ("def test_it():\n    assert f(1) == 'kangaroo'", ["f(1)"]),
        (
            "for x, want in [(1, 'kangaroo'), (2, 'kangaroo')]:\n    assert f(x) == want",
            ["f(1)", "f(2)"],
        ),
        ("case = {'in': 1, 'out': 'kangaroo'}\nassert f(case['in']) == case['out']", ["f(1)"]),
        ("x = f(1).equals\nassert x(['kangaroo'])", ["x = f(1).equals", "x"]),
        ("cases = {1: 'kangaroo'}\nfor x, want in cases.items():\n    assert f(x) == want", ["f(1)"]),
        ("for n in range(2):\n    assert f(n) == n * n", ["f(0)", "f(1)"]),
        (
            "import pytest\n@pytest.mark.parametrize('x, want', [(1, 'kangaroo'), (2, 'kangaroo')])\n"
            "def test_it(x, want): assert f(x) == want",
            ["f(1)", "f(2)"],
        ),
        (
            "import pytest\n"
            "@pytest.mark.parametrize('x, want', [pytest.param(1, 'kangaroo', id='one'), (2, 'kangaroo')])\n"
            "def test_it(x, want): assert f(x) == want",
            ["f(1)", "f(2)"],
        ),
        (
            "import unittest\nclass T(unittest.TestCase):\n    def setUp(self): self.c = C()\n"
            "    def test_b(self):\n        with self.subTest('k'): self.assertEqual(self.c.b(), 'kangaroo')\n"
            "    def test_a(self): self.assertAlmostEqual(self.c.a(), 1.5, places=2, msg='kangaroo')\n"
            "if __name__ == '__main__': unittest.main()",
            ["self.c = C()", "self.c.a()", "self.c = C()", "self.c.b()"],
        ),
        ("import pytest\nwith pytest.raises(ValueError, match='kangaroo'):\n    f(1)", ["f(1)"]),
        (
            "import unittest\nclass T(unittest.TestCase):\n    def tearDown(self): del self.c\n"
            "    def test_it(self): self.assertRaises(ValueError, f, 1, x='a')",
            ["f(1, x='a')"],
        ),
        ("a, b = f(1)\nassert a == b == 'kangaroo'", ["a, b = f(1)", "a", "b"]),
        ("import pytest\nwith pytest.raises(NoFunds):\n    f(1)", ["NoFunds", "f(1)"]),
        ("try:\n    f(1)\n    assert False\nexcept KeyError as e:\n    assert str(e) == 'kangaroo'", ["f(1)"]),
    ],
)
def test_calls_go_in_and_expected_values_do_not(test: str, calls: list[str]) -> None:
    steps = [step.source for step in halves(test).steps]
    assert steps == calls
    assert "kangaroo" not in "".join(steps)


def test_an_error_ends_what_it_would_end_in_the_test() -> None:
    test = "def test_a():\n    try:\n        f(1)\n        f(2)\n    except KeyError: pass\n    f(3)\n"
    paths = [step.path for step in halves(f"{test}def test_b():\n    assert f(4)").steps]
    assert paths[0] == paths[1] and len(paths[0]) == 2
    assert paths[2] == paths[0][:1]
    assert paths[3] != paths[2] and len(paths[3]) == 1


@pytest.mark.parametrize(
    ("code", "doubtful"),
    [
        ("def abs(x): return 0", {"abs"}),
        ("isinstance = lambda *_: True", {"isinstance"}),
        ("class math: pass", set()),
        ("from typing import cast as isinstance", {"isinstance"}),
        ("from unittest.mock import call as math", {"math"}),
        ("import cmath as math", {"math"}),
        ("from os import open", {"open"}),
        ("try:\n    import math\nexcept ImportError:\n    math = None", {"math"}),
        ("for len in [0]: pass", {"len"}),
        ("from math import factorial as fact", {"fact"}),
        ("import math\nfrom datetime import datetime\nimport numpy as np", set()),
    ],
)
def test_names_that_are_not_what_they_say_are_known(code: str, doubtful: set[str]) -> None:
    assert Definitions.of(code).doubtful == doubtful


@pytest.mark.parametrize(
    "test",
    [
        "assert all(f(x) for x in range(3))",
        "assert f(1) is f(1)",
        "assert path.exists(f(1))",
        "assert f(1) or f(2)",
        "assert (lambda: f(1))()",
        "assert f(1).__eq__(5)",
        "assert unknown(f(1))",
        "assert f(1) == Counter('kangaroo')",
        "data = {'in': [1], 'out': 2}\nassert f(data['in']) == data['out']",
        "f = 3\nassert f == 3 and h() is None",
        "while True:\n    assert f(1) == 2",
        "if f(1):\n    assert f(2) == 3",
        "import random\nrandom.seed(1)\nassert f(1) == random.random()",
        "import sys\nsys.stdout = None\nassert f(1) == 2",
        "import os\nassert os.path.isdir(f(1))",
        "with open('x') as file:\n    assert f(file) == 2",
        "def check(x):\n    if x: return 1\n    assert f(x)\ncheck(1)",
        "import pytest\n@pytest.fixture\ndef one(): return 1\ndef test_it(one): assert f(one) == 1",
        "async def test_it():\n    assert f(1) == 2",
        "from pytest import mark, param as p\n@mark.parametrize('x', [p(2, id='a')])\ndef test_it(x): assert f(x) == 2",
        "import unittest\nclass T(unittest.TestCase):\n    def help(self): pass\n    def test_it(self): assert f(1)",
        "y = f(1) + 1\nassert f(y) == 2",
        "xs = [1]\nys = xs\nys.append(2)\nassert f(xs) == 3",
        "d = {'a': []}\nd['a'].append(1)\nassert f(d) == 'kangaroo'",
        "import unittest\nclass T(unittest.TestCase):\n    c = C()\n    def test_it(self): assert f(self.c) == 3",
        "xs = [1]\nlast = xs.pop()\nassert f(xs) == 3",
        "xs = [1]\ndef grow(): xs.append(2)\ny = grow()\nassert f(xs) == 3",
        "assert (y := 1) == 1\nassert f(y) == 2",
        "xs = [1]\ntry:\n    f(0)\n    xs.append(2)\nexcept KeyError: pass\nassert f(xs) == 3",
        "assert " + "-" * 2000 + "f(1)",
    ],
)
def test_what_is_no_sequence_of_statements_is_for_one_process(test: str) -> None:
    with pytest.raises(NotStraight):
        halves(test)


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ("", "there is no test"),
        ("f(1) == 4", "asserts nothing"),
        ("assert True", "asks nothing"),
        ("def check(candidate):\n    assert candidate(1) == 4", "nothing runs: check"),
        ("class Case:\n    def test_it(self): assert f(1) == 4", "nothing runs: Case"),
        ("assert f(1,", "no Python"),
        (">>> f(", "no Python"),
    ],
)
def test_a_test_that_says_nothing_is_not_run(test: str, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        Reading.of(test, DEFINED)


def test_a_test_that_runs_a_text_may_ask_the_solution_there() -> None:
    assert Reading.of("assert eval('f(1)') == 4", DEFINED)


def test_a_module_that_is_not_there_and_has_the_solution_s_names_is_the_solution() -> None:
    for test in (
        "from two_fer import f",
        "import two_fer\ntwo_fer.f(1)",
        "from src.two_fer import f, C",
        "from solution import z",
    ):
        assert Reading.of(f"{test}\nassert f(1)", DEFINED).modules, test
    for test in (
        "from two_fer import other",
        "import two_fer\ntwo_fer.other(1)",
        "from json import f",
        "from numpy import f",
    ):
        assert not Reading.of(f"{test}\nassert f(1)", DEFINED).modules, test


def test_a_common_indentation_is_taken_away_and_literals_stay_as_they_are() -> None:
    indented = "    x = '''a\n\n  b\n    c'''\n    assert f(x) == 1"
    body = body_of(indented)
    assert ast.literal_eval(body[0].value) == "a\n\n  b\n    c"  # type: ignore[attr-defined]
    assert [each.lineno for each in body] == [1, 5]
    with pytest.raises(SyntaxError):
        body_of("    x = 1\n  y = 2")


PARTS = [
    "case = (1, 'kangaroo')\nx, want = case\nassert f(x) == want",
    "case = ([1], 'kangaroo')\n[x, want] = case\nassert f(x) == want",
    "case = ((1, 2), 'kangaroo')\n(a, b), want = case\nassert f(a, b) == want",
    "cases = [([1], 'kangaroo')]\nfor case in cases:\n    x, want = case\n    assert f(x) == want",
    "cases = [(3, 'kangaroo')]\nassert f(cases[0][0]) == cases[0][1]",
    "cases = [{'in': 3, 'out': 'kangaroo'}]\nassert f(cases[-1]['in']) == cases[0]['out']",
    "case = (1, 2, 'kangaroo')\nassert f(*case[:-1]) == case[-1]",
    "case = (1, 2, 'kangaroo')\nx = case[0]\nassert f(x) == case[-1]",
]


@pytest.mark.parametrize("test", PARTS)
def test_a_part_of_a_literal_goes_in_without_the_others(test: str) -> None:
    assert "kangaroo" not in "".join(step.source for step in halves(test).steps)


@pytest.mark.parametrize(
    "test",
    [
        "x, *rest = ([1], 'kangaroo')\nassert f(x) == rest[0]",
        "def case(): return [1], 'kangaroo'\nx, want = case()\nassert f(x) == want",
        "def case(): return [1], 'kangaroo'\nassert f(case()[0]) == case()[1]",
        "xs, wants = zip(*[([1], 'kangaroo')])\nassert f(xs) == wants[0]",
        "case = ([1], 'kangaroo')\nassert f(case[0]) == case[1]",
        "wants = ['kangaroo']\nassert f(len(wants)) == wants[0]",
        "wants = ('kangaroo',)\nn = len(wants)\nassert f(n) == wants[0]",
        "cases = [([1], 'kangaroo')]\nassert f([x for x, _ in cases]) == cases[0][1]",
        "cases = [([1], 'kangaroo')]\nxs = [x for x, _ in cases]\nassert f(xs) == cases[0][1]",
        "word = 'kangaroo'\nassert f(word.upper()) == word",
        "word = 'kangaroo'\nassert f(word[:1]) == word",
        "wants = ['kangaroo']\ndef case(of, wants): return wants[0]\nassert f(case(f(1), wants)) == wants[0]",
        "wants = ['kangaroo']\ndef case(of): return lambda wants: wants[0]\nassert f(case(f)(wants)) == wants[0]",
        "class Case: x, want = [1], 'kangaroo'\nassert f(Case.x) == Case.want",
        "for x, want in sorted([([1], 'kangaroo')]): pass\nassert f(x) == want",
    ],
)
def test_what_only_a_part_is_taken_of_does_not_go_in(test: str) -> None:
    with pytest.raises(NotStraight):
        halves(test)


def test_a_doctest_is_split_where_the_code_prints_nothing() -> None:
    silent = "import math\ndef f(x): return x\ndef g(x): pass"
    test = ">>> g(1)\n>>> x = f(2)\n>>> print(x)\nkangaroo\n>>> f(3)\n1\n>>> f('a')\n'kangaroo'"
    split_in_two = Reading.of(test, Definitions.of(silent)).split
    assert split_in_two is not None
    assert [step.source for step in split_in_two.steps] == ["g(1) is None", "x = f(2)", "x", "f(3)", "f('a')"]
    for code in (f"{silent}\nprint(1)", f"import pprint\n{silent}", f"import sys\n{silent}"):
        assert Reading.of(test, Definitions.of(code)).split is None
    for other in ("f(1)\nNone", "f(1)\n<BLANKLINE>", "print(f(1))", "print(1, f(2))\n1 2", "f(1)  # doctest: +SKIP\n2"):
        assert Reading.of(f">>> {other}", Definitions.of(silent)).split is None
