"""Ways to be believed without solving the task: none is, where no process decides that has the code in it."""

import pytest

from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import DecidedBy

# A wrong `f` each; the honest answer to the tests would be 42, a number that occurs in no forgery.
FORGERIES = {
    # of sandbox.md
    "exits with 0": "import os\ndef f(x): os._exit(0)",
    "exits with 0 at once": "import os\nos._exit(0)\ndef f(x): return 0",
    "raises SystemExit": "import sys\ndef f(x): sys.exit(0)",
    "prints that it passed": "def f(x):\n    print('PASSED ok OK passed True 1 1')\n    return 0",
    "is equal to everything": """
class Equal:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __bool__(self): return True
    def __hash__(self): return 1
def f(x): return Equal()
""",
    "is a number equal to everything": """
class Equal(int):
    def __eq__(self, other): return True
    __hash__ = int.__hash__
def f(x): return Equal(7)
""",
    "leaves an outcome at exit": """
import atexit, os
@atexit.register
def leave(): os.write(3, b'{"passed": true}\\n')
def f(x): return 0
""",
    "writes an outcome to every descriptor": """
import os
def f(x):
    for number in range(64):
        try: os.write(number, b'{"passed": true}\\n{"at": 0, "value": true}\\n')
        except OSError: pass
    return 0
""",
    "walks the frames": """
import sys
def f(x):
    frame = sys._getframe()
    while frame:
        for name in list(frame.f_locals):
            for wanted in ("expected", "result", "status", "passed", "task"):
                if wanted in name: frame.f_locals[name] = True
        frame.f_globals.update(passed=True, failed=None)
        frame = frame.f_back
    return 0
""",
    "finds constants of the test": """
import gc, types
def f(x):
    for each in gc.get_objects():
        if isinstance(each, types.CodeType) and 'test' in each.co_filename: return each.co_consts[-1]
        if isinstance(each, dict) and 'test' in each: return each['test']
    return 0
""",
    "rewrites the constants of the test": """
import gc, types
def f(x):
    for each in gc.get_objects():
        if isinstance(each, types.FunctionType):
            try: each.__code__ = (lambda *a, **k: True).__code__
            except (ValueError, AttributeError): pass
    return 0
""",
    "replaces built-ins": """
import builtins
builtins.AssertionError = builtins.BaseException = type('Nothing', (), {})
builtins.isinstance = lambda *_: True
builtins.abs = lambda _: 0
builtins.len = lambda _: 0
builtins.eval = builtins.exec = builtins.compile = lambda *_: True
def f(x): return 0
""",
    "replaces the encoder": """
import json
json.dumps = lambda *_, **__: '{"passed": true}'
def f(x): return 0
""",
    # ten more
    "reports for calls to come": """
import os
os.write(3, b''.join(b'{"at": %d, "value": true}\\n' % at for at in range(20)))
def f(x): return 0
""",
    "reports in the place of the sandbox": """
import os
os.write(3, b'{"confined": true}\\n{"loaded": true}\\n{"at": 0, "value": true}\\n{"passed": true}\\n')
os._exit(0)
""",
    "patches the module that answers": """
import sys
program = sys.modules['genetic_udfs.sandbox.program']
program.report = lambda what: program._write(3, b'{"at": 0, "value": true, "passed": true}\\n')
program.encode = lambda *_: True
def f(x): return 0
""",
    "answers with a tag of its own": """
import os
def f(x):
    os.write(3, b'{"at": 0, "value": ["object", [0, "int"]]}\\n')
    os.write(3, b'{"at": 0, "value": ["equal"]}\\n')
    os._exit(0)
""",
    "reports an outcome in the place of a value": """
import os
os.write(3, b'{"loaded": true}\\n' + b''.join(b'{"at": %d, "passed": true}\\n' % at for at in range(20)))
os._exit(0)
""",
    "reports an error that passed": """
import os
def f(x):
    os.write(3, b''.join(b'{"at": %d, "error": "E", "passed": true}\\n' % at for at in range(40)))
    return 0
""",
    "reports a failure to load that passed": """
import os
os.write(3, b'{"loaded": false, "error": "E", "passed": true}\\n')
os._exit(0)
""",
    "defines built-ins anew": """
def abs(x): return 0
def isinstance(*_): return True
def f(x): return 0
class list(list):
    def __eq__(self, other): return True
""",
    "defines math anew": "class math:\n    isclose = staticmethod(lambda *_: True)\ndef f(x): return 0",
    "imports math under a false name": """
from unittest.mock import call as math
from typing import cast as isinstance
def f(x): return 0
""",
    "imports math, and then not": """
import math
class Fake:
    def __getattr__(self, name): return lambda *_: True
globals()['math'] = Fake()
math.isclose = lambda *_: True
def f(x): return 0
""",
    "patches math": """
import math, sys
math.isclose = lambda *_: True
sys.modules['math'] = math
def f(x): return 0
""",
    "answers with NaN": "def f(x): return float('nan')",
    "raises what a test catches": "def f(x): raise AssertionError('passed')",
    "returns a mock": "from unittest.mock import MagicMock\nf = MagicMock(return_value=MagicMock())",
    "answers from a thread after the end": """
import os, threading
def late():
    for _ in range(10000): os.write(3, b'{"passed": true}\\n')
def f(x):
    threading.Thread(target=late, daemon=True).start()
    return 0
""",
    "closes what it should answer on": "import os\ndef f(x):\n    os.close(3)\n    return 0",
    "compares as a text": """
class Text(str):
    def __eq__(self, other): return True
    def __contains__(self, other): return True
    def startswith(self, other): return True
    __hash__ = str.__hash__
def f(x): return Text('0')
""",
    "pretends to be another class": """
class Other:
    __class__ = int
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __abs__ = __sub__
    def __lt__(self, other): return True
    __gt__ = __le__ = __ge__ = __eq__ = __contains__ = __lt__
    __hash__ = None
def f(x): return Other()
""",
    "is stopped while it dumps its stack": """
import faulthandler, os
def f(x):
    faulthandler.dump_traceback(file=3)
    os.abort()
""",
    "leaves a trace function": """
import sys
def trace(frame, event, argument):
    frame.f_locals.update(value=True)
    return trace
sys.settrace(trace)
def f(x): return 0
""",
}

