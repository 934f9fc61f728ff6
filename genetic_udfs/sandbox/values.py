"""Plain values as tagged JSON, in and out of a confined process: no pickle, no code, bounded in depth and number.

None, booleans, floats, texts and small integers are themselves; everything else is a list with a tag before it.
A value of a subclass is sent as its base holds it, whatever methods it has of its own. Between the processes of a pair
classes of the standard library's are kept, and what loses its class is tagged as lowered.
"""

import itertools
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
MAX_HASHED: Final = 10_000  # with hashes made to collide, so many members of a set take a second to put together
_EXACT_IN_JSON: Final = 1 << 53

_ITERABLE: Final[dict[str, Any]] = {"list": list, "tuple": tuple, "set": set, "frozenset": frozenset, "deque": deque}
_HASHED: Final = {"set", "frozenset", "dict"}
_BASES: Final = (int, float, str, bytes, bytearray, complex, dict, *_ITERABLE.values())
_EXACT: Final = {*_BASES, bool}
_DICTS: Final[dict[str, Any]] = {"Counter": Counter, "OrderedDict": OrderedDict}
_SCALARS: Final = {"int64", "float64", "bool", "bool_", "str_", "bytes_", "complex128"}
_OF_NAMED_TUPLES: Final = {*vars(namedtuple("_", ())), "__annotations__", "__orig_bases__", "__annotate__"}
_MEANING_NOTHING: Final = {
    *("__module__", "__doc__", "__dict__", "__weakref__", "__init__", "__new__", "__slots__", "__annotations__"),
    *("__orig_bases__", "__repr__", "__str__", "__match_args__", "__getnewargs__", "__replace__", "__hash__"),
}
_NAMED: Final[dict[tuple[str, tuple[str, ...]], Any]] = {}
_KNOWN: Final = {*_DICTS.values(), defaultdict}
_FACTORIES: Final = {kind.__name__: kind for kind in (int, float, str, bool, list, dict, set, tuple)}
_TEXTS: Final[dict[str, tuple[Any, Callable[[Any], str], Callable[[str], Any]]]] = {
    **{kind.__name__: (kind, str, kind) for kind in (Decimal, Fraction, UUID)},
    **{kind.__name__: (kind, lambda value: value.isoformat(), kind.fromisoformat) for kind in (date, datetime, time)},
    "timedelta": (
        timedelta,
        lambda value: f"{value.days} {value.seconds} {value.microseconds}",
        lambda text: timedelta(*map(int, text.split())),
    ),
}

_Kind = TypeVar("_Kind")

Handle = Callable[[Any], list[Any] | None]
"""Makes something to send of an object that is no plain value, or None."""

Fetch = Callable[[list[Any]], Any]
"""Makes an object of what a `Handle` has sent."""


class Unsupported(Exception):
    """A value cannot leave its process: its type is not a plain one, or it is too big or too deep."""


class Malformed(ValueError):
    """What came is not what this module sends."""


class Items:
    """An iterator that has come from another process, as the items that it would give."""

    def __init__(self, items: list[Any], changed: Callable[[str], object]) -> None:
        self._items, self._changed = iter(items), changed

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._items)

    def __getattr__(self, name: str) -> Any:
        self._changed("lowered")  # a generator's `send`, or what the solution's own class has
        raise AttributeError(name)


def encode(value: Any, handle: Handle | None = None) -> Any:
    """Return a value as what JSON can hold.

    Args:
        value: Of None, bool, int, float, complex, str, bytes, list, tuple, set, frozenset, dict, deque, range,
            iterators of such, and numpy's scalars.
        handle: For objects that are none of these; it also asks for classes to be kept or described.

    Raises:
        Unsupported: naming the type that cannot be sent.
    """
    return _Encoder(handle).encode(value, _DEEPEST)


def decode(data: Any, fetch: Fetch | None = None, changed: Callable[[str], object] = lambda _: None) -> Any:
    """Return the value that JSON holds; types of Python's own, so its comparisons are Python's.

    Args:
        data: As `encode` gives it.
        fetch: For objects; without it there are exact built-in types alone.
        changed: Is called for a value that had another class: with `same` for numpy's scalars that are alike, `kept`
            for a class that is kept where there is a handle, else `lowered`.

    Raises:
        Malformed: If it is no value in this form, or beyond the bounds.
    """
    try:
        return _Decoder(fetch, changed).decode(data, _DEEPEST)
    except (TypeError, ValueError, KeyError, RecursionError, ArithmeticError) as error:
        raise error if isinstance(error, Malformed) else Malformed(str(error)[:200]) from None


