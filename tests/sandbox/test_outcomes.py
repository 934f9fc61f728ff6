"""What tests mean, and what becomes of code that cannot be tested: a status each, and never a crash."""

import signal
import subprocess
import sys
from collections.abc import Sequence
from typing import Any

import pytest

from genetic_udfs.sandbox import check, host, pool
from genetic_udfs.sandbox.host import Run, Zygote, ZygoteLostError
from genetic_udfs.sandbox.outcomes import answers, examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.tiers import DecidedBy, Tier
from tests.sandbox.conftest import LIMITS, LOOPING, SLEEPING, limited, sandbox_of

SOLUTION = """
import math
from typing import List
LIMIT = 10
def add(a, b): return a + b
def numbers(n): return list(range(n))
def lazily(n): return (each for each in range(n))
def pair(n): return (n, str(n))
def nothing(*_): return None
def is_even(n): return n % 2 == 0
def root(x): return math.sqrt(x)
def fail(x): raise KeyError(x)
def table(n): return {each: {each} for each in range(n)}
def adder(n): return lambda x: x + n
def sort_here(items): items.sort()
class Stack:
    def __init__(self): self.items = []
    def push(self, item): self.items.append(item)
    def pop(self): return self.items.pop()
    def __len__(self): return len(self.items)
"""

CASES = "import unittest\nclass Case(unittest.TestCase):\n    def test_add(self):\n"