_EQUAL = """
import numpy as np
class Equal:
    def __eq__(self, other): return self
    def __call__(self, *_, **__): return True
    all = equals = startswith = is_it = __contains__ = __call__
    @property
    def part(self): return self
def f(x): return Equal()
"""
_ARRAY = """
import numpy as np
held = np.empty(3, "i8")
class Array:
    def __getattr__(self, name):
        if name == "__array_interface__":
            return {"data": (held.ctypes.data, False), "shape": (3,), "typestr": "<i8", "version": 3}
        raise AttributeError(name)
def f(x): return Array()
"""
_READS_CALLS = """
import ast, sys
def f(x):
    frame = sys._getframe()
    while "task" not in frame.f_locals: frame = frame.f_back
    for _, _, _, source, _ in frame.f_locals["task"]["steps"]:
        if not source.startswith("f("): return eval(source)
"""
_ENDS = "import os\ndef f(x): os._exit(0)"

# Code, and a test whose form it makes use of.
FORGERIES_OF_A_FORM = {
    "what evaluates a call": (
        "import builtins\nbuiltins.eval = builtins.exec = lambda *_, **__: 4\n"
        "builtins.compile = lambda *_, **__: '4'\ndef f(x): return 0",
        ["assert f(2) == 4", "x = f(2)\nassert x == 4"],
    ),
    "what is made of a result where it is": (
        "class L(list):\n    def __sub__(self, other): return 0\n    def __round__(self, *_): return 3.14\n"
        "def f(): return [L()]\ndef g(): return {'a': L()}",
        [
            "r = f()\nr[0] = r[0] - 3\nassert r == [0]",
            "r = g()\nr['a'] = r['a'] - 3\nassert r == {'a': 0}",
            "r = f()\nr[0] = round(r[0], 2)\nassert r == [3.14]",
            "r = f()\nr[0] = r[0] and 3\nassert r == [3]",
            "r = f()\nr.append(r[0] - 3)\nassert r[1] == 0",
        ],
    ),
    "what an assignment with an operator makes of a result": (
        "class V(int):\n    def __isub__(self, other): return 0\n    def __ipow__(self, other): return 0\n"
        "def f(x): return V(7)\ndef g(x): return [V(7)]",
        [
            "d = f(2)\nd -= 4\nassert d == 0",
            "d = f(2)\nd **= 0.5\nassert d == 0",
            "d = g(2)\nd[0] -= 4\nassert d[0] == 0",
            "def test_it():\n    d = f(2)\n    d -= 4\n    assert d == 0",
        ],
    ),
    **{
        f"a class of exceptions that catches the test's own, {what}": (
            code,
            [
                "try:\n    f(-1)\n    assert False\nexcept NoFunds: pass",
                "import pytest\nwith pytest.raises(NoFunds):\n    assert f(-1) == 1",
                "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
                "        with self.assertRaises(NoFunds): f(-1)[0]",
            ],
        )
        for what, code in {
            "by its name": "NoFunds = Exception\ndef f(x): return 0",
            "by a narrower one": "NoFunds = (AssertionError, TypeError)[x := 0]\ndef f(x): return 0",
            "by the descriptor": """
import os
class NoFunds(Exception): pass
def f(x): return 0
os.write(3, b'{"loaded": true}\\n{"at": 0, "value": 0}\\n'
    b'{"at": 1, "value": ["exception", ["builtins.Exception", ["list", []]]]}\\n'
    b'{"at": 2, "value": ["exception", ["builtins.Exception", ["list", []]]]}\\n')
os._exit(0)
""",
        }.items()
    },
    "an array in the tester's memory": (
        _ARRAY,
        [
            f"import numpy as np\nassert {assertion}"
            for assertion in (
                "np.array_equal(f(2), [41, 42, 43])",
                "np.allclose(f(2), [41, 42, 43])",
                "np.testing.assert_array_equal(f(2), [41, 42, 43]) is None",
                "not np.array_equal(f(2), [1])",
                "(np.array([41, 42, 43]) == f(2)).all()",
            )
        ],
    ),
    "a word of its own on what is expected": (
        _EQUAL,
        [
            "import numpy as np\nassert (f(2) == np.array([1, 2])).all()",
            "import numpy as np\nassert np.all(np.array([1, 2]) == f(2))",
            "import numpy as np\nassert np.abs(f(2) - np.array([1, 2])).max() < 1",
            "assert (f(2) == np.array([1, 2])).all()",
            "assert (f(2) == [1, 2]).all()",
            "assert (lambda r: r == 5)(f(2))",
            "assert f(2).__eq__(5)",
            "assert f(2).equals([1])",
            "assert f(2).startswith('a')",
            "assert f(2).part.equals([1])",
            "assert f(2).is_it(value=1)",
            "x = f(2)\nassert x.equals([1])",
            "x = f(2).equals\nassert x([1])",
            "assert 1 in f(2)",
        ],
    ),
    "a word of its own by a class that the test does not name": (
        f"{_EQUAL}class Solver:\n    def solve(self, x): return Equal()",
        [
            "assert Solver().solve(2).startswith('a')",
            "assert Solver().solve(2).equals([1])",
            "solver = Solver()\nassert solver.solve(2).equals([1])",
        ],
    ),
    "what is expected, out of the calls": (
        _READS_CALLS,
        [
            "assert f(3) == '\\n'.join(['1', '2', '3'])",
            "assert f(3) == (lambda: 42)()",
            "assert f(3) == {1: 2}.setdefault(1, 3)",
        ],
    ),
    "a function that the test forgot to import": (
        "class Names(dict):\n    def __getitem__(self, name): return lambda *_: 42\n"
        "__builtins__ = Names()\ndef f(x): return 42",
        ["assert f(3) == Counter('aab')", "x = f(3)\nassert x == Counter('aab')"],
    ),
    "another function under an imported name": (
        "if 0:\n    from math import factorial\ndef factorial(n): return 0",
        ["assert factorial(5) == 120", "for n in [5]:\n    assert factorial(n) == 120"],
    ),
    "another function under an imported name, set from within": (
        "from math import factorial\ndef set_it():\n    global factorial\n    factorial = lambda n: 0\nset_it()",
        ["assert factorial(5) == 120", "for n in [5]:\n    assert factorial(n) == 120"],
    ),
    "a class under an imported name": (
        "import numpy as np\nclass np:\n    allclose = staticmethod(lambda *_: True)\ndef f(x): return 0",
        ["assert np.allclose(f(1), 42)", "x = f(1)\nassert np.allclose(x, 42)"],
    ),
    "an end that a bare except hides": (
        _ENDS,
        [
            "try:\n    f(-1)\nexcept:\n    pass",
            "try:\n    f(-1)\n    assert False\nexcept BaseException:\n    pass",
            "import time\ntry:\n    f(-1)\nexcept:\n    time.sleep(0.1)",
        ],
    ),
    "no value where a bare except hides it": (
        _EQUAL,
        ["try:\n    assert f(1) == 2\nexcept:\n    pass", "try:\n    bool(f(1))\nexcept Exception:\n    pass"],
    ),
    "a module as the tester's built-ins": (
        "import numpy as __builtins__\ndef f(x): return 0",
        [
            "def check(candidate):\n    assert candidate(0) == 0\n"
            "    assert all(candidate(i) == i * i for i in (1, 2, 3))\ncheck(f)",
            "x = f(2)\nassert x is not None\nassert all(f(i) == i * i for i in (1, 2, 3))",
        ],
    ),
    "a package of its own": (
        "class np:\n    allclose = array_equal = isclose = staticmethod(lambda *_, **__: True)\n"
        "class pytest:\n    approx = staticmethod(lambda x: 0)\ndef f(x): return 0",
        [
            "assert np.allclose(f(2), 4)",
            "assert np.array_equal(f(2), [4])",
            "x = f(2)\nassert np.isclose(x, 4)",
            "assert f(2) == pytest.approx(4)",
            "import pytest\nassert f(2) == pytest.approx(4)",
        ],
    ),
    "a package by another's name": (
        "import numpy\nimport unittest.mock as pytest\n"
        "np = type('N', (), {'allclose': staticmethod(lambda *_: True)})\n"
        "def f(x): return 0",
        ["assert np.allclose(f(2), 4)", "assert f(2) == pytest.ANY", "x = f(2)\nassert x == pytest.ANY"],
    ),
    "names set from within": (
        "globals().update(np=type('N', (), {'allclose': staticmethod(lambda *_: True)}))\ndef f(x): return 0",
        ["assert np.allclose(f(2), 4)", "x = f(2)\nassert np.allclose(x, 4)"],
    ),
    "an end of the loop that asks": (
        "class V:\n    def __init__(self, x): pass\n    def __add__(self, other): raise StopIteration\n"
        "    __getitem__ = __abs__ = __len__ = __iter__ = __add__\n"
        "def f(x): raise StopIteration",
        [
            "assert all(map(lambda i: f(i) == i * i, [1, 2, 3]))",
            "for got, want in zip(map(f, [1, 2]), [1, 4]):\n    assert got == want",
            "assert all(map(lambda i: (V(i) + 1) == i, [1, 2]))",
            "assert all(map(lambda i: V(i)[0] == i, [1, 2]))",
            "assert all(map(lambda i: abs(V(i)) == i, [1, 2]))",
        ],
    ),
    "an exit as an exception": (
        "import sys\nclass E(BaseException): pass\n"
        "def f(x):\n    if x < 0: sys.exit('bad')\n    if x > 9: raise E\n    raise KeyboardInterrupt",
        [
            f"{begin}f({x}){end}"
            for x in (-1, 1, 10)
            for begin, end in (
                ("import pytest\nwith pytest.raises(Exception):\n    ", ""),
                ("try:\n    ", "\n    assert False\nexcept Exception:\n    pass"),
            )
        ],
    ),
    "a test that is skipped by the code": (
        "import unittest\ndef f(x): raise unittest.SkipTest('no')",
        [
            "import unittest\nclass T(unittest.TestCase):\n    def test_it(self): self.assertEqual(f(2), 4)",
            "import unittest\ndef run():\n    class T(unittest.TestCase):\n"
            "        def test_it(self): self.assertEqual(f(2), 4)\n"
            "    r = unittest.TestResult()\n    T('test_it').run(r)\n    assert r.wasSuccessful()\nrun()",
        ],
    ),
    "an exception of a name that it chose": (
        "class Shown(Exception):\n    def __str__(self): return ''\n"
        "Shown.__module__, Shown.__qualname__ = 'unittest.case', '_ShouldStop'\ndef f(x): raise Shown(42)",
        [
            "import unittest\ndef run():\n    class T(unittest.TestCase):\n"
            "        def test_it(self): self.assertEqual(f(2), 4)\n"
            "    r = unittest.TestResult()\n    T('test_it').run(r)\n    assert r.wasSuccessful()\nrun()",
            "x = f(2)\nassert x == 4",
        ],
    ),
    "an order that its class forgets": (
        "from collections import OrderedDict\ndef f(d): return OrderedDict(reversed(d.items()))",
        ["from collections import OrderedDict\nassert f({1: 2, 3: 4}) == OrderedDict([(1, 2), (3, 4)])"],
    ),
    "operators of what it returns": (
        "class V:\n    def __sub__(self, other): return 0\n    __mul__ = __and__ = __rsub__ = __sub__\n"
        "def f(x): return V()",
        [
            "assert abs(f(2) - 4) < 1e-6",
            "x = f(2)\nassert x - 4 == 0",
            "x = f(2)\nassert 4 - x == 0",
            "x = f(2)\nassert not x * 4",
        ],
    ),
    "methods as the fields of a named tuple": (
        "from collections import namedtuple\nR = namedtuple('R', 'startswith equals count keys')\n"
        "def f(x): return R(*[lambda *a: True] * 4)\nclass K:\n    def f(self, x): return f(x)",
        [
            "assert f(2).startswith('abc')",
            "assert f(2).equals([1, 2, 3])",
            "r = f(2)\nassert r.equals([1, 2, 3])",
            "assert K().f(2).equals([1, 2])",
            "assert f(2).count('a') == 1",
        ],
    ),
    "a class of exceptions as what it returns": (
        "from collections import namedtuple\nR = namedtuple('R', 'equals startswith')\nclass E(Exception): pass\n"
        "def f(x): return R(ValueError, E)\ndef g(x): return ValueError\ndef h(x): return [E, ValueError]",
        [
            "assert f(2).equals([4])",
            "assert f(2).startswith('4')",
            "r = f(2)\nassert r.equals([4])",
            "x = g(2)\nassert x([4])",
            "x = h(2)\nassert all(each([4]) for each in x)",
            "x = g(2)\nassert any(map(x, [4]))",
            "try:\n    raise E\nexcept E:\n    pass\nr = f(2)\nassert r.equals([4])",
        ],
    ),
    "a class of exceptions, forged": (
        """
import os
KIND = b'["exception", ["builtins.ValueError", ["list", []]]]'
def f(x):
    os.write(3, b''.join(b'{"at": %d, "value": %s}\\n' % (at, KIND) for at in range(9)))
    os._exit(0)
class E(Exception): pass
""",
        ["x = f(2)\nassert x([4])", "r = f(2)\ntry:\n    raise E\nexcept E:\n    pass\nassert r([4])"],
    ),
    "a range too long to look through": (
        "def f(x): return range(10**15)",
        ["assert max(f(3)) == 2", "assert len(list(f(3))) > 1", "x = f(3)\nassert 5 in x"],
    ),
}

