"""Plain values come out as they went in; anything else that a process sends is refused."""

import contextlib
import json
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from enum import IntEnum
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from genetic_udfs.sandbox.values import Malformed, Unsupported, decode, encode

hashable = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text()
    | st.binary()
    | st.complex_numbers(allow_nan=False),
    lambda inner: st.tuples(inner, inner) | st.frozensets(inner, max_size=3),
    max_leaves=6,
)
values = st.recursive(
    hashable,
    lambda inner: st.lists(inner) | st.tuples(inner) | st.dictionaries(hashable, inner) | st.sets(hashable),
    max_leaves=12,
)


def sent(value: Any) -> Any:
    return decode(json.loads(json.dumps(encode(value))))


@given(values)
def test_plain_values_come_out_as_they_went_in(value: Any) -> None:
    came = sent(value)
    assert came == value
    assert type(came) is type(value)


@pytest.mark.parametrize(
    "value",
    [(1 << 9000), -(1 << 9000), 2**53, float("inf"), "\ud800", range(3, 99, 7), deque([1]), bytearray(b"x")],
    ids=lambda value: type(value).__name__,
)
def test_unusual_values_too(value: Any) -> None:
    came = sent(value)
    assert came == value
    assert type(came) is type(value)


class Colour(IntEnum):
    RED = 1


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "comes_as"),
    [
        (OrderedDict(a=1), {"a": 1}),
        (defaultdict(list, a=[1]), {"a": [1]}),
        (Counter("aab"), {"a": 2, "b": 1}),
        (Point(1, 2), (1, 2)),
        (Colour.RED, 1),
        (np.int64(3), 3),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
    ],
)
def test_values_of_subclasses_come_as_their_base(value: Any, comes_as: Any) -> None:
    came = sent(value)
    assert came == comes_as
    assert type(came) is type(comes_as)


def test_an_iterator_comes_as_one() -> None:
    came = sent(map(abs, [-1, -2]))
    assert came != [1, 2]
    assert list(came) == [1, 2]


@pytest.mark.parametrize(
    "value",
    [object(), len, [object()], {1: object}, set(range(20_000)), [0] * 300_000, range(10**15), range(10**30), Ellipsis],
)
def test_what_is_no_plain_value_is_not_sent(value: Any) -> None:
    with pytest.raises(Unsupported):
        encode(value)


@pytest.mark.parametrize(
    "data",
    [
        {},
        [],
        ["list"],
        ["list", 3],
        ["list", [1], [2]],
        ["set", [["list", [1]]]],
        ["dict", [[1]]],
        ["dict", [1, 2]],
        ["int", 5],
        ["int", "zz"],
        ["bytes", "x"],
        ["range", 1, 2, 0],
        ["range", 1, 2],
        ["range", 0, 10**9, 1],
        ["range", 0, ["int", "f" * 30], 1],
        ["complex", 1, 2],
        ["object", [0, "x"]],
        ["eval", "1"],
        [["list", []]],
        ["set", list(range(30_000))],
        ["list", [0] * 300_000],
    ],
)
def test_what_is_no_value_in_this_form_is_refused(data: Any) -> None:
    with pytest.raises(Malformed):
        decode(data)


def test_depth_is_bounded() -> None:
    data: Any = 1
    for _ in range(100):
        data = ["list", [data]]
    with pytest.raises(Malformed):
        decode(data)


@given(
    st.recursive(
        st.none() | st.integers() | st.text(max_size=6), lambda inner: st.lists(inner, max_size=4), max_leaves=20
    )
)
def test_anything_else_is_a_value_or_is_refused(data: Any) -> None:
    with contextlib.suppress(Malformed):
        decode(data)