MEANING = {
    # split
    "assert add(1, 2) == 3": "passed",
    "assert add(1, 2) == 4": "failed",
    "assert 3 == add(1, 2)": "passed",
    "assert add(1, 2) != 3": "failed",
    "assert add('a', 'b') == 'ab', 'a message'": "passed",
    "assert is_even(2)": "passed",
    "assert not is_even(3)": "passed",
    "assert not is_even(2)": "failed",
    "assert nothing() is None": "passed",
    "assert add(1, 2) is None": "failed",
    "assert is_even(2) is True": "passed",
    "assert add(1, 2) in (3, 4)": "passed",
    "assert add(1, 2) not in (3, 4)": "failed",
    "assert 2 in numbers(3)": "passed",
    "assert numbers(3) == [0, 1, 2]": "passed",
    "assert numbers(3) == (0, 1, 2)": "failed",
    "assert lazily(3) == [0, 1, 2]": "failed",
    "assert list(lazily(3)) == [0, 1, 2]": "passed",
    "assert sorted(numbers(3), reverse=True) == [2, 1, 0]": "passed",
    "assert pair(1) == (1, '1')": "passed",
    "assert pair(1)[1] == '1' and len(pair(2)) == 2": "passed",
    "assert pair(1)[1].startswith('1')": "passed",
    "assert table(2) == {0: {0}, 1: {1}}": "passed",
    "assert abs(root(2) - 1.41421356) < 1e-6": "passed",
    "assert math.isclose(root(2), 1.41421356, rel_tol=1e-6)": "passed",
    "assert math.isclose(root(2), 1.5, rel_tol=1e-6)": "failed",
    "assert round(root(2), 2) == 1.41": "passed",
    "assert isinstance(root(4), float)": "passed",
    "assert isinstance(root(4), (int, str))": "failed",
    "assert add(add(1, 2), LIMIT) == LIMIT + 3": "passed",
    "assert sum(numbers(4)) == 6\nassert max(numbers(4)) == 3": "passed",
    "assert add([x * x for x in range(3)], [9]) == [0, 1, 4, 9]": "passed",
    "assert fail(1) == 2": "error:KeyError",
    "assert numbers(3)[7] == 2": "error:IndexError",
    "assert missing(1) == 2": "error:NameError",
    "assert add(1) == 2": "error:TypeError",
    "assert math.floor(2.5) == add(1, 1)": "passed",
    "assert 10 ** 10 ** 10 == add(1, 2)": "timeout",
    "assert Stack() == 3": "failed",
    "assert add(1,": "error:SyntaxError",
    "# nothing": "unsupported",
    # of several statements
    "for a in range(3):\n    assert add(a, 1) == a + 1": "passed",
    "for a in range(3):\n    assert add(a, 1) == a": "failed",
    "assert [add(a, 1) for a in range(3)] == [1, 2, 3]": "passed",
    "assert all(is_even(a) for a in (2, 4))": "passed",
    "stack = Stack()\nstack.push(1)\nstack.push([2])\nassert len(stack) == 2\nassert stack.pop() == [2]": "passed",
    "stack = Stack()\nassert stack.items == []": "passed",
    "items = [3, 1, 2]\nsort_here(items)\nassert items == [1, 2, 3]": "passed",
    "try:\n    fail(1)\n    assert False, 'nothing raised'\nexcept KeyError:\n    pass": "passed",
    "try:\n    add(1, 2)\n    assert False, 'nothing raised'\nexcept KeyError:\n    pass": "failed",
    "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert math.floor(2.5) == 2\ncheck(add)": "passed",
    "x: List[int] = numbers(2)\nassert x == [0, 1]": "passed",
    "x = fail(3)\nassert x": "error:KeyError",
    "assert add('a', 'b').replace('a', 'b') == 'bb'": "passed",
    "assert pair(1).__eq__((1, '1'))": "passed",
    "assert adder(1)(2) == 3": "passed",
    "plus = adder(1)\nassert plus(2) == 3": "passed",
    "assert adder.__name__ == 'adder' and adder.__doc__ is None": "passed",
    "stack = Stack()\nassert stack.__dict__ == {'items': []}": "passed",
    "try:\n    assert Stack() == 3\nexcept Exception:\n    pass": "passed",
    "a, b = Stack(), Stack()\nassert a == b": "failed",
    "stack = Stack()\nassert 1 in stack": "error:TypeError",
    "import sys\nsys.exit(0)\nassert add(1, 2) == 3": "error:SystemExit",
    "import os\nos._exit(0)\nassert add(1, 2) == 3": "error:SystemExit",
    "while True:\n    assert add(1, 2) == 3": "timeout",
    "def test_add():\n    assert add(1, 2) == 3": "passed",
    "def test_add():\n    assert add(1, 2) == 4": "failed",
    "def test_add():\n    assert add(1, 2) == 4\nassert add(1, 2) == 3": "failed",
    "stack = Stack()\ndef test_it():\n    stack.push(1)\n    assert len(stack) == 1\ntest_it()": "passed",
    f"{CASES}        self.assertEqual(add(1, 2), 3)": "passed",
    f"{CASES}        self.assertEqual(add(1, 2), 4)": "failed",
    f"{CASES}        self.assertEqual(add(1, 2), 3)\nif __name__ == '__main__':\n    unittest.main()": "passed",
    f"{CASES}        self.assertEqual(add(1, 2), 4)\nunittest.main(exit=False)": "failed",
    f"{CASES}        with self.assertRaises(KeyError):\n            fail(1)": "passed",
    f"{CASES}        with self.assertRaises(KeyError):\n            add(1, 2)": "failed",
    f"{CASES}        while True: add(1, 2)\n        self.fail()": "timeout",
    # which say nothing
    "def check(candidate):\n    assert candidate(1, 2) == 4": "unsupported",
    "def test_add(case):\n    assert add(1, 2) == 4": "unsupported",
    "add(1, 2) == 4": "unsupported",
    "import math": "unsupported",
    "assert True": "unsupported",
    "for a in range(3):\n    assert a == 7": "unsupported",
    "class Case:\n    def test_add(self):\n        assert add(1, 2) == 4": "unsupported",
}


@pytest.mark.parametrize("test", MEANING)
def test_a_test_means_what_it_means_in_python(strongest: Sandbox, test: str) -> None:
    with limited(strongest, LOOPING if MEANING[test] == "timeout" else LIMITS):
        [status] = examine(strongest, SOLUTION, [test]).tests
    assert status.name == MEANING[test], status


def test_tests_share_a_process_and_go_on_after_one_that_ends_it(strongest: Sandbox) -> None:
    code = "import os\ndef f(x):\n    if x == 1: os.abort()\n    if x == 2: return [0] * 10**10\n    return x"
    tests = [f"assert f({number}) == {number}" for number in range(4)]
    outcome = examine(strongest, code, tests)
    assert [test.name for test in outcome.tests] == ["passed", "signal", "oom", "passed"]
    assert (outcome.tests_passed, outcome.pass_rate) == (2, 0.5)


