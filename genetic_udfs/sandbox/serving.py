"""What the process that has the solution does for a tester: looks names up, calls, and says what came of it."""

import builtins
import contextlib
import inspect
import operator
from collections.abc import Callable
from typing import Any, Final

from genetic_udfs.sandbox.copies import COPIED, content_of
from genetic_udfs.sandbox.exceptions import described, kinds_of
from genetic_udfs.sandbox.messages import Messages, send
from genetic_udfs.sandbox.values import Unsupported, decode, encode

RESULT: Final = ""
"""The result's name among the numbers of values, which is no argument's."""

_ASYNCHRONOUS: Final = (inspect.iscoroutine, inspect.isasyncgen)

BINARY: Final = (
    *("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and_", "or_", "xor", "lshift", "rshift"),
    "divmod",
)
ARITHMETIC: Final = (*BINARY, "neg", "pos", "invert", "abs", "round")
IN_PLACE: Final = tuple(f"i{name.strip('_')}" for name in BINARY if name != "divmod")

OPERATORS: Final[dict[str, Callable[..., Any]]] = {
    name: getattr(operator, name, None) or getattr(builtins, name)
    for name in (
        *(*ARITHMETIC, *IN_PLACE, "index", "truth", "getitem", "setitem", "delitem"),
        *("int", "float", "complex", "len", "iter", "next", "isinstance", "callable"),
    )
}
"""What can be done with objects of the solution's beside calling them; comparisons are not among it."""


def serve(namespace: dict[str, Any], inbox: int, outbox: int) -> None:
    """Do what the tester asks until it is gone."""
    objects: list[Any] = []

    def handle(value: Any) -> list[Any]:
        objects.append(value)
        kinds = kinds_of(value) if isinstance(value, type) and issubclass(value, BaseException) else None
        return [len(objects) - 1, type(value).__name__, kinds]

    def found(handled: list[Any]) -> Any:
        return objects[handled[0]]

    held: list[tuple[Any, Any]] = []

    def hold(value: Any) -> int | None:
        """Remember a value that the tester has a copy of, as it is now; return its number."""
        if not isinstance(value, COPIED):
            return None
        held.append((value, content_of(value)))
        return len(held) - 1

    questions = Messages(inbox)
    while (question := questions.next()) is not None:
        given: dict[str, Any] = {}
        reply: dict[str, Any]
        value = None
        try:
            given = {name: decode(each, found) for name, each in question["given"].items()}
            value = _done(question, namespace, objects, given)
            if any(is_asynchronous(value) for is_asynchronous in _ASYNCHRONOUS):
                raise Unsupported("a coroutine")
            reply = {"value": encode(value, handle)}
        except Unsupported as error:
            reply = {"unsupported": str(error)}
        except BaseException as error:
            reply = described(error)
        with contextlib.suppress(Unsupported):
            reply["changed"] = {
                name: now
                for name, value in given.items()
                if isinstance(value, COPIED) and (now := encode(value, handle)) != question["given"][name]
            }
        reply["stale"] = any(content_of(held[number][0]) != held[number][1] for number in question["held"])
        reply["numbers"] = {name: hold(each) for name, each in {**given, RESULT: value}.items()}
        send(outbox, reply)


def _done(question: dict[str, Any], namespace: dict[str, Any], objects: list[Any], given: dict[str, Any]) -> Any:
    if question["do"] == "name":
        name = question["name"]
        if name not in namespace:
            raise NameError(f"name {name!r} is not defined")
        return namespace[name]
    arguments = [value for name, value in given.items() if name.isdecimal()]
    named = {name: value for name, value in given.items() if not name.isdecimal()}
    if question["do"] == "operator":
        return OPERATORS[question["name"]](*arguments)
    target = objects[question["object"]]
    if question["do"] == "attribute":
        return getattr(target, question["name"])
    if question["do"] == "call":
        return target(*arguments, **named)
    if not hasattr(type(target), question["name"]):
        raise TypeError(f"{type(target).__name__!r} object has no {question['name']}")
    return getattr(target, question["name"])(*arguments)
