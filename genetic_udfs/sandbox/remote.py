"""The solution's names in the tester's process: each use of one is a message to the process that has the solution.

Plain values are sent whole. An object stays where it is and is stood for by a `Remote`; what is done to that is done
to it. Neither process can reach the other but by these messages, and only the tester's says how the test ended.
"""

import threading
from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NoReturn

from genetic_udfs.sandbox.copies import Copies, become
from genetic_udfs.sandbox.exceptions import STANDS_FOR, Exceptions, StandIn
from genetic_udfs.sandbox.messages import Messages, send
from genetic_udfs.sandbox.serving import RESULT
from genetic_udfs.sandbox.special_methods import define_special_methods
from genetic_udfs.sandbox.values import Items, Malformed, Unsupported, decode, encode

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
            whatever comes of that test is then no outcome.
        copies: What it was given, and has returned.
        asked: Whether it was asked for more than what a name stands for.
        changes: What became of classes on the way, as `values.decode` says.
        has_objects: Whether it has returned an object that is not there.
    """

    asked = False
    has_objects = False

    def __init__(self, inbox: int, outbox: int) -> None:
        self._replies = Messages(inbox)
        self._outbox = outbox
        self.doubt: BaseException | None = None
        self.changes: set[str] = set()
        self._exceptions = Exceptions(self.refuse)
        self.copies = Copies()
        self._one_at_a_time = threading.RLock()

    def fetch(self, name: str) -> Any:
        """Return what the solution has under a name.

        Raises:
            NameError: If it has none.
        """
        return self.ask({"do": "name", "name": name}, Origin.of_name(name), {})

    def ask(self, what: dict[str, Any], origin: Origin, given: dict[str, Any], *, may_keep: bool = True) -> Any:
        """Return the value of a reply, or raise the error that it holds.

        Args:
            what: What to do.
            origin: That of the value.
            given: Arguments, by name or place; lists and the like that the solution changes are changed here, too.
            may_keep: Whether the solution may keep these, as an object does and a function hardly ever.

        Raises:
            SolutionEnded: If there is no reply any more.
            Unsupported: If the value, or an argument, cannot be sent.
        """
        with self._one_at_a_time:
            try:
                sent = {name: encode(each, _number) for name, each in given.items()}
                reply = self._reply({**what, "given": sent, "held": self.copies.held()})
                if "unsupported" in reply:
                    raise Unsupported(str(reply["unsupported"])[:200])
            except (SolutionEnded, Unsupported) as error:
                self.doubt = self.doubt or error
                raise
            changed, numbers = _dict(reply.get("changed")), _dict(reply.get("numbers"))
            for name, now in changed.items():
                if not become(given.get(name), self._decoded(now, Origin.RESULT)):
                    self.refuse("what the code has made of lists within those that it was given")
            for name, value in given.items():
                self.copies.watch(value, numbers.get(name), changed=not may_keep or name in changed)
            if reply.get("stale"):
                self.refuse("a later change of what the code was given or has returned")
            if "error" in reply:
                raised = self._exceptions.error(reply)
                if isinstance(raised, StopIteration) and (what["do"], what.get("name")) != ("operator", "next"):
                    self.refuse("StopIteration, which ends a loop over calls")
                raise raised
            value = self._decoded(reply.get("value"), origin)
            self.copies.watch(value, numbers.get(RESULT))
            return value

    def refuse(self, what: str) -> NoReturn:
        """Raise `Unsupported`, and hold it for a doubt."""
        error = Unsupported(what)
        self.doubt = self.doubt or error
        raise error

    def is_instance(self, value: Any, kinds: Any) -> bool:
        """Stand in for the built-in function, which does not know what the solution's objects are."""
        is_its_own = type(kinds) is Remote
        if self.changes or (type(value) in {Remote, Items} and not is_its_own) or (type(value) is tuple and is_its_own):
            self.refuse("the class of something that the code has returned")
        return isinstance(value, kinds)

    def is_subclass(self, kind: Any, kinds: Any) -> bool:
        """Stand in for the built-in function."""
        if Remote in {type(kind), type(kinds)}:
            self.refuse("what a class of the code is derived from")
        return issubclass(kind, kinds)

    def has_attribute(self, value: Any, name: str) -> bool:
        """Stand in for the built-in function."""
        if type(value) is Remote and name.startswith("__"):
            self.refuse(f"whether an object has {name}")
        return hasattr(value, name)

    def can_be_called(self, value: Any) -> bool:
        """Stand in for the built-in function."""
        return value._remote_asked_for("callable") is True if type(value) is Remote else callable(value)

    def class_of(self, value: Any) -> type:
        """Stand in for the built-in function."""
        if self.changes or type(value) in {Remote, Items}:
            self.refuse("the class of something that the code has returned")
        kind: type = getattr(type(value), STANDS_FOR, type(value))
        return kind

    def _reply(self, what: dict[str, Any]) -> dict[str, Any]:
        self.asked |= what["do"] != "name"
        try:
            send(self._outbox, what)
            reply = self._replies.next()
        except BrokenPipeError:
            reply = None
        if reply is None:
            raise SolutionEnded
        return reply

    def _decoded(self, data: Any, origin: Origin) -> Any:
        def stand_in(handled: list[Any]) -> Any:
            number, type_name, kinds = handled
            if type(number) is not int or not isinstance(type_name, str):
                raise Malformed("no object")
            remote = Remote(self, number, type_name, origin)
            self.has_objects |= self.asked
            if kinds is None:
                return remote
            kind: Any = self._exceptions.kind(kinds)
            if isinstance(kind, StandIn):
                if self.asked:  # what a call returns is no name of the test's
                    return remote
                kind.remote = remote
            return kind

        return decode(data, stand_in, self.changes.add)


