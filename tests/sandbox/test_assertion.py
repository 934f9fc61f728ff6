"""What of an assertion goes into the solution's process, and what stays outside."""

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from genetic_udfs.sandbox.assertion import NotAnAssertion, split
from genetic_udfs.sandbox.definitions import Definitions, names_used, replaced_in
from genetic_udfs.sandbox.outside import evaluate
from genetic_udfs.sandbox.values import Unsupported

CODE = "import math\nfrom os import path\ndef f(x): return x\nclass C: pass\nLIMIT = 3\nif LIMIT:\n    def g(): pass"
DEFINED = Definitions.of(CODE)


def test_definitions_are_what_stands_at_the_top_level() -> None:
    assert DEFINED.own == {"f", "C", "LIMIT", "g"}
    assert DEFINED.imported == {"math", "path"}
    assert DEFINED.classes == {"C"}
    assert DEFINED.imports == ("import math", "from os import path")
    assert not DEFINED.replaced
    bound = (
        "(a := 1)\nwith b as c: pass\ntry: pass\nexcept E as d: pass\ndef g():\n    global e\n    f = 1\n[h for h in c]"
    )
    assert Definitions.of(bound).own == {"a", "c", "d", "e", "g"}
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
        ("assert sorted(f([2, 1])) == [1, 2]", ["f([2, 1])"]),
        ("assert f(1).startswith('kangaroo')", ["f(1)"]),
        ("assert C().method(1) == 'kangaroo'", ["C().method(1)"]),
        ("assert C().method(1).strip() == 'kangaroo'", ["C().method(1)"]),
        ("assert f([x for x in range(3)]) == LIMIT", ["f([x for x in range(3)])", "LIMIT"]),
        ("assert f(f(1)) is None", ["f(f(1))"]),
        ("assert f('a').upper() == 'A'", ["f('a')"]),
        ("assert f('a').strip('kangaroo') == 'A'", ["f('a')"]),
        ("assert f(1)(2) == 3", ["f(1)(2)"]),
        ("assert f(1).x.total() == 3", ["f(1).x.total()"]),
        ("assert C().method(1).startswith('kangaroo')", ["C().method(1)"]),
        ("assert not f(1)", ["f(1)"]),
        ("import math\nassert f(1) == math.pi", ["f(1)"]),
        ("assert f(1), f'kangaroo {f(2)}'", ["f(1)"]),
    ],
)
def test_calls_go_in_and_expected_values_do_not(test: str, calls: list[str]) -> None:
    assert list(split(test, DEFINED).calls) == calls


@pytest.mark.parametrize(
    ("code", "replaced"),
    [
        ("def abs(x): return 0", {"abs"}),
        ("isinstance = lambda *_: True", {"isinstance"}),
        ("class math: pass", {"math"}),
        ("from typing import cast as isinstance", {"isinstance"}),
        ("from unittest.mock import call as math", {"math"}),
        ("import cmath as math", {"math"}),
        ("from os import open", {"open"}),
        ("try:\n    import math\nexcept ImportError:\n    math = None", {"math"}),
        ("for len in [0]: pass", {"len"}),
        ("import math\nfrom datetime import datetime\nimport numpy as np", set()),
    ],
)
def test_built_ins_and_modules_that_code_gives_another_meaning_are_known(code: str, replaced: set[str]) -> None:
    assert Definitions.of(code).replaced == replaced


def test_a_tester_does_imports_that_rename_no_function() -> None:
    code = "import numpy as np\nfrom math import isclose\nfrom typing import cast as isclose"
    assert Definitions.of(code).imports == ("import numpy as np", "from math import isclose")


