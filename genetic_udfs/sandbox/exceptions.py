"""Exceptions of the solution in the tester's process: of the same class where Python's library has it, else a stand-in.

A stand-in has the bases that the library has, so `except ValueError` catches a subclass of the solution's own, and so
does that subclass's own name, which a test may catch, too.
"""

import contextlib
import json
import sys
from collections.abc import Callable
from typing import Any, Final

from genetic_udfs.sandbox.values import Malformed, decode, encode

OF_THE_SOLUTION: Final = "_of_the_solution"
"""The attribute of an exception that came from there."""

STANDS_FOR: Final = "_stands_for"
"""The attribute of a class that stands for another, of one exception with a text or values of its own."""

_LONGEST_TEXT: Final = 20_000
_DEEPEST: Final = 16
_MAX_BASES: Final = 8
# Modules whose exceptions mean something to what runs a test.
_OF_RUNNERS: Final = {"unittest", "doctest", "bdb", "pdb"}


def raised(error: BaseException, longest: int = 200) -> dict[str, Any]:
    """Return the name of an exception's class, and its text if it has one, up to a length."""
    try:
        message = str(error)[:longest]
    except BaseException:
        message = ""
    return {"error": type(error).__name__, "message": message}


def described(error: BaseException) -> dict[str, Any]:
    """Return what the tester gets of an exception: also its bases, and what it holds if those are plain values."""
    report = {**raised(error, _LONGEST_TEXT), "kinds": kinds_of(type(error))}
    with contextlib.suppress(Exception):
        report["args"] = encode(error.args)
    with contextlib.suppress(Exception):
        report["state"] = encode(vars(error))
    return report


def kinds_of(kind: type[BaseException]) -> list[Any]:
    """Return the name of an exception's class, and the same of each of its bases that are exceptions."""
    bases = [kinds_of(base) for base in kind.__bases__ if issubclass(base, BaseException)]
    return [f"{kind.__module__}.{kind.__qualname__}", bases]


class StandIn(type):
    """The class of classes that stand for the solution's own exceptions; to call one is to call the solution's.

    Attributes:
        remote: The solution's class, where a test has it by name.
    """

    remote: Any = None

    def __call__(cls, *arguments: Any, **named: Any) -> Any:
        """Make an object of the solution's class, there."""
        return cls.remote(*arguments, **named)

    def __getattr__(cls, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return getattr(cls.remote, name)


class Exceptions:
    """The solution's exceptions, as a tester knows them.

    Args:
        refuse: Is given what a test asks of an exception that is not known here; it raises.
    """

    def __init__(self, refuse: Callable[[str], Any]) -> None:
        self._refuse = refuse
        self._made: dict[str, type[BaseException]] = {}

    def kind(self, kinds: Any, depth: int = _DEEPEST) -> type[BaseException]:
        """Return the class that stands for one of the solution's.

        Args:
            kinds: As `kinds_of` gives them.
            depth: How deep its bases may go.

        Raises:
            Malformed: If it is none.
        """
        match kinds:
            case [str(full), list(bases)] if depth > 0 and len(bases) <= _MAX_BASES:
                pass
            case _:
                raise Malformed("no class of exceptions")
        if (known := _known(full)) is not None:
            return known
        key = json.dumps(kinds)
        if key not in self._made:
            own = full.rpartition(".")[2]
            name = own if own.isidentifier() else "Exception"
            content = {"__getattr__": lambda _, name: self._unknown(name), "__module__": "solution"}
            made: Any = StandIn(name, tuple(self.kind(base, depth - 1) for base in bases) or (Exception,), content)
            self._made[key] = made
        return self._made[key]

    def error(self, reply: dict[str, Any]) -> BaseException:
        """Return the exception that a reply describes.

        Raises:
            Malformed: If it describes none.
        """
        kind, message = self.kind(reply.get("kinds")), str(reply.get("message", ""))
        held = decode(reply["args"]) if "args" in reply else (message,)
        state = decode(reply["state"]) if "state" in reply else {}
        if not isinstance(held, tuple) or not isinstance(state, dict):
            raise Malformed("no exception")
        error = _made(kind, held, {})
        own = {"__init__": lambda *_: None, "__str__": lambda _: message, STANDS_FOR: kind}
        if error is None or str(error) != message:  # it wants other arguments than it holds, or has a text of its own
            error = _made(kind, held, own) or Exception(message)
        if "args" not in reply or "state" not in reply:  # it holds objects
            own |= {"__getattr__": lambda _, name: self._unknown(name)}
            own |= {"args": property(lambda _: self._unknown("args"))}
            error = _made(kind, (), own) or error
        for name, value in {**state, OF_THE_SOLUTION: True}.items():
            if isinstance(name, str) and not name.startswith("__"):
                setattr(error, name, value)
        return error

    def _unknown(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self._refuse(f"{name} of an exception of the solution's")


def _made(kind: type[BaseException], held: tuple[Any, ...], content: dict[str, Any]) -> BaseException | None:
    if content:
        meta: Any = type(kind)
        kind = meta(kind.__name__, (kind,), content)
    try:
        error: BaseException = kind.__new__(kind, *held)  # a stand-in's call is the solution's
        kind.__init__(error, *held)
    except Exception:
        return None
    return error


def _known(kind: str) -> type[BaseException] | None:
    """Return the exception of the standard library that a text such as `builtins.ValueError` names."""
    module, _, name = kind.rpartition(".")
    top = module.partition(".")[0]
    if top not in sys.stdlib_module_names or top in _OF_RUNNERS:
        return None
    found = getattr(sys.modules.get(module), name, None)
    return found if isinstance(found, type) and issubclass(found, BaseException) else None
