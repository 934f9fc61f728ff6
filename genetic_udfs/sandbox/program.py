"""What a confined process does: run the code, answer calls of its functions, or run a test against another process.

It reports in lines of JSON on its result descriptor. Nothing it says is a outcome except as a tester, which runs none
of the code that is judged.
"""

import json
import os
import random
import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any, Final

from genetic_udfs.sandbox import tester
from genetic_udfs.sandbox.exceptions import raised
from genetic_udfs.sandbox.serving import serve
from genetic_udfs.sandbox.values import Unsupported, encode

RESULT, INBOX, OUTBOX = 3, 4, 5

_dumps: Final = json.dumps
_write: Final = os.write


def confined() -> None:
    """Say that everything was given up. Code runs after this alone, so it cannot make it seem not to have been."""
    _report({"confined": True})


def refused(why: str) -> None:
    """Say that something could not be given up, so that no code is run."""
    _report({"refused": why[:1000]})


def run(task: dict[str, Any]) -> None:
    """Do what a payload says: one of `answer`, `solve` and `test` is its `do`."""
    _roles: dict[str, Callable[[dict[str, Any]], None]] = {"answer": _answer, "solve": _solve, "test": _test}
    sys.argv = ["solution.py"]
    random.seed(0)
    if (numpy := sys.modules.get("numpy")) is not None:
        numpy.random.seed(0)
    _roles[task["do"]](task)


def _answer(task: dict[str, Any]) -> None:
    """Run the code, then evaluate calls in it, one after another."""
    namespace = _loaded(task["code"])
    for at, call in enumerate(task["calls"] if namespace is not None else ()):
        _report({"at": at, **_outcome(lambda call=call: eval(call, namespace))})  # type: ignore[misc]


def _solve(task: dict[str, Any]) -> None:
    """Run the code, then do what the tester asks of its names until there is nothing more."""
    namespace = _loaded(task["code"])
    if namespace is not None:
        serve(namespace, INBOX, OUTBOX)


def _test(task: dict[str, Any]) -> None:
    """Run a test whose names of the solution stand for what another process has."""
    _report(tester.outcome(task, INBOX, OUTBOX))


def _loaded(code: str) -> dict[str, Any] | None:
    """Run code as the module `solution`, and say whether it came to its end."""
    module = ModuleType("solution")
    sys.modules["solution"] = module
    try:
        exec(compile(code, "solution.py", "exec"), module.__dict__)
    except BaseException as error:
        _report({"loaded": False, **raised(error)})
        return None
    _report({"loaded": True})
    return module.__dict__


def _outcome(call: Callable[[], Any]) -> dict[str, Any]:
    try:
        return {"value": encode(call())}
    except Unsupported as error:
        return {"unsupported": str(error)[:200]}
    except BaseException as error:
        return raised(error)


def _report(what: dict[str, Any]) -> None:
    rest = memoryview(_dumps(what).encode() + b"\n")
    while rest:
        rest = rest[_write(RESULT, rest) :]
