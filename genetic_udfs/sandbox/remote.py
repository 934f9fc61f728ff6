"""The solution's names in the tester's process: each use of one is a message to the process that has the solution.

Plain values are sent whole. An object stays where it is and is stood for by a `Remote`; what is done to that is done
to it. Neither process can reach the other but by these messages, and only the tester's says how the test ended.
"""

import contextlib
import json
import os
import sys
from collections.abc import Callable, Iterator
from enum import Enum
from typing import Any, Final, NoReturn

from genetic_udfs.sandbox.values import Malformed, Unsupported, decode, encode

_LONGEST_MESSAGE: Final = 4 << 20
_MUTABLE: Final = (list, dict, set)

# Of names with underscores about them, what may be asked of the solution. Libraries of the tester take others at their
# word: numpy reads memory at the address that `__array_interface__` holds, `typing` evaluates `__annotations__`.
_FETCHED: Final = {"__dict__", "__doc__", "__name__", "__qualname__", "__type_params__", "__wrapped__"}


class Origin(Enum):
    """Where an object of the solution comes from, which says what may be called with arguments.

    A method of what a function returned may not: the test means one of a type that it knows, such as `equals`, and the
    solution would see what is expected and say what it likes. That a name is a class's, the test says by a capital.
    """

    CLASS = "a name with a capital"
    NAMED = "another name, or an object that a class made"
    RESULT = "a call, or an attribute of something named"
    PART = "an attribute of a result"

    @classmethod
    def of_name(cls, name: str) -> "Origin":
        """Return that of what has a name."""
        return cls.CLASS if name[:1].isupper() else cls.NAMED

    @property
    def of_attributes(self) -> "Origin":
        """That of its attributes."""
        return Origin.RESULT if self in {Origin.CLASS, Origin.NAMED} else Origin.PART

    @property
    def of_results(self) -> "Origin":
        """That of what calling it returns."""
        return Origin.NAMED if self is Origin.CLASS else Origin.RESULT


class SolutionEnded(BaseException):
    """The process that has the solution is gone."""


class Solution:
    """The tester's side: asks for values of names and for calls, one at a time.

    Attributes:
        doubt: The first `Unsupported` or `SolutionEnded`. A test may catch it, on purpose or by a bare `except`;
            whatever comes of that test is then no verdict.
        asked: Whether it was asked for more than what a name stands for.
    """

    asked = False

    def __init__(self, inbox: int, outbox: int) -> None:
        self._replies = _Lines(inbox)
        self._outbox = outbox
        self.doubt: BaseException | None = None
        self._changed: dict[str, Any] = {}

    def fetch(self, name: str) -> Any:
        """Return what the solution has under a name.

        Raises:
            NameError: If it has none.
        """
        return self.ask({"do": "name", "name": name}, Origin.of_name(name))

    def ask(
        self, what: dict[str, Any], origin: Origin, arguments: tuple[Any, ...] = (), named: dict[str, Any] | None = None
    ) -> Any:
        """Return the value of a reply, or raise the error that it holds.

        Raises:
            SolutionEnded: If there is no reply any more.
            Unsupported: If the value, or an argument, cannot be sent.
        """
        try:
            given = {
                "arguments": [encode(each, _number) for each in arguments],
                "named": {name: encode(each, _number) for name, each in (named or {}).items()},
            }
            reply = self.reply({**what, **given})
            if "unsupported" in reply:
                raise Unsupported(str(reply["unsupported"])[:200])
        except (SolutionEnded, Unsupported) as error:
            self.doubt = self.doubt or error
            raise
        if "error" in reply:
            raise _error(reply)
        return self._decoded(reply.get("value"), origin)

    def call(self, function: int, origin: Origin, arguments: tuple[Any, ...], named: dict[str, Any]) -> Any:
        """Call an object; lists, dicts and sets among its arguments that it changes are changed here, too."""
        self._changed = {}
        try:
            return self.ask({"do": "call", "object": function}, origin, arguments, named)
        finally:
            for position, data in self._changed.items():
                with contextlib.suppress(ValueError, IndexError):
                    _become(arguments[int(position)], self._decoded(data, Origin.RESULT))

    def refuse(self, what: str) -> NoReturn:
        """Raise `Unsupported`, and hold it for a doubt."""
        error = Unsupported(what)
        self.doubt = self.doubt or error
        raise error

    def reply(self, what: dict[str, Any]) -> dict[str, Any]:
        """Send a message and return its reply as it came.

        Raises:
            SolutionEnded: If there is none any more.
        """
        self._changed = {}
        self.asked |= what["do"] != "name"
        try:
            _send(self._outbox, what)
            reply = self._replies.next()
        except BrokenPipeError:
            reply = None
        if reply is None:
            raise SolutionEnded
        changed = reply.get("changed")
        self._changed = changed if isinstance(changed, dict) else {}
        return reply

    def _decoded(self, data: Any, origin: Origin) -> Any:
        def stand_in(handled: list[Any]) -> Remote:
            number, type_name = handled
            if type(number) is not int or not isinstance(type_name, str):
                raise Malformed("no object")
            return Remote(self, number, type_name, origin)

        return decode(data, stand_in)