class Remote:
    """Stands for an object of the solution. It is equal to nothing, since its own word would decide that."""

    __slots__ = ("_remote_number", "_remote_origin", "_remote_solution", "_remote_type_name")
    _remote_number: int
    _remote_origin: Origin
    _remote_solution: Solution
    _remote_type_name: str

    def __init__(self, solution: Solution, number: int, type_name: str, origin: Origin) -> None:
        for name, value in zip(self.__slots__, (number, origin, solution, type_name), strict=True):
            object.__setattr__(self, name, value)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") and name.endswith("__") and name not in _FETCHED:
            self._remote_refuse(name)
        what = {"do": "attribute", "object": self._remote_number, "name": name}
        return self._remote_solution.ask(what, self._remote_origin.of_attributes, {})

    __doc__ = property(lambda self: self.__getattr__("__doc__"))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object that this stands for."""
        if self._remote_origin is Origin.PART and (arguments or named):
            self._remote_solution.refuse("a method, with arguments, of what the solution returned")
        given = {**_by_place(*arguments), **named}
        what = {"do": "call", "object": self._remote_number}
        return self._remote_solution.ask(
            what, self._remote_origin.of_results, given, may_keep=self._remote_origin is not Origin.NAMED
        )

    def __iter__(self) -> Iterator[Any]:
        found: Any = self._remote_asked_for("iter")
        return found if type(found) is Remote else iter(found)

    def __next__(self) -> Any:
        return self._remote_asked_for("next")

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self._remote_refuse("an exception within a `with`")
        self._remote_method("__exit__", None, None, None)

    def __repr__(self) -> str:
        return (
            f"<{self._remote_type_name} of the solution>"
            if self._remote_solution.doubt
            else self._remote_text("__repr__")
        )

    def __instancecheck__(self, value: Any) -> bool:
        return self._remote_done("isinstance", value, self) is True

    def __hash__(self) -> int:
        self._remote_refuse("the hash")

    def _remote_refuse(self, what: str) -> NoReturn:
        self._remote_solution.refuse(f"{what} of an object of type {self._remote_type_name}")

    def _remote_method(self, name: str, *arguments: Any) -> Any:
        what = {"do": "method", "object": self._remote_number, "name": name}
        return self._remote_solution.ask(what, Origin.RESULT, _by_place(*arguments))

    def _remote_asked_for(self, name: str, *arguments: Any) -> Any:
        what = {"do": "operator", "name": name}
        return self._remote_solution.ask(what, Origin.RESULT, _by_place(self, *arguments))

    def _remote_text(self, name: str, *arguments: Any) -> str:
        text = self._remote_method(name, *arguments)
        return text if isinstance(text, str) else self._remote_refuse(name)

    def _remote_done(self, name: str, *arguments: Any) -> Any:
        """Have something done with objects, which is as good as calling a method of the first of them."""
        if len(arguments) > 1 and self._remote_origin in {Origin.RESULT, Origin.PART}:
            self._remote_refuse(name)
        origin = Origin.NAMED if self._remote_origin is Origin.NAMED else Origin.PART
        return self._remote_solution.ask({"do": "operator", "name": name}, origin, _by_place(*arguments))


define_special_methods(Remote)


def _by_place(*arguments: Any) -> dict[str, Any]:
    return {str(at): each for at, each in enumerate(arguments)}


def _dict(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> list[Any] | None:
    if type(value) is Remote:
        return [value._remote_number, value._remote_type_name, None]
    return _number(value.remote) if isinstance(value, StandIn) else None