@pytest.mark.parametrize(
    "test",
    [
        "for x in range(3): assert f(x)",
        "x = f(1)\nassert x == 1",
        "assert all(f(x) for x in range(3))",
        "assert f(1) is f(1)",
        "assert path.exists(f(1))",
        "assert np.isclose(f(1), 2)",
        "assert callable(f)",
        "assert hasattr(f(1), 'x')",
        "assert 1 == 1",
        "assert f'{f(1)}' == '1'",
        "assert (lambda: f(1))()",
        "assert (lambda r: r == 5)(f(1))",
        "assert (f(1) == [5]).all()",
        "assert f(1).__eq__(5)",
        "assert f(1).equals([5])",
        "assert f(1).x.equals(y=[5])",
        "assert f(1)[0].equals([5])(2)",
        "assert C().method(1).equals([5])",
        "assert f(1) == '-'.join(['4', '2'])",
        "assert f(1) == Counter('kangaroo')",
        "assert " + "-" * 2000 + "f(1)",
        "assert f(1) == '" + "x" * (1 << 16) + "'",
    ],
)
def test_what_cannot_be_split_is_for_a_tester(test: str) -> None:
    with pytest.raises(NotAnAssertion):
        split(test, DEFINED)


def test_a_name_both_imported_and_defined_is_the_solution_s() -> None:
    definitions = Definitions.of(
        "try:\n    import fast\nexcept ImportError:\n    class fast: pass\nfrom os import path"
    )
    assert definitions.own == definitions.both == {"fast"}
    assert definitions.imported == {"path"}
    assert split("assert fast(1) == 2", definitions).calls == ("fast(1)",)
    assert replaced_in("assert fast(1) == 2", definitions) == frozenset()
    assert replaced_in("assert fast.f(1) == 2", definitions) == {"fast"}


def test_names_that_a_test_reads() -> None:
    assert names_used("x = f(y)\nassert g(x)") == {"x", "y", "f", "g"}
    assert names_used("assert (") == frozenset()


@pytest.mark.parametrize(
    "expression",
    [
        "10 ** 10 ** 10",
        "'a' * 10 ** 10",
        "[[1]] * 1000",
        "'%1000000d' % 1",
        "range(10 ** 10)",
        "sum([[1], [2]], [])",
        "round(1, 10 ** 9)",
        "(10 ** 4000) ** 4000",
        "sum([10 ** 4000, 10 ** 4000 * 10 ** 4000])",
    ],
)
def test_what_would_take_long_outside_is_not_done(expression: str) -> None:
    [condition] = split(f"assert f(1) == {expression}", DEFINED).conditions
    with pytest.raises(Unsupported):
        evaluate(condition, lambda _: 1)


@pytest.mark.parametrize(
    "expression",
    [
        "set(f(1))",
        "frozenset(f(1))",
        "dict(f(1))",
        "min([f(1)], key=set)",
        "{1}.issubset(f(1))",
        "{1: 2}.keys() & f(1)",
    ],
)
def test_of_many_values_no_set_is_made_outside_as_their_hashes_may_collide(expression: str) -> None:
    [condition] = split(f"assert {expression} == 0", DEFINED).conditions
    colliding = [((1 << 61) - 1) * number for number in range(100_000)]
    with pytest.raises(Unsupported):
        evaluate(condition, lambda _: colliding)


@pytest.mark.parametrize("name", ["dict", "frozenset", "range", "set"])
def test_bounded_types_are_types_still(name: str) -> None:
    [condition] = split(f"assert isinstance(f(1), {name}) and type(f(1)) == {name}", DEFINED).conditions
    value = range(3) if name == "range" else eval(name)()
    assert evaluate(condition, lambda _: value)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3) | st.tuples(inner, inner) | st.dictionaries(st.integers(0, 9), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(plain, plain)
def test_comparisons_outside_are_python_s(result: object, expected: object) -> None:
    for operator in ("==", "!="):
        [condition] = split(f"assert f(1) {operator} {expected!r}", DEFINED).conditions
        assert evaluate(condition, lambda _: result) == eval(f"result {operator} expected")
    assert ast.literal_eval(repr(expected)) == expected
