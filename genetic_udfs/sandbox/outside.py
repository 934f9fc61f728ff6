"""Evaluates the part of an assertion that the solution has no hand in: comparisons and the like, on plain values.

Nothing of the solution runs here. Every step is bounded, since values come from untrusted code.
"""

import ast
import itertools
import math
import operator
from collections.abc import Callable, ItemsView, KeysView, Mapping
from typing import Any, Final

from genetic_udfs.sandbox.values import MAX_HASHED, Unsupported

_MAX_BITS: Final = 1 << 14  # of an integer in arithmetic
_LONGEST: Final = 1 << 20  # of a text or a list that is made here


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > _LONGEST:
        raise Unsupported("a range that long")
    return made


def _round(value: Any, digits: int | None = None) -> Any:
    if digits is not None and abs(digits) > 1000:
        raise Unsupported("so many digits")
    return round(value, digits)


def _sum(items: Any, start: Any = 0) -> Any:
    numbers = [start, *items]
    if not all(isinstance(each, int | float | complex) for each in numbers):
        raise Unsupported("a sum of other things than numbers")  # of lists, it takes time by the square
    if any(_is_big(each) for each in numbers):
        raise Unsupported("a sum of so big numbers")
    return sum(numbers[1:], start)


def _is_big(value: Any) -> bool:
    return isinstance(value, int) and value.bit_length() > _MAX_BITS


def _few(items: Any) -> list[Any]:
    """Return what is to be hashed: where hashes collide, that takes time by the square."""
    some = list(itertools.islice(items, MAX_HASHED + 1))
    if len(some) > MAX_HASHED:
        raise Unsupported("a set or dict of so many members")
    return some


def _dict(items: Any = (), **named: Any) -> dict[Any, Any]:
    return dict(items if isinstance(items, dict) else _few(items), **named)


FUNCTIONS: Final[Mapping[str, Callable[..., Any]]] = {
    "abs": abs,
    "all": all,
    "any": any,
    "bool": bool,
    "complex": complex,
    "dict": dict,
    "float": float,
    "frozenset": frozenset,
    "int": int,
    "isinstance": isinstance,
    "len": len,
    "list": list,
    "max": max,
    "min": min,
    "range": range,
    "round": _round,
    "set": set,
    "sorted": sorted,
    "str": str,
    "sum": _sum,
    "tuple": tuple,
    "type": lambda value: type(value),
}
"""Built-in functions and types that an assertion may apply to a result."""

_BOUNDED: Final[Mapping[Any, Callable[..., Any]]] = {
    dict: _dict,
    frozenset: lambda items=(): frozenset(_few(items)),
    range: _range,
    set: lambda items=(): set(_few(items)),
}
"""What is called in the place of types that would make something too big, or take too long."""

MATH: Final[Mapping[str, Any]] = {
    name: getattr(math, name)
    for name in ("ceil", "fabs", "floor", "inf", "isclose", "isfinite", "isinf", "isnan", "nan", "pi", "e", "sqrt")
}
"""What an assertion may use of `math`."""

_METHODS: Final = """
    count endswith get index isalnum isalpha isdigit islower isspace issubset issuperset isupper items keys lower
    lstrip rstrip split splitlines startswith strip upper values
"""
METHODS: Final = frozenset(_METHODS.split())
"""Methods of built-in types that make nothing bigger than what they are called on."""

_TYPES: Final = (str, bytes, list, tuple, set, frozenset, dict)