class Remote:
    """Stands for an object of the solution. It is equal to nothing, since its own word would decide that."""

    __slots__ = ("_number", "_origin", "_solution", "_type_name")
    _number: int
    _origin: Origin
    _solution: Solution
    _type_name: str

    def __init__(self, solution: Solution, number: int, type_name: str, origin: Origin) -> None:
        for name, value in zip(self.__slots__, (number, origin, solution, type_name), strict=True):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in _FETCHED:
            self._solution.refuse(f"{name} of an object of type {self._type_name}")
        what = {"do": "attribute", "object": self._number, "name": name}
        return self._solution.ask(what, self._origin.of_attributes)

    __doc__ = property(lambda self: self.__getattr__("__doc__"))

    def __setattr__(self, name: str, value: Any) -> None:
        self._method("__setattr__", name, value)

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object that this stands for."""
        if self._origin is Origin.PART and (arguments or named):
            self._solution.refuse("a method, with arguments, of what the solution returned")
        return self._solution.call(self._number, self._origin.of_results, arguments, named)

    def __len__(self) -> int:
        length = self._method("__len__")
        return length if type(length) is int else -1

    def __getitem__(self, key: Any) -> Any:
        return self._method("__getitem__", key)

    def __setitem__(self, key: Any, value: Any) -> None:
        self._method("__setitem__", key, value)

    def __contains__(self, item: Any) -> bool:
        self._solution.refuse(f"a search in an object of type {self._type_name}")

    def __iter__(self) -> Iterator[Any]:
        found: Iterator[Any] = iter(self._method("__iter__"))
        return found

    def __str__(self) -> str:
        text = self._method("__str__")
        return text if isinstance(text, str) else ""

    def __repr__(self) -> str:
        return f"<{self._type_name} of the solution>"

    def __bool__(self) -> bool:
        self._solution.refuse(f"the truth of an object of type {self._type_name}")

    def __eq__(self, other: object) -> bool:
        self._solution.refuse(f"a comparison with an object of type {self._type_name}")

    __lt__ = __le__ = __gt__ = __ge__ = __ne__ = __eq__
    __hash__ = object.__hash__

    def _method(self, name: str, *arguments: Any) -> Any:
        what = {"do": "method", "object": self._number, "name": name}
        return self._solution.ask(what, Origin.RESULT, arguments)


def serve(namespace: dict[str, Any], inbox: int, outbox: int) -> None:
    """Do what the tester asks until it is gone; the solution's side."""
    objects: list[Any] = []

    def handle(value: Any) -> list[Any]:
        objects.append(value)
        return [len(objects) - 1, type(value).__name__]

    def found(handled: list[Any]) -> Any:
        return objects[handled[0]]

    questions = _Lines(inbox)
    while (question := questions.next()) is not None:
        arguments: list[Any] = []
        reply: dict[str, Any]
        try:
            arguments = [decode(each, found) for each in question.get("arguments", ())]
            named = {name: decode(each, found) for name, each in question.get("named", {}).items()}
            reply = {"value": encode(_done(question, namespace, objects, arguments, named), handle)}
        except Unsupported as error:
            reply = {"unsupported": str(error)}
        except BaseException as error:
            reply = {**raised(error), "kinds": [f"{each.__module__}.{each.__name__}" for each in type(error).__mro__]}
        with contextlib.suppress(Unsupported):
            reply["changed"] = {
                str(at): now
                for at, value in enumerate(arguments)
                if isinstance(value, _MUTABLE) and (now := encode(value, handle)) != question["arguments"][at]
            }
        _send(outbox, reply)


def _done(
    question: dict[str, Any], namespace: dict[str, Any], objects: list[Any], arguments: list[Any], named: dict[str, Any]
) -> Any:
    if question["do"] == "name":
        name = question["name"]
        if name not in namespace:
            raise NameError(f"name {name!r} is not defined")
        return namespace[name]
    target = objects[question["object"]]
    if question["do"] == "attribute":
        return getattr(target, question["name"])
    function: Callable[..., Any] = target if question["do"] == "call" else getattr(target, question["name"])
    return function(*arguments, **named)


def _number(value: Any) -> list[Any] | None:
    return [value._number, value._type_name] if isinstance(value, Remote) else None


def _become(value: Any, now: Any) -> None:
    """Give a list, dict or set the content of another."""
    if type(value) is list and type(now) is list:
        value[:] = now
    elif type(value) is type(now) and isinstance(value, dict | set):
        value.clear()
        value.update(now)


def raised(error: BaseException) -> dict[str, Any]:
    """Return the name of an exception's class, and its text if it has one."""
    try:
        message = str(error)[:200]
    except BaseException:
        message = ""
    return {"error": type(error).__name__, "message": message}


def _error(reply: dict[str, Any]) -> Exception:
    """Return an exception of the class that a reply names, or of one made here from its nearest known base."""
    name, message = str(reply["error"]), str(reply.get("message", ""))
    known = next(filter(None, map(_known, reply.get("kinds", ()))), Exception)
    kind: type[Exception] = (
        known if known.__name__ == name else type(name if name.isidentifier() else "Exception", (known,), {})
    )
    try:
        return kind(message)
    except TypeError:  # UnicodeDecodeError and others want more than a message
        kind = type(kind.__name__, (kind,), {"__init__": lambda self, *_: None})
        return kind()


def _known(kind: str) -> type[Exception] | None:
    """Return the exception of the standard library that a text such as `builtins.ValueError` names."""
    module, _, name = kind.rpartition(".")
    if module.partition(".")[0] not in sys.stdlib_module_names:
        return None
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, Exception) else None


class _Lines:
    """Reads JSON objects, one a line, from a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = b""

    def next(self) -> dict[str, Any] | None:
        while b"\n" not in self._held:
            some = os.read(self._descriptor, 65536)
            if not some or len(self._held) > _LONGEST_MESSAGE:
                return None
            self._held += some
        line, self._held = self._held.split(b"\n", 1)
        message = json.loads(line)
        if not isinstance(message, dict):
            raise Malformed("no object")
        return message


def _send(descriptor: int, message: dict[str, Any]) -> None:
    rest = memoryview(json.dumps(message).encode() + b"\n")
    while rest:
        rest = rest[os.write(descriptor, rest) :]