class _Encoder:
    def __init__(self, handle: Handle | None) -> None:
        self._handle = handle
        self._left = _MAX_ITEMS

    def encode(self, value: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Unsupported("a value that is too deep or has too many items")
        if value is None or isinstance(value, bool):
            return value
        if type(value) in _EXACT:
            return self._plain(value, depth)
        if self._handle is not None and (kept := self._kept(value, depth)) is not None:
            return kept
        if not isinstance(value, _BASES):
            return self._plain(value, depth)
        if type(value).__module__ == "numpy":
            return ["same", self._plain(value, depth)]
        if self._handle is not None and _means_something_else(type(value)):
            return ["object", self._handle(value)]
        is_known = self._handle is None and (type(value) in _KNOWN or _is_named(type(value)))
        return ["kept" if is_known else "lowered", self._plain(value, depth)]

    def _plain(self, value: Any, depth: int) -> Any:
        if isinstance(value, int):
            small = -_EXACT_IN_JSON < int.__index__(value) < _EXACT_IN_JSON
            return int.__index__(value) if small else ["int", int.__format__(value, "x")]
        if isinstance(value, float):
            return float.__pos__(value)
        if isinstance(value, str):
            return str.__add__(value, "")
        return self._tagged(value, depth)

    def _kept(self, value: Any, depth: int) -> list[Any] | None:
        """Return a value of a class of the standard library's, or None."""
        kind = type(value)
        if kind in _DICTS.values():
            return [kind.__name__, self._pairs(value, depth)]
        if kind is defaultdict and (value.default_factory is None or value.default_factory in _FACTORIES.values()):
            factory = value.default_factory
            return ["defaultdict", factory and factory.__name__, self._pairs(value, depth)]
        if _is_named(kind):
            _NAMED[kind.__name__, kind._fields] = kind
            return [
                "namedtuple",
                kind.__name__,
                list(kind._fields),
                self._items(tuple.__iter__(value), depth, _MAX_ITEMS),
            ]
        if kind in [known for known, *_ in _TEXTS.values()] and not isinstance(
            getattr(value, "tzinfo", None), ZoneInfo
        ):
            return [kind.__name__, _TEXTS[kind.__name__][1](value)]
        return None

    def _tagged(self, value: Any, depth: int) -> list[Any]:
        for name, kind in _ITERABLE.items():
            if isinstance(value, kind) and getattr(value, "maxlen", None) is None:
                items = kind.__iter__(value)
                return [name, self._items(items, depth, MAX_HASHED if name in _HASHED else _MAX_ITEMS)]
        if isinstance(value, dict):
            return ["dict", self._pairs(value, depth)]
        if isinstance(value, bytes | bytearray):
            return ["bytearray" if isinstance(value, bytearray) else "bytes", value.hex()]
        if isinstance(value, complex):
            return ["complex", value.real, value.imag]
        if isinstance(value, range):
            if _is_long(value):
                raise Unsupported("a range that has too many items")
            return ["range", *(self.encode(each, depth) for each in (value.start, value.stop, value.step))]
        if type(value).__module__ == "numpy" and type(value).__name__ in _SCALARS:
            return ["same", self.encode(value.item(), depth - 1)]
        if self._handle is not None and (handled := self._handle(value)) is not None:
            return ["object", handled]
        if isinstance(value, Iterator) and not isinstance(value, IOBase):
            return ["iterator", self._items_of(value, depth)]
        raise Unsupported(f"a value of type {type(value).__name__}")

    def _items_of(self, iterator: Iterator[Any], depth: int) -> list[Any]:
        try:
            return self._items(iterator, depth, _MAX_ITEMS)
        except Exception as error:
            raise Unsupported(f"an iterator that raises {type(error).__name__}") from None

    def _pairs(self, value: dict[Any, Any], depth: int) -> list[Any]:
        pairs = itertools.islice(dict.items(value), MAX_HASHED + 1)
        found = [[self.encode(key, depth - 1), self.encode(each, depth - 1)] for key, each in pairs]
        return self._bounded(found, MAX_HASHED)

    def _items(self, items: Iterable[Any], depth: int, most: int) -> list[Any]:
        return self._bounded([self.encode(item, depth - 1) for item in itertools.islice(items, most + 1)], most)

    def _bounded(self, items: list[Any], most: int) -> list[Any]:
        if len(items) > most:
            raise Unsupported("a value that has too many items")
        return items


class _Decoder:
    def __init__(self, fetch: Fetch | None, changed: Callable[[str], object]) -> None:
        self._fetch = fetch
        self._changed = changed
        self._left = _MAX_ITEMS
        self._left_hashed = MAX_HASHED

    def decode(self, data: Any, depth: int) -> Any:
        self._left -= 1
        if depth < 0 or self._left < 0:
            raise Malformed("too deep, or too many items")
        if data is None or isinstance(data, bool | int | float | str):
            return data
        if not isinstance(data, list) or not data:
            raise Malformed(f"no tagged value: {data!r:.60}")
        tag, *content = data
        if tag in _ITERABLE or tag == "iterator":
            [items] = content
            found = self._items(_list(items), depth, hashed=tag in _HASHED)
            return Items(found, self._changed) if tag == "iterator" else _ITERABLE[tag](found)
        if tag == "dict":
            [pairs] = content
            return self._dict(pairs, depth)
        if self._fetch is not None and (found := self._kept(tag, content, depth)) is not None:
            return found
        return self._other(tag, content, depth)

    def _kept(self, tag: Any, content: list[Any], depth: int) -> Any:
        """Return a value of a class of the standard library's, or None."""
        if tag in _DICTS:
            [pairs] = content
            made = _DICTS[tag]()
            made.update(self._dict(pairs, depth))
            return made
        if tag == "defaultdict":
            factory, pairs = content
            return defaultdict(None if factory is None else _FACTORIES[factory], self._dict(pairs, depth))
        if tag == "namedtuple":
            name, fields, items = content
            found = self._items(_list(items), depth, hashed=False)
            if any(isinstance(item, list) and item[:1] == ["object"] for item in items):
                self._changed("lowered")  # else its objects would be attributes, which may be called, of a result
                return tuple(found)
            return _named(_of(str, name), tuple(_list(fields)))(*found)
        if tag in _TEXTS:
            [text] = content
            return _TEXTS[tag][2](_of(str, text))
        return None

    def _dict(self, pairs: Any, depth: int) -> dict[Any, Any]:
        flat = self._items([each for pair in _list(pairs) for each in _pair(pair)], depth, hashed=True)
        return dict(zip(flat[::2], flat[1::2], strict=True))

    def _other(self, tag: Any, content: list[Any], depth: int) -> Any:
        if tag == "int":
            return int(_of(str, *content), 16)
        if tag == "bytes":
            return bytes.fromhex(_of(str, *content))
        if tag == "bytearray":
            return bytearray.fromhex(_of(str, *content))
        if tag == "complex":
            real, imaginary = content
            return complex(_of(float, real), _of(float, imaginary))
        if tag == "range":
            start, stop, step = (_of(int, self.decode(each, depth - 1)) for each in content)
            made = range(start, stop, step)
            if _is_long(made):
                raise Malformed("a range that has too many items")
            return made
        if tag in {"same", "kept", "lowered"}:
            [base] = content
            self._changed(tag)
            return self.decode(base, depth - 1)
        if tag == "object" and self._fetch is not None:
            [handled] = content
            return self._fetch(_list(handled))
        raise Malformed(f"no such tag: {tag!r:.60}")

    def _items(self, items: list[Any], depth: int, *, hashed: bool) -> list[Any]:
        if hashed:
            self._left_hashed -= len(items)
            if self._left_hashed < -MAX_HASHED:  # keys and values of a dict are counted
                raise Malformed("too many members")
        return [self.decode(item, depth - 1) for item in items]


def _means_something_else(kind: type) -> bool:
    """Whether a class of the code's own has operators, comparisons or the like that are not its base's."""
    own = (name for each in kind.__mro__ if each.__module__ == "solution" for name in vars(each))
    return any(name.startswith("__") and name.endswith("__") and name not in _MEANING_NOTHING for name in own)


def _is_named(kind: type) -> bool:
    """Whether a class is a named tuple without methods of its own."""
    fields = getattr(kind, "_fields", None)
    if kind.__bases__ != (tuple,) or not isinstance(fields, tuple):
        return False
    return set(vars(kind)) - _OF_NAMED_TUPLES == set(fields)


def _named(name: str, fields: tuple[str, ...]) -> Any:
    """Return the class of a named tuple: the one that was sent, where it was."""
    if (name, fields) not in _NAMED:
        _NAMED[name, fields] = namedtuple(name, fields)
    return _NAMED[name, fields]


def _is_long(numbers: range) -> bool:
    return bool(numbers[_MAX_ITEMS:])  # `len` fails for those beyond 64 bits


def _list(value: Any) -> list[Any]:
    return _of(list, value)


def _pair(value: Any) -> tuple[Any, Any]:
    key, each = _of(list, value)
    return key, each


def _of(kind: type[_Kind], value: Any) -> _Kind:
    if type(value) is not kind:
        raise Malformed(f"{value!r:.60} where {kind.__name__} is expected")
    return value