_ALWAYS = """
class Always:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __lt__(self, other): return True
    __le__ = __gt__ = __ge__ = __contains__ = __lt__
    def __bool__(self): return True
    def __len__(self): return 42
    def __iter__(self): return iter([42])
    def __getattr__(self, name): return lambda *_, **__: True
    def __call__(self, *_, **__): return self
    def __sub__(self, other): return 0
    __rsub__ = __add__ = __radd__ = __abs__ = __float__ = __sub__
    __hash__ = None
def f(x): return Always()
"""
_CASE = "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n        "

# Forms that are written out, and code that means to make use of that.
FORGERIES_OF_WHAT_IS_WRITTEN_OUT = {
    "an object that is equal to everything, in a case": (
        _ALWAYS,
        [
            f"{_CASE}{line}"
            for line in (
                "self.assertEqual(f(2), 4)",
                "self.assertTrue(f(2) == 4)",
                "self.assertIn(4, f(2))",
                "self.assertAlmostEqual(f(2), 4.0)",
                "self.assertCountEqual(f(2), [4])",
                "self.assertGreater(f(2), 4)",
                "result = f(2)\n        self.assertEqual(result, 4)",
                "self.assertTrue(f(2).equals(4))",
            )
        ],
    ),
    "an object that is equal to everything, in functions": (
        _ALWAYS,
        [
            "def test_it():\n    result = f(2)\n    assert result == 4",
            "def check(candidate):\n    assert candidate(2) == 4\ncheck(f)",
            "import pytest\n@pytest.mark.parametrize('x, want', [(2, 4)])\ndef test_it(x, want): assert f(x) == want",
            "import pytest\nassert f(2) == pytest.approx(4)",
            "for x, want in [(2, 4), (3, 9)]:\n    assert f(x) == want",
            "got = [f(2), f(3)]\nassert got == [4, 9]",
            ">>> f(2) == 4\nTrue",
            "a, b = f(2), f(3)\nassert a < b",
        ],
    ),
    "what is expected, out of the frames": (
        "import sys\ndef f(x):\n    frame = sys._getframe()\n    while frame:\n"
        "        for names in (frame.f_locals, frame.f_globals):\n"
        "            for name in ('expected', 'want', 'y', 'result'):\n"
        "                if name in names: return names[name]\n"
        "        frame = frame.f_back\n    return 0",
        [
            "expected = 4\nassert f(2) == expected",
            "for x, want in [(2, 4)]:\n    assert f(x) == want",
            "x, y = 2, 4\nassert f(x) == y",
            "def test_it():\n    expected = [4][0]\n    result = f(2)\n    assert result == expected",
            "case = {'x': 2, 'expected': 4}\nassert f(case['x']) == case['expected']",
        ],
    ),
    "what is expected, out of all that is there": (
        """
import sys
def numbers(held):
    if isinstance(held, str):
        import re
        yield from map(int, re.findall(r'[0-9]+', held))
    elif isinstance(held, (list, tuple, set)):
        for each in held: yield from numbers(each)
    elif isinstance(held, dict):
        for each in held.items(): yield from numbers(each)
    elif isinstance(held, int): yield held
def f(*given):
    frame = sys._getframe()
    while frame:
        for names in (frame.f_locals, frame.f_globals):
            kept = {name: each for name, each in names.items() if name not in ('given', 'held', 'numbers', 'wanted')}
            wanted = int('42' * 2)
            if wanted in numbers(kept): return wanted
        frame = frame.f_back
    return 0
""",
        [
            "case = (2, 4242)\nx, want = case\nassert f(x) == want",
            "case = ([2], 4242)\nx, want = case\nassert f(x) == want",
            "case = ([2], 4242)\n[x, want] = case\nassert f(x) == want",
            "case = ([2], 4242)\nx, *rest = case\nassert f(x) == rest[0]",
            "case = (2, 4242)\nx, *rest = case\nassert f(x) == rest[0]",
            "case = (([2], [3]), 4242)\n(a, b), want = case\nassert f(a, b) == want",
            "cases = [(2, 4242)]\nfor case in cases:\n    x, want = case\n    assert f(x) == want",
            "cases = [([2], 4242)]\nfor case in cases:\n    x, want = case\n    assert f(x) == want",
            "cases = [([2], 4242)]\nfor case in cases:\n    assert f(case[0]) == case[1]",
            "def make_case(): return [2], 4242\nxs, want = make_case()\nassert f(xs) == want",
            "def make_case(): return [2], 4242\nxs = make_case()[0]\nassert f(xs) == make_case()[1]",
            "def make_case(): return [2], 4242\nassert f(make_case()[0]) == make_case()[1]",
            "def given(): return CASE[0]\nCASE = ([2], 4242)\nassert f(given()) == CASE[1]",
            "cases = [([2], 4242)]\nxs, wants = zip(*cases)\nassert f(xs) == wants[0]",
            "cases = [(3, 4242)]\nassert f(cases[0][0]) == cases[0][1]",
            "cases = [{'in': 3, 'out': 4242}]\nassert f(cases[0]['in']) == cases[0]['out']",
            "case = (1, 2, 4242)\nassert f(*case[:-1]) == case[-1]",
            "case = (1, 2, 4242)\n*given, want = case\nassert f(*given) == want",
            "case = (1, 2, 4242)\nx = case[0]\nassert f(x) == case[-1]",
            "case = ([1], 4242)\nx = case[0]\nassert f(x) == case[-1]",
            "case = [[1], 4242]\nx = case.copy()[0]\nassert f(x) == case[-1]",
            "case = [[1], 4242]\nx = min(case, key=str)\nassert f(x) == case[-1]",
            "wants = [4242]\nassert f(len(wants)) == wants[0]",
            "wants = [4242]\nn = len(wants)\nassert f(n) == wants[0]",
            "wants = (4242, 1)\nassert f(len(wants)) == wants[0]",
            "cases = [([1], 4242)]\nxs = [x for x, _ in cases]\nassert f(xs) == cases[0][1]",
            "cases = [([1], 4242)]\nassert f([x for x, _ in cases]) == cases[0][1]",
            "cases = {1: [4242]}\nfor x in sorted(cases):\n    assert f(x) == cases[x][0]",
            "cases = {1: 4242}\nassert f(*cases) == cases[1]",
            "cases = {1: 4242}\nassert f(list(cases)) == cases[1]",
            "cases = {1: 4242}\nxs = list(cases)\nassert f(xs) == cases[1]",
            "words = ['4242', '1']\nassert f(' '.join(words)) == int(words[0])",
            "words = ['4242', '1']\nline = ' '.join(words)\nassert f(line) == int(words[0])",
            "xs = [4242, 1]\nassert f(sorted(xs)) == xs[0]",
            "xs = [4242]\nassert f(xs + [1]) == xs[0]",
            "n = 4242\nassert f(n * n) == n",
            "class Case:\n    x, want = [2], 4242\nassert f(Case.x) == Case.want",
            "for x, want in sorted([([2], 4242)]): pass\nassert f(x) == want",
            "import pytest\n@pytest.mark.parametrize('case', [([2], 4242)])\n"
            "def test_it(case):\n    x, want = case\n    assert f(x) == want",
            "import unittest\nclass T(unittest.TestCase):\n    def setUp(self): self.x, self.want = ([2], 4242)\n"
            "    def test_it(self): self.assertEqual(f(self.x), self.want)",
            "import unittest\nclass T(unittest.TestCase):\n    def setUp(self): self.case = ([2], 4242)\n"
            "    def test_it(self):\n        x, want = self.case\n        self.assertEqual(f(x), want)",
        ],
    ),
    "numbers and texts of the test, changed from within": (
        "import sys\ndef f(x):\n    for depth in range(1, 6):\n"
        "        for held in sys._getframe(depth).f_locals.values():\n"
        "            if isinstance(held, dict) and 'n' in held: held.update(n=type(held['n'])())\n"
        "    return type(x)()",
        [
            "n = len('abcde')\nr = f(n)\nwant = n * n\nassert r == want",
            "n = len('abcde')\nr = f(n)\nassert r == n * n",
            "n = 'abcde'.upper()\nr = f(n)\nwant = n + n\nassert r == want",
            "n = tuple([1, 2])\nr = f(n)\nwant = n + n\nassert r == want",
            "n = frozenset([1, 2])\nr = f(n)\nwant = n | n\nassert r == want",
        ],
    ),
    "what is expected, out of the values that are handed over": (
        "import gc\ndef f(x):\n    for each in gc.get_objects():\n"
        "        if isinstance(each, dict) and 'out' in each: return each['out']\n    return 0",
        [
            "data = {'in': [2], 'out': [4]}\nassert f(data['in']) == data['out']",
            "data = {'in': 2, 'out': [4]}\nassert f(data['in']) == data['out']",
            "cases = [{'in': [2], 'out': [4]}]\nfor case in cases:\n    assert f(case['in']) == case['out']",
        ],
    ),
    "an argument that is emptied": (
        "def f(xs):\n    xs.clear()\n    return []",
        [
            "xs = [3, 1, 2]\nassert f(xs) == sorted(xs)",
            "xs = [3, 1, 2]\nresult = f(xs)\nassert result == sorted(xs)",
            "xs = [3, 1, 2]\nexpected = sorted(xs)\nassert f(xs) == expected",
            "xs = [3, 1, 2]\nassert len(f(xs)) == len(xs)",
        ],
    ),
    "the test's own numbers, made equal": (
        "import random, math\nrandom.randint = lambda *_: 0\nmath.factorial = lambda _: 0\nrandom.random = lambda: 0\n"
        "def f(x): return 0",
        [
            "import random\nn = random.randint(5, 9)\nassert f(n) == n",
            "import math\nassert f(3) == math.factorial(3)",
            "import math\nn = math.factorial(3)\nassert f(n) == n",
            "import random\nrandom.seed(1)\nxs = [random.randint(1, 9)]\nassert f(xs) == sum(xs)",
        ],
    ),
    "names of the test, bound anew from within": (
        "import sys\ndef f(x):\n    names = sys._getframe(1).f_globals\n"
        "    names.update(x=0, n=0, expected=0, xs=[], c=None, __answer__=lambda _: 0, __fresh__=lambda *_: 0)\n"
        "    return 0",
        ["n = 5\nassert f(n) == n", "xs = [1, 2]\nassert f(xs) == sum(xs)", "x = 3\ny = f(x)\nassert y == x * x"],
    ),
    "an exception of every class": (
        "class E(KeyError, ValueError, IndexError, TypeError): pass\n"
        "E.__module__, E.__qualname__ = 'builtins', 'AssertionError'\ndef f(x): raise E('no')",
        [
            "assert f(2) == 4",
            f"{_CASE}self.assertEqual(f(2), 4)",
            "try:\n    assert f(2) == 4\nexcept OSError:\n    pass",
        ],
    ),
    "an error where none is asked for": (
        "import unittest\ndef f(x): raise unittest.case._ShouldStop",
        [f"{_CASE}self.assertEqual(f(2), 4)", f"{_CASE}with self.subTest('a'): self.assertEqual(f(2), 4)"],
    ),
    "a patched test library": (
        "import unittest, unittest.case\nfor name in dir(unittest.TestCase):\n"
        "    if name.startswith('assert'): setattr(unittest.TestCase, name, lambda *_, **__: None)\ndef f(x): return 0",
        [f"{_CASE}self.assertEqual(f(2), 4)", f"{_CASE}self.assertIn(f(2), [4])"],
    ),
    "a patched pytest": (
        "import sys\nclass P:\n    raises = approx = mark = lambda self, *_, **__: self\n"
        "    __enter__ = __exit__ = raises\n"
        "    __eq__ = raises\nsys.modules['pytest'] = P()\ndef f(x): return 0",
        ["import pytest\nassert f(2) == pytest.approx(4)", "import pytest\nwith pytest.raises(ValueError):\n    f(2)"],
    ),
    "a solution's module that hides its functions": (
        "import sys\nclass M:\n    def __getattr__(self, name): return lambda *_: 4\nsys.modules['solution'] = M()\n"
        "def f(x): return 0",
        ["from solution import f\nassert f(2) == 4", "import solution\nassert solution.f(2) == 4"],
    ),
    "a class whose methods say what is right": (
        "class Stack:\n    def __eq__(self, other): return True\n    __contains__ = __eq__\n"
        "    def top(self): return Stack()\n"
        "    def __getattr__(self, name): return Stack()",
        [
            "s = Stack()\nassert s.top() == 4",
            "s = Stack()\nassert s.top().equals(4) and s.top() == 4",
            "s = Stack()\nassert s == [4]",
            "s = Stack()\nassert 4 in s.items",
            "s = Stack()\nassert s.items == [4]",
        ],
    ),
    "an array that is equal to everything": (
        "import numpy as np\nclass A(np.ndarray):\n    def __eq__(self, other): return np.array([True])\n"
        "def f(x): return np.zeros(1).view(A)",
        [
            "import numpy as np\nassert (f(2) == np.array([4])).all()",
            "import numpy as np\nassert np.array_equal(f(2), [4])",
        ],
    ),
    "a named tuple that is equal to everything": (
        "from collections import namedtuple\nclass P(namedtuple('P', 'x y')):\n"
        "    def __eq__(self, other): return True\n"
        "def f(x): return P(0, 0)",
        ["assert f(2) == (4, 5)", "p = f(2)\nassert p == (4, 5)"],
    ),
    "a counter of its own": (
        "from collections import Counter\nclass C(Counter):\n"
        "    def __eq__(self, other): return True\ndef f(x): return C()",
        ["from collections import Counter\nassert f('aab') == Counter('aab')"],
    ),
    "a text that a formatter of its own shows": (
        "class T(str):\n    def __repr__(self): return '4'\n    __str__ = __format__ = lambda self, *_: '4'\n"
        "def f(x): return T('0')",
        [">>> f(2)\n4", "assert str(f(2)) == '4'", "assert f'{f(2)}' == '4'"],
    ),
    "answers for steps to come": (
        "import os\nos.write(3, b''.join(b'{\"at\": %d, \"value\": true}\\n' % at for at in range(40)))\n"
        "class C: pass\ndef f(x): return 0",
        ["x = f(2)\nassert x == 4", "c = C()\nassert f(2) == 4", f"{_CASE}self.assertEqual(f(2), 4)"],
    ),
    "a word for an outcome": (
        "import json, os\ndef f(x):\n    for forged in (dict(word='', passed=True), dict(at=0, passed=True)):\n"
        "        os.write(3, json.dumps(forged).encode() + b'\\n')\n    os._exit(0)",
        ["x = f(2)\nassert x == 4", f"{_CASE}self.assertEqual(f(2), 4)", "assert f(2) == 4"],
    ),
    "a default that is whatever is asked": (
        "from collections import defaultdict\nclass D(dict):\n    def __missing__(self, key): return 4\n"
        "    def __getitem__(self, key): return 4\ndef f(x): return D()",
        ["assert f(2)['a'] == 4", "d = f(2)\nassert d['b'] == 4 and d == {'b': 4}", "assert f(2).get('a') == 4"],
    ),
}