def test_a_comparison_that_never_ends_is_not_blamed_on_others(
    strongest: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    tests = ["assert f(1) in [1]", "assert sum(range(10**10)) == f(1)", "assert abs(f(2) - 2) < 1e-6"]
    asked: list[str] = []
    run = strongest.run
    monkeypatch.setattr(strongest, "run", lambda kind, task: asked.append(task["do"]) or run(kind, task))
    with limited(strongest, LOOPING):
        outcome = examine(strongest, "def f(x): return x", tests, DecidedBy.OUTSIDE)
        asked.clear()
        others = examine(strongest, "def f(x): return x", [tests[1]] * 9, DecidedBy.OUTSIDE)
    assert [test.name for test in outcome.tests] == ["passed", "unsupported", "passed"]
    assert [test.name for test in others.tests] == ["unsupported"] * 9
    assert asked.count("check") == 2  # after two that never end no other is tried


def test_tests_that_are_run_after_others_may_be_indented(strongest: Sandbox) -> None:
    code = "n = 0\ndef inc():\n    global n\n    n += 1\n    return n"
    tests = ["  assert inc() == 1", "    x = inc()\n    assert x == 2", "x = inc()\nassert x == 3"]
    outcome = examine(strongest, code, tests)
    assert [test.name for test in outcome.tests] == ["passed"] * 3, outcome


@pytest.mark.parametrize(("own", "is_decided"), [("self.__dict__ == other.__dict__", True), ("True", False)])
def test_an_object_is_equal_to_everything_only_if_it_is_to_any_other(
    strongest: Sandbox, own: str, is_decided: bool
) -> None:
    code = f"class P:\n    def __init__(self, x): self.x = x\n    def __eq__(self, other): return {own}"
    [status] = examine(strongest, f"{code}\ndef make(x): return P(x)", ["assert make(1) == P(1)"]).tests
    assert status.name == ("passed" if is_decided else "unsupported")


def test_a_zygote_that_does_not_answer_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[subprocess.Popen[bytes]] = []
    popen = subprocess.Popen
    monkeypatch.setattr(host, "_START", "import time; time.sleep(600)")
    monkeypatch.setattr(host, "_START_SECONDS", 0.1)
    monkeypatch.setattr(host.subprocess, "Popen", lambda *a, **k: started.append(popen(*a, **k)) or started[-1])
    with pytest.raises(ZygoteLostError, match="timed out"):
        Zygote(Kind.BASIC, Tier.NO_FILES)
    assert started[0].returncode == -signal.SIGKILL


def test_a_call_has_its_limits_to_itself_before_it_is_blamed(strongest: Sandbox) -> None:
    code = "import time\ndef f(x):\n    while x > 9: pass\n    return g(x)\n"
    code += "def g(x):\n    end = time.process_time() + 0.4\n    while time.process_time() < end: pass\n    return x"
    tests = [f"assert f({number}) == {number}" for number in (0, 1, 2, 10, 3, 4)]
    with limited(strongest, LOOPING):
        names = [test.name for test in examine(strongest, code, tests).tests]
    assert names == ["passed", "passed", "passed", "timeout", "passed", "passed"]


RAISED = [
    ("class Neg(ValueError): pass\ndef f(x): raise Neg", "ValueError"),
    ("import json\ndef f(x): json.loads('')", "ValueError"),
    ("import json\ndef f(x): json.loads('')", "json.JSONDecodeError"),
    ("class Odd(Exception):\n    def __str__(self): raise KeyError\ndef f(x): raise Odd", "Exception"),
    ("def f(x): b'\\xff'.decode()", "UnicodeError"),
]


@pytest.mark.parametrize(("code", "kind"), RAISED)
def test_an_exception_is_caught_as_what_it_is_derived_from(strongest: Sandbox, code: str, kind: str) -> None:
    test = f"import json\ntry:\n    f(1)\nexcept {kind}:\n    pass\nelse:\n    raise TypeError"
    other = test.replace(kind, "ZeroDivisionError")
    [caught, through] = examine(strongest, code, [test, other]).tests
    assert caught.passed, caught
    assert through.name.startswith("error:") and through.name != "error:TypeError"


def test_of_calls_that_never_end_two_are_waited_for(strongest: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = []

    def counted(sandbox: Sandbox, *what: Any) -> Sequence[Run]:
        runs.append(what)
        return run(sandbox, *what)

    run = Sandbox.run
    monkeypatch.setattr(Sandbox, "run", counted)
    code = "def f(x):\n    while x: pass\n    return x"
    tests = ["assert f(0) == 0", *[f"assert f({number}) == 1" for number in range(1, 30)]]
    with limited(strongest, LOOPING):
        outcome = examine(strongest, code, tests)
    assert [test.name for test in outcome.tests] == ["passed", *["timeout"] * 29]
    # The first of them once behind the call that ends and once by itself, the second by itself; and the code alone.
    assert len(runs) == 4


DOUBLE = "def f(x): return x * 2"
SET_USER = "import os\ndef f(x):\n    return os.setresuid(0, 0, 0)"
MESSAGES = [
    (DOUBLE, "assert f(2) == 5", "f(2) is 4"),
    (DOUBLE, "def test_it(capsys): assert f(2) == 5", "assert 4 == 5\n +  where 4 = f(2)"),
    (DOUBLE, "def test_it(capsys): assert f(2) == 5, 'no'", "no\nassert 4 == 5\n +  where 4 = f(2)"),
    (DOUBLE, "for _ in sorted([1]):\n    assert f(2) == 5", "assert f(2) == 5"),
    (
        DOUBLE,
        "import pytest\n@pytest.mark.skip\ndef test_it(capsys): assert f(2) == 5",
        "the test skips something: Skipped: unconditional skip",
    ),
    *(
        (SET_USER, test, "the sandbox refuses `return os.setresuid(0, 0, 0)`: [Errno 1] Operation not permitted")
        for test in ("assert f(2) == 5", "def test_it(capsys): assert f(2) == 5")
    ),
    *(
        (
            f"import builtins\nbuiltins.isinstance = builtins.len = builtins.range = None\n{DOUBLE}",
            test,
            "the sandbox refuses built-ins that the code has replaced, or has left no memory for",
        )
        for test in ("assert f(2) == 4", "def test_it(capsys): assert f(2) == 4")
    ),
    (
        "def f(x):\n    while True: print('x' * 1000)",
        "def test_it(capsys): assert f(2) == 4",
        "more than 4096 KB printed or 1024 KB of results",
    ),
]


@pytest.mark.parametrize(("code", "test", "message"), MESSAGES)
def test_a_test_that_is_not_passed_says_why(strongest: Sandbox, code: str, test: str, message: str) -> None:
    [status] = examine(strongest, code, [test]).tests
    assert not status.passed and status.message == message


BAD_CODE = {
    "a syntax error": ("def f(", "error:SyntaxError"),
    "NUL": ("def f(x): return 1\0", "error:"),
    "a megabyte": ("# nothing\n" * 100_000 + "def f(x): return 1", "passed"),
    "a megabyte of statements": ("x = 1\n" * 180_000 + "def f(x): return 1", "passed|oom|timeout"),
    "a megabyte on a line": ("x = [" + "1," * 500_000 + "]\ndef f(x): return 1", "passed|oom|timeout"),
    "deep parentheses": ("(" * 100_000, "error:"),
    "deep operators": ("-" * 100_000 + "1", "error:|oom|signal"),
    "a deep chain": ("x" + ".a" * 100_000, "error:|oom|signal"),
    "lone surrogates": ("def f(x): return '\ud800'", "passed"),
    "recursion": ("def g(): return g()\ng()", "error:RecursionError"),
    "recursion without a bound": (
        "import sys\nsys.setrecursionlimit(10**9)\ndef g(x): return [g(x)]\ng(1)",
        "signal|oom|error:|timeout",
    ),
    "recursion in C": (
        "import sys\nsys.setrecursionlimit(10**9)\nx = []\nfor _ in range(10**6): x = [x]\nrepr(x)",
        "signal|oom|error:|timeout",
    ),
    "input()": ("name = input()", "error:EOFError"),
    "reading argv": ("import sys\nfile = sys.argv[1]", "error:IndexError"),
    "an endless print": ("while True: print('x' * 1000)", "output_limit"),
    "output that is no UTF-8": ("import sys\nsys.stdout.buffer.write(bytes(range(256)))\nprint('\\udcff')", "passed"),
    "side effects": ("import os, sys\nos.environ.clear()\nsys.path.clear()\nsys.modules.clear()", "passed|error:"),
    "an import that is not installed": ("import not_installed_anywhere", "error:ModuleNotFoundError"),
    "sleeping": ("import time\ntime.sleep(99)", "timeout"),
    "threads left running": (
        "import threading, time\nfor _ in range(4): threading.Thread(target=time.sleep, args=(99,)).start()",
        "passed",
    ),
    "replaced builtins": ("import builtins\nfor name in dir(builtins): setattr(builtins, name, None)", "passed|error:"),
    "removed builtins": ("__builtins__.clear()", "passed|error:"),
    "a closed stdout": ("import os, sys\nsys.stdout.close()\nos.close(1)\nos.close(2)", "passed"),
    "__main__": ("if __name__ == '__main__':\n    raise ValueError", "passed"),
    "exit": ("exit()", "error:NameError|error:SystemExit"),
    "an exception without a text": (
        "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad",
        "error:Bad",
    ),
    "an exception with a name of its own": ("raise type('passed', (Exception,), {})()", "error:passed"),
    "an exception with no name": ("raise type('\\n\\0', (Exception,), {})()", "error:"),
    "an exception whose text is no UTF-8": ("raise ValueError('\\ud800')", "error:ValueError"),
    "a signal": ("import os\nos.kill(os.getpid(), 15)", "signal"),
    "asyncio": ("import asyncio\nasync def g(): return 1\nassert asyncio.run(g()) == 1", "passed"),
    "a dataclass": ("from dataclasses import dataclass\n@dataclass\nclass A:\n    x: int\nA(1)", "passed"),
    "a pool of threads": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(8) as pool: list(pool.map(abs, [1] * 99))",
        "passed",
    ),
    "leaving after a report that it is loaded": (
        """import os\nos.write(3, b'{"loaded": true}\\n')\nos._exit(1)""",
        "error:SystemExit",
    ),
    "crashing after such a report": ("""import os\nos.write(3, b'{"loaded": true}\\n')\nos.abort()""", "signal"),
    "looping after such a report": ("""import os\nos.write(3, b'{"loaded": true}\\n')\nwhile True: pass""", "timeout"),
    "nothing": ("", "passed"),
}


@pytest.mark.parametrize("name", BAD_CODE)
def test_bad_code_has_a_status_and_the_zygote_serves_the_next(strongest: Sandbox, name: str) -> None:
    code, expected = BAD_CODE[name]
    zygotes = dict(strongest._zygotes)
    may_loop = LOOPING if "timeout" in expected else LIMITS
    with limited(strongest, SLEEPING if name == "sleeping" else may_loop):
        outcome, alone = examine(strongest, code, ["assert f(1) == 1"]), examine(strongest, code, [])
    for one in (outcome, alone):
        assert any(one.code.name.startswith(each) for each in expected.split("|")), one
    assert not outcome.tests[0].passed or "def f" in code
    assert (outcome.code.name + outcome.code.message).encode()  # as a column of text
    assert examine(strongest, "def f(x): return x + 1", ["assert f(1) == 2"]).tests[0].passed
    assert all(strongest._zygotes[kind] is zygote for kind, zygote in zygotes.items())


def test_code_is_told_from_its_first_call_where_that_ends_the_process(strongest: Sandbox) -> None:
    ends = "import os\ndef f(x): os.abort()"
    forged = """import os\nos.write(3, b'{"loaded": true}\\n')\nos._exit(1)\ndef f(x): return x"""
    answered = forged.replace("true}\\n", """true}\\n{"at": 0, "value": 2}\\n""")
    for code, status in ((ends, "passed"), (forged, "error:SystemExit"), (answered, "error:SystemExit")):
        outcome = examine(strongest, code, ["assert f(1) == 1"])
        assert outcome.code.name == status
        assert not outcome.tests[0].passed


BAD_RESULTS = {
    "too deep": ("x = []\n    for _ in range(100): x = [x]\n    return x", "failed"),
    "endless": ("import itertools\n    return itertools.count()", "failed"),
    "in itself": ("x = []\n    x.append(x)\n    return x", "failed"),
    "too big": ("return 'x' * (2 << 20)", "output_limit"),
    "too many": ("return list(range(10**6))", "failed"),
    "a big number": ("return 10 ** 10000", "failed"),
    "not a number": ("return float('nan')", "failed"),
    "infinite": ("return float('inf')", "failed"),
    "a function": ("return f", "failed"),
    "a range without an end": ("return range(10**15)", "failed"),
    "a text that is no UTF-8": ("return '\\ud800'", "failed"),
    "bytes": ("return bytes(range(256))", "failed"),
    "an ordered dict": ("import collections\n    return collections.OrderedDict(a=1)", "failed"),
    "numpy's number": ("import numpy\n    return numpy.int64(1)", "failed"),
}


NAN = "import decimal\nfrom collections import Counter\n"
SIGNALING = "decimal.Decimal('sNaN')"


@pytest.mark.parametrize(
    ("result", "test", "expected"),
    [
        (SIGNALING, "assert f() == 1", "error:InvalidOperation"),
        (SIGNALING, "assert f() != 1", "error:InvalidOperation"),
        (f"Counter(a={SIGNALING}, b=1)", "assert f() == 1", "failed"),
        (f"[{SIGNALING}]", "assert f() == [2]", "error:InvalidOperation"),
    ],
)
def test_values_that_cannot_be_compared_or_shown_end_a_test_alone(
    strongest: Sandbox, result: str, test: str, expected: str
) -> None:
    code = f"{NAN}def f(): return {result}"
    assert examine(strongest, code, [test]).tests[0].name == expected
    answers(strongest, code, ["f()"])


FORGED_REPORTS = {
    "a named tuple with a field twice": '"value": ["namedtuple", ["P", ["\\ufb01", "fi"], 1, 2]]',
    **{
        f"{word}, {depth} deep": f'"{word}": {"[" * depth}{"]" * depth}'
        for word in ("denied", "error", "message")
        for depth in range(860, 1000, 5)
    },
    "a message that is no text": '"error": 5, "message": {"a": [1e999]}',
}


def test_no_report_of_a_run_ends_more_than_its_tests(strongest: Sandbox) -> None:
    for name, report in FORGED_REPORTS.items():
        lines = f'{{"loaded": true}}\n{{"at": 0, {report}}}\n'.encode()
        code = f"import os\nos.write(3, {lines!r})\nos._exit(0)\ndef f(): return 1"
        [status] = examine(strongest, code, ["assert f() == 3"]).tests
        assert not status.passed, name
        answers(strongest, code, ["f()"])


ODD_TESTS = {
    "a range without bounds": ("for i in range():\n    assert f(i) == 1", "error:TypeError"),
    "a range with many bounds": ("for i in range(1, 2, 3, 4):\n    assert f(i) == 1", "error:TypeError"),
    "a range without steps": ("for i in range(1, 2, 0):\n    assert f(i) == 1", "error:ValueError"),
    "a range without an end": ("for i in range(99999999999999999999):\n    assert f(i) == 1", "failed"),
    **{
        f"parameters {names}": (
            f"import pytest\n@pytest.mark.parametrize({names}, [1])\ndef test_it(x):\n    assert f(x) == 1",
            "",
        )
        for names in ("5", "b'x'", "[1, 2]", "{}", "None", "[[]]", "{[]}", "-'x'")
    },
    "a big number": (f"assert f(0x{'f' * 5000}) == 1", ""),
    "a big number in a case": (f"def test_it():\n    assert f(0x{'f' * 5000}) == 1", ""),
    "a big number that is wanted": (f"assert f(1) == 0x{'f' * 5000}", "failed"),
    "a deep argument": (f"assert f({'-' * 2000}1) == 1", ""),
    "what is wanted, deep": (f"assert f(1) == {'-' * 2000}1", ""),
    "a deep base of a class": (f"class T({'-' * 2000}1):\n    def test_it(self): assert f(1)", ""),
    "a deep attribute": (f"import solution\nassert ({'-' * 2000}1).x == solution.f(1)", ""),
    "many conditions": (f"assert f({'1 if 1 else ' * 250}1) == 1", "passed"),
    "many conditions in a case": (
        f"def test_it():\n    x = {'1 if 1 else ' * 250}1\n    assert f([x]) == [1]",
        "passed",
    ),
}


@pytest.mark.parametrize("name", ODD_TESTS)
def test_an_odd_test_has_a_status_of_its_own(strongest: Sandbox, name: str) -> None:
    test, expected = ODD_TESTS[name]
    with limited(strongest, LOOPING):
        odd, plain = examine(strongest, "def f(x): return x", [test, "assert f(1) == 1"]).tests
    assert odd.name.startswith(expected) and plain.passed, odd


@pytest.mark.parametrize("tier", [Tier.NO_FILES])
def test_what_functions_of_a_test_import_is_there(tier: Tier) -> None:
    sandbox = sandbox_of(tier)
    test = "def mk():\n    import numpy as np\n    return np.float64(1)\nassert f(mk()) == 2"
    try:
        [status] = examine(sandbox, "def f(x): return float(x) + 1", [test]).tests
    finally:
        sandbox.close()
    assert status.passed, status


@pytest.mark.parametrize("name", BAD_RESULTS)
def test_bad_results_have_a_status(strongest: Sandbox, name: str) -> None:
    body, expected = BAD_RESULTS[name]
    [status] = examine(strongest, f"def f():\n    {body}", ["assert f() == 3"]).tests
    assert status.name == expected, status


def test_a_run_does_not_depend_on_the_zygote_it_is_forked_from() -> None:
    code = "import random\ndef f(): return [list({'a', 'b', 'c', 'd', 'e'}), random.random(), hash('x')]"
    seen = set()
    for _ in range(2):
        sandbox = Sandbox(Tier.NO_FILES, LIMITS)
        seen.add(examine(sandbox, code, ["assert f() == 0"]).tests[0].message)
        sandbox.close()
    assert len(seen) == 1


def test_calls_are_answered_by_texts_that_are_equal_for_equal_values(sandbox: Sandbox) -> None:
    code = """
def f(x): return x
def half(x): return x / 2
def members(x): return set(x)
def counts(x): return {each: x.count(each) for each in reversed(x)}
def forever():
    while True: pass
def lazily(x): return (each for each in x)
"""
    calls = {
        "f(2)": "2",
        "f(2.0)": "2",
        "f(True)": "True",
        "half(1)": "0.5",
        "half(2 / 3)": "0.333333333",
        "f('2')": "'2'",
        "f([1, (2, None)])": "list(1, tuple(2, None))",
        "members('ba')": "set('a', 'b')",
        "counts('aba')": "dict('a': 2, 'b': 1)",
        "f(float('nan'))": "nan",
        "f(f)": None,
        "lazily([1])": None,
        "half('a')": None,
        "nothing(1)": None,
        "forever()": None,
        "f(1)": "1",
    }
    with limited(sandbox, LOOPING):
        assert dict(zip(calls, answers(sandbox, code, list(calls)), strict=True)) == calls
    assert answers(sandbox, "import nowhere", ["f(1)"]) == [None]
    [long] = answers(sandbox, code, ["f('a' * 10000)"])
    assert long is not None and long.startswith("sha256 ") and len(long) == 71


def test_a_test_that_needs_pytest_says_so_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pytest", None)
    found = check.outcome({"imports": [], "answers": [], "rest": [(0, False, "import pytest")]})
    assert found == {"unsupported": "pytest, which the test needs, is not installed"}


def test_a_sandbox_of_other_limits_ends_the_one_before(monkeypatch: pytest.MonkeyPatch) -> None:
    ended: list[Sandbox] = []
    monkeypatch.setattr(pool, "_of_this_process", {})
    monkeypatch.setattr(Sandbox, "close", lambda sandbox: ended.append(sandbox))
    first = pool.sandbox_of_this_process(Tier.NO_FILES, LIMITS)
    assert pool.sandbox_of_this_process(Tier.NO_FILES, LIMITS) is first and not ended
    assert pool.sandbox_of_this_process(Tier.NO_FILES, LOOPING) is not first and ended == [first]
