"""The solution's names in the tester's process: each use of one is a message to the process that has the solution.

Plain values are sent whole. An object stays where it is and is stood for by a `Remote`; what is done to that is done
to it. Neither process can reach the other but by these messages, and only the tester's says how the test ended.
"""

from collections.abc import Iterator
from enum import Enum
from typing import Any, Final, NoReturn

from genetic_udfs.sandbox.copies import Copies, become
from genetic_udfs.sandbox.exceptions import Exceptions, StandIn
from genetic_udfs.sandbox.messages import Messages, send
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
            whatever comes of that test is then no verdict.
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
        try:
            sent = {name: encode(each, _number) for name, each in given.items()}
            reply = self._reply({**what, "given": sent})
            if "unsupported" in reply:
                raise Unsupported(str(reply["unsupported"])[:200])
        except (SolutionEnded, Unsupported) as error:
            self.doubt = self.doubt or error
            raise
        changed = reply.get("changed")
        for name, now in changed.items() if isinstance(changed, dict) else ():
            become(given.get(name), self._decoded(now, Origin.RESULT))
        for name, value in given.items():
            self.copies.watch(value, anew=not may_keep or name in (changed or ()))
        if "error" in reply:
            raised = self._exceptions.error(reply)
            if isinstance(raised, StopIteration):
                self.refuse("StopIteration, which ends a loop over calls")
            raise raised
        value = self._decoded(reply.get("value"), origin)
        self.copies.watch(value)
        return value

    def refuse(self, what: str) -> NoReturn:
        """Raise `Unsupported`, and hold it for a doubt."""
        error = Unsupported(what)
        self.doubt = self.doubt or error
        raise error

    def is_instance(self, value: Any, kinds: Any) -> bool:
        """Stand in for the built-in function, which does not know what the solution's objects are."""
        found = isinstance(value, kinds)
        if self.changes or (not found and type(value) in {Remote, Items}):
            self.refuse("the class of something that the code has returned")
        return found

    def class_of(self, value: Any) -> type:
        """Stand in for the built-in function."""
        if self.changes or type(value) in {Remote, Items}:
            self.refuse("the class of something that the code has returned")
        return type(value)

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
                kind.remote = remote
            return kind

        return decode(data, stand_in, self.changes.add)


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
            self._refuse(name)
        what = {"do": "attribute", "object": self._number, "name": name}
        return self._solution.ask(what, self._origin.of_attributes, {})

    __doc__ = property(lambda self: self.__getattr__("__doc__"))

    def __call__(self, *arguments: Any, **named: Any) -> Any:
        """Call the object that this stands for."""
        if self._origin is Origin.PART and (arguments or named):
            self._solution.refuse("a method, with arguments, of what the solution returned")
        given = {**{str(at): each for at, each in enumerate(arguments)}, **named}
        what = {"do": "call", "object": self._number}
        return self._solution.ask(what, self._origin.of_results, given, may_keep=self._origin is not Origin.NAMED)

    def __iter__(self) -> Iterator[Any]:
        found: Iterator[Any] = iter(self._asked_for("iter"))
        return found

    def __exit__(self, kind: Any, *_: Any) -> None:
        if kind is not None:
            self._refuse("an exception within a `with`")
        self._method("__exit__", None, None, None)

    def __repr__(self) -> str:
        return f"<{self._type_name} of the solution>" if self._solution.doubt else self._text("__repr__")

    def __instancecheck__(self, value: Any) -> bool:
        return self._done("isinstance", value, self) is True

    def __hash__(self) -> int:
        self._refuse("the hash")

    def _refuse(self, what: str) -> NoReturn:
        self._solution.refuse(f"{what} of an object of type {self._type_name}")

    def _method(self, name: str, *arguments: Any) -> Any:
        given = {str(at): each for at, each in enumerate(arguments)}
        return self._solution.ask({"do": "method", "object": self._number, "name": name}, Origin.RESULT, given)

    def _asked_for(self, name: str, *arguments: Any) -> Any:
        given = {str(at): each for at, each in enumerate((self, *arguments))}
        return self._solution.ask({"do": "operator", "name": name}, Origin.RESULT, given)

    def _text(self, name: str, *arguments: Any) -> str:
        text = self._method(name, *arguments)
        return text if isinstance(text, str) else self._refuse(name)

    def _done(self, name: str, *arguments: Any) -> Any:
        """Have something done with objects, which is as good as calling a method of the first of them."""
        if len(arguments) > 1 and self._origin in {Origin.RESULT, Origin.PART}:
            self._refuse(name)
        origin = Origin.NAMED if self._origin is Origin.NAMED else Origin.PART
        given = {str(at): each for at, each in enumerate(arguments)}
        return self._solution.ask({"do": "operator", "name": name}, origin, given)


define_special_methods(Remote)


def _number(value: Any) -> list[Any] | None:
    if type(value) is Remote:
        return [value._number, value._type_name, None]
    return _number(value.remote) if isinstance(value, StandIn) else None