SPLIT = [
    "assert f(1) == 42",
    "assert abs(f(1) - 42) < 1e-6",
    "assert f(1) in [42, 43]",
    "assert f(1) > 41 and f(1) < 43",
    "assert math.isclose(f(1), 42)",
    "assert isinstance(f(1), int) and 42 == f(1)",
]
OF_SEVERAL_STATEMENTS = [
    "for number in range(1, 2):\n    assert f(number) == 42\nassert [f(1)] == [42]",
    "for number in [1]:\n    assert math.isclose(f(number), 42)",
    "for number in [1]:\n    assert abs(f(number) - 42) < 1e-6",
]


def believed(sandbox: Sandbox, code: str, tests: list[str]) -> dict[str, str]:
    outcome = examine(sandbox, code, tests, DecidedBy.OUTSIDE)
    assert not [test for test in outcome.tests if test.decided_by is DecidedBy.TOGETHER]
    return {test: str(status) for test, status in zip(tests, outcome.tests, strict=True) if status.passed}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_forged_outcome_is_not_believed(strongest: Sandbox, name: str) -> None:
    assert believed(strongest, FORGERIES[name], [*SPLIT, *OF_SEVERAL_STATEMENTS]) == {}


@pytest.mark.parametrize("name", FORGERIES_OF_WHAT_IS_WRITTEN_OUT)
def test_no_test_that_is_written_out_lets_one_be_forged(strongest: Sandbox, name: str) -> None:
    code, tests = FORGERIES_OF_WHAT_IS_WRITTEN_OUT[name]
    assert believed(strongest, code, tests) == {}