_COMPARISONS: Final[Mapping[type[ast.cmpop], Callable[[Any, Any], Any]]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda item, container: item in container,
    ast.NotIn: lambda item, container: item not in container,
}
_UNARY: Final[Mapping[type[ast.unaryop], Callable[[Any], Any]]] = {
    ast.Not: operator.not_,
    ast.USub: operator.neg,
    ast.UAdd: operator.pos,
    ast.Invert: operator.invert,
}
_BINARY: Final[Mapping[type[ast.operator], Callable[[Any, Any], Any]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Mod: operator.mod,
    ast.Pow: operator.pow,
    ast.BitAnd: operator.and_,
    ast.BitOr: operator.or_,
    ast.BitXor: operator.xor,
}


def evaluate(node: ast.expr, results: Callable[[str], Any]) -> Any:
    """Evaluate an expression that `assertion.split` has made.

    Args:
        node: Of what that leaves outside.
        results: Returns, or raises, the result of a call by the name that stands for it.

    Raises:
        Unsupported: If a step is beyond what is done here.
        Exception: Whatever Python raises for these values.
    """
    return _Evaluation(results).of(node)


class _Evaluation:
    def __init__(self, results: Callable[[str], Any]) -> None:
        self._results = results

    def of(self, node: ast.expr) -> Any:
        match node:
            case ast.Constant():
                return node.value
            case ast.Name():
                return self._results(node.id) if node.id.startswith("<") else FUNCTIONS[node.id]
            case ast.Compare():
                return self._compared(node)
            case ast.BoolOp():
                return self._joined(node)
            case ast.UnaryOp():
                return _UNARY[type(node.op)](self.of(node.operand))
            case ast.BinOp():
                return _calculated(type(node.op), self.of(node.left), self.of(node.right))
            case ast.IfExp():
                return self.of(node.body) if self.of(node.test) else self.of(node.orelse)
            case ast.Subscript():
                return self.of(node.value)[self.of(node.slice)]
            case ast.Slice():
                return slice(*(None if each is None else self.of(each) for each in (node.lower, node.upper, node.step)))
            case ast.Call():
                return self._called(node)
            case ast.Attribute():
                return MATH[node.attr]
        return self._display(node)

    def _display(self, node: ast.expr) -> Any:
        match node:
            case ast.List():
                return [self.of(each) for each in node.elts]
            case ast.Tuple():
                return tuple(self.of(each) for each in node.elts)
            case ast.Set():
                return {self.of(each) for each in node.elts}
            case ast.Dict():
                keys = [self.of(key) for key in node.keys if key is not None]
                return dict(zip(keys, map(self.of, node.values), strict=True))
        raise Unsupported(f"{type(node).__name__} in an assertion")

    def _compared(self, node: ast.Compare) -> Any:
        left, result = self.of(node.left), None
        for how, other in zip(node.ops, node.comparators, strict=True):
            right = self.of(other)
            result = _COMPARISONS[type(how)](left, right)
            if not result:
                break
            left = right
        return result

    def _joined(self, node: ast.BoolOp) -> Any:
        value = None
        for each in node.values:
            value = self.of(each)
            if bool(value) is isinstance(node.op, ast.Or):
                break
        return value

    def _called(self, node: ast.Call) -> Any:
        named = {keyword.arg: self.of(keyword.value) for keyword in node.keywords if keyword.arg is not None}
        arguments = [self.of(each) for each in node.args]
        if isinstance(node.func, ast.Attribute) and not _is_math(node.func):
            target = self.of(node.func.value)
            if type(target) not in _TYPES:
                raise AttributeError(f"{type(target).__name__!r} object has no attribute {node.func.attr!r}")
            if node.func.attr in {"issubset", "issuperset"}:
                arguments = [set(_few(each)) for each in arguments]
            return getattr(target, node.func.attr)(*arguments, **named)
        if named.get("key") is not None:
            named["key"] = _bounded(named["key"])
        return _bounded(self.of(node.func))(*arguments, **named)


def _bounded(function: Any) -> Any:
    return _BOUNDED.get(function, function) if isinstance(function, type) else function


def _is_math(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id == "math"


def _calculated(how: type[ast.operator], left: Any, right: Any) -> Any:
    for value in (left, right):
        if _is_big(value):
            raise Unsupported("arithmetic on so big a number")
        if isinstance(value, KeysView | ItemsView):
            raise Unsupported("an operation on a dict's view")  # the other side may be any list
    if how is ast.Pow and isinstance(left, int) and isinstance(right, int):
        if left.bit_length() * abs(right) > _MAX_BITS:
            raise Unsupported("so high a power")
    elif how is ast.Mult:
        for some, times in ((left, right), (right, left)):
            if isinstance(some, str | bytes | list | tuple) and isinstance(times, int):
                nested = any(isinstance(each, list | tuple | set | frozenset | dict) for each in some)
                if nested or len(some) * times > _LONGEST:
                    raise Unsupported("so many repetitions")
    elif how is ast.Mod and isinstance(left, str | bytes):
        raise Unsupported("formatting of a text in an assertion")
    return _BINARY[how](left, right)
