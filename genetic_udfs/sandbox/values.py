"""Plain values as tagged JSON, out of a confined process: no pickle, no code, bounded in depth, number and size.

None, booleans, floats, texts and small integers are themselves; everything else is a tag and a list of its parts. A
value is sent if its class is exactly one that is known here: what a subclass says of itself is never asked.
"""

import itertools
import math
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable
from datetime import date, datetime, time, timedelta
from importlib import import_module
from typing import Any, Final

_DEEPEST: Final = 64
_MAX_ITEMS: Final = 200_000
# With hashes made to collide, so many take a second to put together.
_MAX_HASHED: Final = 20_000
_MAX_PARTS: Final = {"set": 10_000, "frozenset": 10_000} | dict.fromkeys(
    ("dict", "Counter", "OrderedDict", "defaultdict"), _MAX_HASHED
)
_MAX_NAMED, _MAX_FIELDS = 20, 200  # classes of named tuples, each of which Python compiles, and fields of one
_MAX_BITS: Final = 1 << 14  # of a fraction's parts, whose greatest divisor is looked for
_EXACT_IN_JSON: Final = 1 << 53
_LONGEST_ANSWER: Final = 1000

_FACTORIES: Final = {kind.__name__: kind for kind in (int, float, str, bool, list, dict, set, tuple)}
_OF_NAMED_TUPLES: Final = {*vars(namedtuple("_", ())), "__annotations__", "__orig_bases__", "__annotate__"}
# Classes whose modules are not loaded before there is such a value: a fork takes the longer the more there is.
_LATE: Final = {"Decimal": "decimal", "Fraction": "fractions", "UUID": "uuid"}
_NUMPY_SCALARS: Final = {"bool", "bool_", "str_", *(f"{kind}{n}" for kind in ("int", "float") for n in (8, 16, 32, 64))}
_NUMPY_ARRAYS: Final = "biufU"  # kinds of dtypes whose `tolist` has plain values


class Unsupported(Exception):
    """A value cannot leave its process: its type is not a plain one, or it is too big or too deep."""


class Malformed(ValueError):
    """What came is not what this module sends."""


def encode(value: Any) -> Any:
    """Return a value as what JSON can hold.

    Args:
        value: Of Python's built-in types, `collections`, numbers, dates, named tuples, classes of exceptions,
            and numpy's scalars and arrays. A generator is none: what it yields is not known before it is asked.

    Raises:
        Unsupported: naming the type that cannot be sent.
    """
    try:
        return _Encoder().encode(value, _DEEPEST)
    except Unsupported:
        raise
    except BaseException as error:  # of a class that answers for itself what is asked of it
        raise Unsupported(f"a value that raises {type(error).__name__}") from None


def decode(data: Any, *, numpy: str = "lowered") -> Any:
    """Return the value that JSON holds; types of Python's own, so its comparisons are Python's.

    Args:
        data: As `encode` gives it; a class is no value, since calling it makes something that is true.
        numpy: What becomes of numpy's scalars and arrays: `lowered` to numbers and lists, or, for what is compared,
            `kept` or `refused`. Compared with others, a container with a NaN is none: that is equal to itself alone.

    Raises:
        Malformed: If it is no value in this form, or beyond the bounds.
    """
    try:
        return _Decoder(numpy).decode(data, _DEEPEST)
    except (TypeError, ValueError, LookupError, RecursionError, ArithmeticError, SyntaxError, MemoryError) as error:
        raise error if isinstance(error, Malformed) else Malformed(str(error)[:200]) from None


def kinds_of(kind: type[BaseException]) -> list[Any]:
    """Return the name of an exception's class, and the same of each of its bases that are exceptions."""
    bases = [kinds_of(base) for base in kind.__bases__ if issubclass(base, BaseException)]
    return [f"{kind.__module__}.{kind.__qualname__}", bases]


def canonical(data: Any) -> str | None:
    """Return a text that is the same for values that are equal, or nearly so: sets have no order, and floats 9 digits.

    Floats that are whole numbers have all of theirs.

    Args:
        data: The value as `encode` gives it.

    Returns:
        A long text as a hash; None for what is no value.
    """
    try:
        text = _canonical(decode(data))
    except (ValueError, TypeError, ArithmeticError, RecursionError, MemoryError):
        return None
    if len(text) <= _LONGEST_ANSWER:
        return text
    import hashlib  # for its owner: a zygote has no use for the system's library of ciphers

    return f"sha256 {hashlib.sha256(text.encode()).hexdigest()}"