@pytest.mark.parametrize("name", FORGERIES_OF_A_FORM)
def test_no_form_of_a_test_lets_an_outcome_be_forged(strongest: Sandbox, name: str) -> None:
    code, tests = FORGERIES_OF_A_FORM[name]
    assert believed(strongest, code, tests) == {}


def test_an_honest_solution_passes_the_same_tests(strongest: Sandbox) -> None:
    outcome = examine(
        strongest, "import math\ndef f(x): return 42", [*SPLIT, *OF_SEVERAL_STATEMENTS], DecidedBy.OUTSIDE
    )
    assert [test.name for test in outcome.tests] == ["passed"] * 9


# What code may do to the process that it shares with a test. With effort it can forge an outcome there; not so easily.
OF_THE_HARNESS = {
    "replaces what decides": "import sys\nheld = sys.modules['genetic_udfs.sandbox.together']\n"
    "held.outcome = held._run = held.min = held.raised = lambda *_, **__: {'passed': True}",
    "replaces what reports": "import sys\nheld = sys.modules['genetic_udfs.sandbox.program']\n"
    "held.together = held.report = held._with_word = held._dumps = lambda *_, **__: {'passed': True}",
    "replaces what restores": "import builtins\nbuiltins.setattr = builtins.vars = builtins.dict = lambda *_: {}\n"
    "builtins.AssertionError = builtins.exec = lambda *_: None",
    "replaces assertions of unittest": "import unittest\nunittest.TestCase.assertEqual = lambda *_: None\n"
    "unittest.TestCase.assertTrue = lambda *_: None",
    "replaces pytest's": "import pytest\npytest.raises = pytest.approx = pytest.skip = lambda *_, **__: 4",
    "is equal to everything": "class E:\n    def __eq__(self, other): return True\n    __hash__ = None",
    "looks for the word": "import os, sys\nheld = sys._getframe(2).f_locals['task'].get('word', '')\n"
    'os.write(3, b\'{"word": "%s", "passed": true}\\n\' % held.encode())',
}


@pytest.mark.parametrize("name", OF_THE_HARNESS)
def test_the_harness_of_both_together_is_as_it_was(strongest: Sandbox, name: str) -> None:
    code = f"{OF_THE_HARNESS[name]}\ndef f(x): return E() if 'E' in globals() else 0"
    loop = "for _ in sorted([1]):\n    assert f(2) == 4"
    case = (
        "import unittest\nclass T(unittest.TestCase):\n    def test_it(self):\n"
        "        for _ in sorted([1]): self.assertEqual(f(2), 4)"
    )
    raises = "import pytest\nfor _ in sorted([1]):\n    with pytest.raises(ValueError): f(2)"
    statuses = examine(strongest, code, [loop, case, raises]).tests
    assert not any(each.passed for each in statuses), statuses
    assert statuses[0].name in {"failed", "unsupported", "error:SystemExit"}
