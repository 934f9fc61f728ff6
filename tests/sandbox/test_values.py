"""Plain values come out as they went in; anything else that a process sends is refused."""

import contextlib
import json
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from datetime import date, datetime, timedelta
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from typing import Any
from uuid import UUID

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


class Unhashable:
    __hash__ = None  # type: ignore[assignment]

    def __call__(self) -> int:
        return 0


class Colour(IntEnum):
    RED = 1


class Loud(str):
    def __eq__(self, other: object) -> bool:
        return True

    __hash__ = str.__hash__


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    "value",
    [
        OrderedDict(a=1, b=[2]),
        defaultdict(list, a=[1]),
        Counter("aab"),
        Decimal("1.10"),
        Fraction(1, 3),
        date(2024, 2, 29),
        datetime(2024, 2, 29, 12, 30),
        timedelta(days=1, microseconds=3),
        UUID(int=5),
    ],
    ids=lambda value: type(value).__name__,
)
def test_values_of_the_library_keep_their_class(value: Any) -> None:
    came = sent(value)
    assert came == value
    assert type(came) is type(value)


def test_a_named_tuple_comes_as_one_of_the_same_names() -> None:
    came = sent(Point(1, 2))
    assert (came, came.y, repr(came)) == (Point(1, 2), 2, "Point(x=1, y=2)")


@pytest.mark.parametrize("value", [np.int64(3), np.float64(0.5), np.bool_(True)], ids=repr)
def test_numpy_s_scalars_are_kept_lowered_or_refused(value: Any) -> None:
    data = json.loads(json.dumps(encode(value)))
    kept, lowered = decode(data, numpy="kept"), decode(data)
    assert (type(kept), kept) == (type(value), value)
    assert (type(lowered), lowered) == (type(value.item()), value.item())
    with pytest.raises(Malformed):
        decode(data, numpy="refused")


def test_numpy_s_arrays_too() -> None:
    array = np.array([[1, 2], [3, 4]], "int32")
    data = json.loads(json.dumps(encode([array])))
    [kept] = decode(data, numpy="kept")
    assert kept.dtype == array.dtype and (kept == array).all()
    assert decode(data) == [[[1, 2], [3, 4]]]


@pytest.mark.parametrize(
    "value",
    [
        object(),
        len,
        [object()],
        {1: object},
        Colour.RED,
        Loud("a"),
        ValueError("a"),
        map(abs, [1]),
        (each for each in [1]),
        defaultdict(Unhashable()),
        set(range(20_000)),
        [0] * 300_000,
        range(10**15),
        range(10**30),
        Ellipsis,
    ],
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
        ["dict", [1]],
        ["dict", [["list", []], 1]],
        ["int", 5],
        ["int", [5]],
        ["int", ["zz"]],
        ["bytes", ["x"]],
        ["range", [1, 2, 0]],
        ["range", ["1"]],
        ["range", [0, 10**9, 1]],
        ["range", [0, ["int", ["f" * 30]], 1]],
        ["complex", [1, 2]],
        ["Fraction", ["1e999999999"]],
        ["Fraction", [["Decimal", ["1e999999999"]]]],
        ["namedtuple", ["P", ["list", ["class"]], 1]],
        ["defaultdict", ["eval"]],
        ["exception", ["builtins.ValueError", ["list", []]]],
        ["list", [["exception", ["builtins.ValueError", ["list", []]]]]],
        ["Fraction", [["int", ["f" * 100_000]], ["int", ["7" * 100_000]]]],
        ["namedtuple", ["P", ["list", [f"x{at}" for at in range(1000)]], *range(1000)]],
        ["list", [["namedtuple", [f"P{at}", ["list", ["x"]], 1]] for at in range(200)]],
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
