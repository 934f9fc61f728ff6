"""Plain values as tagged JSON, out of a confined process: no pickle, no code, bounded in depth and number.

None, booleans, floats, texts and small integers are themselves; everything else is a list with a tag before it. A
value is sent if its class is exactly one that is known here: what a subclass says of itself is never asked.
"""

import itertools
import sys
from collections import Counter, OrderedDict, defaultdict, deque, namedtuple
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from fractions import Fraction
from io import IOBase
from typing import Any, Final, TypeVar
from uuid import UUID
from zoneinfo import ZoneInfo

_DEEPEST: Final = 64
_MAX_ITEMS: Final = 200_000
_MAX_ITERATED: Final = 1_000  # an iterator may have no end, and what it gives may take long
MAX_HASHED: Final = 10_000  # with hashes made to collide, so many members of a set take a second to put together
_EXACT_IN_JSON: Final = 1 << 53

_THEMSELVES: Final = {bool, float, str}
_ITERABLE: Final[dict[str, Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
_HASHED: Final = {"set", "frozenset"}
_DICTS: Final[dict[str, Any]] = {"dict": dict, "Counter": Counter, "OrderedDict": OrderedDict}
_FACTORIES: Final = {kind.__name__: kind for kind in (int, float, str, bool, list, dict, set, tuple)}
_OF_NAMED_TUPLES: Final = {*vars(namedtuple("_", ())), "__annotations__", "__orig_bases__", "__annotate__"}
_NUMPY_SCALARS: Final = {"bool", "bool_", "str_", *(f"{kind}{n}" for kind in ("int", "float") for n in (8, 16, 32, 64))}
_NUMPY_ARRAYS: Final = "biufU"  # kinds of dtypes whose `tolist` has plain values
_Text = tuple[Any, Callable[[Any], str], Callable[[str], Any]]
_TEXTS: Final[dict[str, _Text]] = {
    **{kind.__name__: (kind, str, kind) for kind in (Decimal, Fraction, UUID)},
    **{kind.__name__: (kind, lambda value: value.isoformat(), kind.fromisoformat) for kind in (date, datetime, time)},
    "timedelta": (
        timedelta,
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
    "bytes": (bytes, lambda value: value.hex(), bytes.fromhex),
    "bytearray": (bytearray, lambda value: value.hex(), bytearray.fromhex),
    "int": (int, lambda value: format(value, "x"), lambda text: int(text, 16)),
}

_Kind = TypeVar("_Kind")


class Unsupported(Exception):
    """A value cannot leave its process: its type is not a plain one, or it is too big or too deep."""


class Malformed(ValueError):
    """What came is not what this module sends."""


def encode(value: Any) -> Any:
    """Return a value as what JSON can hold.

    Args:
        value: Of Python's built-in types, `collections`, numbers, dates, named tuples, classes of exceptions, iterators
            of such, and numpy's scalars and arrays.

    Raises:
        Unsupported: naming the type that cannot be sent.
    """
    return _Encoder().encode(value, _DEEPEST)


def decode(data: Any, *, numpy: str = "lowered", kind: Callable[[Any], Any] | None = None) -> Any:
    """Return the value that JSON holds; types of Python's own, so its comparisons are Python's.

    Args:
        data: As `encode` gives it.
        numpy: What becomes of numpy's scalars and arrays: `kept`, `lowered` to numbers and lists, or `refused`.
        kind: Makes a class of exceptions of its description; without it there is none.

    Raises:
        Malformed: If it is no value in this form, or beyond the bounds.
    """
    try:
        return _Decoder(numpy, kind).decode(data, _DEEPEST)
    except (TypeError, ValueError, KeyError, RecursionError, ArithmeticError) as error:
        raise error if isinstance(error, Malformed) else Malformed(str(error)[:200]) from None


def kinds_of(kind: type[BaseException]) -> list[Any]:
    """Return the name of an exception's class, and the same of each of its bases that are exceptions."""
    bases = [kinds_of(base) for base in kind.__bases__ if issubclass(base, BaseException)]
    return [f"{kind.__module__}.{kind.__qualname__}", bases]


class _Encoder:
    def __init__(self) -> None:
        self._left = _MAX_ITEMS

    def encode(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Unsupported("a value that is too deep or has too many items")
        kind: Any = type(value)
        if value is None or kind in _THEMSELVES or (kind is int and abs(value) < _EXACT_IN_JSON):
            return value
        for name, known in _ITERABLE.items():
            if kind is known and getattr(value, "maxlen", None) is None:
                return [name, self._items(value, depth, MAX_HASHED if name in _HASHED else _MAX_ITEMS)]
        for name, known in _DICTS.items():
            if kind is known:
                return [name, self._pairs(value, depth)]
        for name, (known, as_text, _) in _TEXTS.items():
            if kind is known and not isinstance(getattr(value, "tzinfo", None), ZoneInfo):
                return [name, as_text(value)]
        return self._other(value, kind, depth)

    def _other(self, value: Any, kind: Any, depth: int) -> list[Any]:
        if kind is complex:
            return ["complex", value.real, value.imag]
        if kind is range and not _is_long(value):
            return ["range", *(self.encode(each, depth) for each in (value.start, value.stop, value.step))]
        if kind is defaultdict and (value.default_factory is None or value.default_factory in _FACTORIES.values()):
            factory = value.default_factory
            return ["defaultdict", factory and factory.__name__, self._pairs(value, depth)]
        if kind.__module__ == "numpy" and kind.__name__ in _NUMPY_SCALARS:
            return ["numpy", str(value.dtype), self.encode(value.item(), depth - 1)]
        if kind.__module__ == "numpy" and kind.__name__ == "ndarray" and value.dtype.kind in _NUMPY_ARRAYS:
            if value.size > _MAX_ITEMS:
                raise Unsupported("an array that has too many items")
            return ["ndarray", str(value.dtype), self.encode(value.tolist(), depth - 1)]
        if isinstance(value, type) and issubclass(value, BaseException):
            return ["exception", kinds_of(value)]
        if _is_named(kind):
            return ["namedtuple", kind.__name__, list(kind._fields), self._items(value, depth, _MAX_ITEMS)]
        if isinstance(value, Iterator) and not isinstance(value, IOBase):
            try:
                return ["iterator", self._items(value, depth, _MAX_ITERATED)]
            except Exception as error:
                raise Unsupported(f"an iterator that raises {type(error).__name__}") from None
        raise Unsupported(f"a value of type {kind.__name__}")

    def _pairs(self, value: dict[Any, Any], depth: int) -> list[Any]:
        pairs = itertools.islice(value.items(), MAX_HASHED + 1)
        return _bounded([[self.encode(key, depth - 1), self.encode(each, depth - 1)] for key, each in pairs])

    def _items(self, items: Iterable[Any], depth: int, most: int) -> list[Any]:
        return _bounded([self.encode(item, depth - 1) for item in itertools.islice(items, most + 1)], most)


class _Decoder:
    def __init__(self, numpy: str, kind: Callable[[Any], Any] | None) -> None:
        self._numpy, self._kind = numpy, kind
        self._left = _MAX_ITEMS
        self._left_hashed = MAX_HASHED * 2  # keys and values of a dict are counted

    def decode(self, data: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Malformed("too deep, or too many items")
        if data is None or isinstance(data, bool | int | float | str):
            return data
        tag, *content = _of(list, data)
        if tag in _ITERABLE or tag == "iterator":
            [items] = content
            found = self._items(items, depth, hashed=tag in _HASHED)
            return iter(found) if tag == "iterator" else _ITERABLE[tag](found)
        if tag in _DICTS:
            [pairs] = content
            made = _DICTS[tag]()
            made.update(self._dict(pairs, depth))
            return made
        if tag in _TEXTS:
            [text] = content
            return _TEXTS[tag][2](_of(str, text))
        return self._other(tag, content, depth)

    def _other(self, tag: Any, content: list[Any], depth: int) -> Any:
        match tag, content:
            case "complex", [float(real), float(imaginary)]:
                return complex(real, imaginary)
            case "range", [_, _, _]:
                made = range(*(_of(int, self.decode(each, depth - 1)) for each in content))
                if not _is_long(made):
                    return made
            case "defaultdict", [factory, pairs]:
                return defaultdict(None if factory is None else _FACTORIES[factory], self._dict(pairs, depth))
            case "namedtuple", [str(name), list(fields), items]:
                found = self._items(items, depth, hashed=False)
                return _named(name, tuple(_of(str, field) for field in fields))(*found)
            case "numpy" | "ndarray", [str(dtype), held] if self._numpy != "refused":
                value = self.decode(held, depth - 1)
                numpy: Any = sys.modules.get("numpy")
                if self._numpy == "lowered" or numpy is None:
                    return value
                return numpy.array(value, dtype) if tag == "ndarray" else numpy.dtype(dtype).type(value)
            case "exception", [kinds] if self._kind is not None:
                return self._kind(kinds)
        raise Malformed(f"no such value: {tag!r:.60}")

    def _dict(self, pairs: Any, depth: int) -> dict[Any, Any]:
        flat = self._items([each for key, value in map(tuple, _of(list, pairs)) for each in (key, value)], depth)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _items(self, items: Any, depth: int, *, hashed: bool = True) -> list[Any]:
        if hashed:
            self._left_hashed -= len(items)
            if self._left_hashed < 0:
                raise Malformed("too many members")
        return [self.decode(item, depth - 1) for item in _of(list, items)]


def _bounded(items: list[Any], most: int = MAX_HASHED) -> list[Any]:
    if len(items) > most:
        raise Unsupported("a value that has too many items")
    return items


def _is_named(kind: Any) -> bool:
    """Whether a class is a named tuple without methods of its own."""
    fields = getattr(kind, "_fields", None)
    if kind.__bases__ != (tuple,) or not isinstance(fields, tuple):
        return False
    return set(vars(kind)) - _OF_NAMED_TUPLES == set(fields)


def _named(name: str, fields: tuple[str, ...]) -> Any:
    return namedtuple(name, fields)


def _is_long(numbers: range) -> bool:
    return bool(numbers[_MAX_ITEMS:])  # `len` fails for those beyond 64 bits


def _of(kind: type[_Kind], value: Any) -> _Kind:
    if type(value) is not kind:
        raise Malformed(f"{value!r:.60} where {kind.__name__} is expected")
    return value