def _canonical(value: Any) -> str:
    match value:
        case bool() | None:
            return repr(value)
        case float() if not math.isfinite(value) or value != int(value):
            return f"{value:.9g}"
        case int() | float():
            return repr(int(value))
        case list() | tuple() | deque():
            return f"{type(value).__name__}({', '.join(map(_canonical, value))})"
        case set() | frozenset():
            return f"set({', '.join(sorted(map(_canonical, value)))})"
        case dict():
            pairs = sorted(f"{_canonical(key)}: {_canonical(each)}" for key, each in value.items())
            return f"dict({', '.join(pairs)})"
    return repr(value)


def _flat(held: dict[Any, Any]) -> Iterable[Any]:
    return itertools.chain.from_iterable(held.items())


def _dict(parts: list[Any]) -> dict[Any, Any]:
    return dict(zip(parts[::2], parts[1::2], strict=True))


def _made_of(part: type, make: Callable[..., Any]) -> Callable[[list[Any]], Any]:
    """Return what makes a value of parts that are all of one class: others might stand for far more than they say."""

    def made(parts: list[Any]) -> Any:
        if any(type(each) is not part for each in parts):
            raise Malformed(f"a part that is no {part.__name__}")
        return make(*parts)

    return made


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if _is_long(made):
        raise Malformed("a range that is too long")
    return made


def _is_long(numbers: range) -> bool:
    return bool(numbers[_MAX_ITEMS:])  # `len` fails for those beyond 64 bits


_Codec = tuple[Any, Callable[[Any], Iterable[Any]], Callable[[list[Any]], Any]]
# By tag: the class, what gives the parts of a value, and what makes a value of them.
_CODECS: Final[dict[str, _Codec]] = {
    **{kind.__name__: (kind, iter, kind) for kind in (list, tuple, set, frozenset, deque)},
    "dict": (dict, _flat, _dict),
    "Counter": (Counter, _flat, lambda parts: Counter(_dict(parts))),
    "OrderedDict": (OrderedDict, _flat, lambda parts: OrderedDict(_dict(parts))),
    **{
        kind.__name__: (kind, lambda value: [value.isoformat()], _made_of(str, kind.fromisoformat))
        for kind in (date, datetime, time)
    },
    **{kind.__name__: (kind, lambda value: [value.hex()], _made_of(str, kind.fromhex)) for kind in (bytes, bytearray)},
    "int": (int, lambda value: [format(value, "x")], _made_of(str, lambda text: int(text, 16))),
    "timedelta": (timedelta, lambda value: [value.days, value.seconds, value.microseconds], _made_of(int, timedelta)),
    "range": (range, lambda value: [value.start, value.stop, value.step], _made_of(int, _range)),
    "complex": (complex, lambda value: [value.real, value.imag], _made_of(float, complex)),
}
# By identity: a class may be equal to whatever its own class wants, or have no hash.
_TAGS: Final = {id(kind): tag for tag, (kind, _, _) in _CODECS.items()}
_THEMSELVES: Final = {id(kind) for kind in (type(None), bool, float, str)}


class _Encoder:
    def __init__(self) -> None:
        self._left = _MAX_ITEMS

    def encode(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Unsupported("a value that is too deep or has too many items")
        kind: Any = type(value)
        if id(kind) in _THEMSELVES or (kind is int and abs(value) < _EXACT_IN_JSON):
            return value
        tag, parts = _taken_apart(value, kind)
        most = _MAX_PARTS.get(tag, _MAX_ITEMS)
        items = list(itertools.islice(parts, most + 1))
        if len(items) > most:
            raise Unsupported("a value that has too many items")
        return [tag, [self.encode(item, depth - 1) for item in items]]


def _loses(value: Any, read: Any) -> bool:
    """Whether a time has a zone, or a place in one, that is not in its text."""
    is_zone = type(value.tzinfo).__name__ == "ZoneInfo"
    return is_zone or (value.tzname(), value.fold) != (read.tzname(), read.fold)


def _taken_apart(value: Any, kind: Any) -> tuple[str, Iterable[Any]]:
    """Return the tag of a value, and its parts."""
    if tag := _TAGS.get(id(kind)):  # only then is it asked: `__getattr__` of another class is the code's
        loses = kind in {datetime, time} and _loses(value, kind.fromisoformat(value.isoformat()))
        is_bounded = getattr(value, "maxlen", None) is None and not (kind is range and _is_long(value))
        if is_bounded and not loses:
            return tag, _CODECS[tag][1](value)
    if _LATE.get(kind.__name__) == kind.__module__:
        return kind.__name__, [value.numerator, value.denominator] if kind.__name__ == "Fraction" else [str(value)]
    if kind is defaultdict and value.default_factory in {None, *_FACTORIES.values()}:
        factory = value.default_factory and value.default_factory.__name__
        return "defaultdict", itertools.chain([factory], _flat(value))
    if kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS:
        return "numpy", [str(value.dtype), value.item()]
    is_array = kind.__module__ == "numpy" and kind.__name__ == "ndarray"
    has_shape = is_array and (value.size > 0 or value.ndim == 1)  # lists within an empty one do not tell it
    if has_shape and value.dtype.kind in _NUMPY_ARRAYS and value.size <= _MAX_ITEMS:
        return "ndarray", [str(value.dtype), value.tolist()]
    if isinstance(value, type) and issubclass(value, BaseException):
        return "exception", kinds_of(value)
    fields: Any = getattr(kind, "_fields", None)
    is_named = kind.__bases__ == (tuple,) and isinstance(fields, tuple)
    if is_named and set(vars(kind)) - _OF_NAMED_TUPLES == set(fields):  # it has no methods of its own
        return "namedtuple", [kind.__name__, list(fields), *value]
    raise Unsupported(f"a value of type {kind.__name__}")


class _Decoder:
    def __init__(self, numpy: str) -> None:
        self._numpy = numpy
        self._named: dict[tuple[str, ...], Any] = {}
        self._left, self._left_hashed = _MAX_ITEMS, _MAX_HASHED

    def decode(self, data: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Malformed("too deep, or too many items")
        match data:
            case None | bool() | int() | float() | str():
                return data
            case [str(tag), list(parts)]:
                self._left_hashed -= len(parts) if tag in _MAX_PARTS else 0
                if self._left_hashed < 0:
                    raise Malformed("too many members")
                return self._made(tag, [self.decode(part, depth - 1) for part in parts])
        raise Malformed(f"no such value: {data!r:.60}")

    def _made(self, tag: str, parts: list[Any]) -> Any:
        if tag in _CODECS:
            if (
                self._numpy != "lowered"
                and tag != "complex"
                and any(type(part) is float and part != part for part in parts)
            ):
                raise Malformed("a NaN in another value")
            return _CODECS[tag][2](parts)
        match tag, parts:
            case "Decimal" | "UUID", [str()]:
                return getattr(import_module(_LATE[tag]), tag)(*parts)
            case "Fraction", [int(), int()] if max(part.bit_length() for part in parts) <= _MAX_BITS:
                return import_module("fractions").Fraction(*parts)
            case "defaultdict", [factory, *pairs]:
                return defaultdict(factory and _FACTORIES[factory], _dict(pairs))
            case "namedtuple", [str(name), list(fields), *items] if len(fields) <= _MAX_FIELDS:
                return self._named_tuple(name, fields)(*items)
            case "numpy" | "ndarray", [str(dtype), held] if self._numpy != "refused":
                if self._numpy == "lowered":
                    return held
                numpy: Any = sys.modules.get("numpy")
                if numpy is None:
                    raise Malformed("a value of numpy's, which is not there")
                return numpy.array(held, dtype) if tag == "ndarray" else numpy.dtype(dtype).type(held)
        raise Malformed(f"no such value: {tag:.60}")

    def _named_tuple(self, name: str, fields: list[str]) -> Any:
        key, make = (name, *fields), namedtuple
        if key not in self._named:
            if len(self._named) == _MAX_NAMED:
                raise Malformed("too many classes of named tuples")
            self._named[key] = make(name, fields)
        return self._named[key]
