"""What a confined process does: steps of the solution, the rest of a test without it, or both of them together.

It reports in lines of JSON on its result descriptor. What a process says that has the solution in it is data, and the
outcome of a test only where both are together, which the outcome then says.
"""

import contextlib
import json
import linecache
import os
import sys
from collections.abc import Callable
from types import ModuleType, SimpleNamespace
from typing import Any, Final

from genetic_udfs.sandbox import check, refusals, together
from genetic_udfs.sandbox.check import text_of
from genetic_udfs.sandbox.confine import RESULT
from genetic_udfs.sandbox.values import Unsupported, encode, kinds_of

_LONGEST_TEXT: Final = 20_000

# The code's own errors are reported, and it cannot come here by ending the process.
_NO_WAY_ON: Final = b'{"denied": "built-ins that the code has replaced, or has left no memory for"}\n'

_dumps: Final = json.dumps
_write: Final = os.write
_compile, _exec, _eval = compile, exec, eval  # the code may have put others in their place


def run(task: dict[str, Any], notice: Callable[[int], None]) -> None:
    """Do what a payload says: one of `answer`, `check` and `together` is its `do`.

    Args:
        task: The payload.
        notice: Has the next refusal said on a descriptor: of each step and each test the first.
    """
    notice(RESULT)
    roles: dict[str, Callable[..., None]] = {"answer": _answer, "check": _check, "together": _together}
    is_done = False
    try:
        roles[task["do"]](task, notice)
        is_done = True
    finally:  # without a name that the code may have changed
        if not is_done:
            _write(RESULT, _NO_WAY_ON)


def _answer(task: dict[str, Any], notice: Callable[[int], None]) -> None:
    """Run the code, then do steps with what it defines, one after another."""
    module = _loaded(task["code"], notice)
    if module is None:
        return
    scopes: dict[Any, dict[str, Any]] = {}
    ended: set[Any] = set()
    for at, (test, scope, path, source, binds) in enumerate(task["steps"]):
        places = [(test, *path[:length]) for length in range(len(path) + 1)]
        if not ended.isdisjoint(places):
            report({"at": at, "skipped": True})
            continue
        own = scopes.setdefault((test, scope), {} if scope == 0 else {"self": SimpleNamespace()})
        outer = scopes.setdefault((test, 0), {})
        found = _step(source, binds, {**module.__dict__, **outer, **own}, own)
        notice(RESULT)  # loading was noticed, too, so nothing is to be looked at before a step
        if "error" in found:
            ended.add(places[-1])
        report({"at": at, **found})


def _step(source: str, binds: list[str] | None, names: dict[str, Any], own: dict[str, Any]) -> dict[str, Any]:
    try:
        if binds is not None:
            _exec(_compile(source, "test.py", "exec", dont_inherit=True), names)
            own.update({name: names[name] for name in binds})
            return {"value": None}
        return {"value": encode(_eval(_compile(source, "test.py", "eval", dont_inherit=True), names))}
    except Unsupported as error:
        return {"unknown": str(error)[:200]}
    except BaseException as error:
        return _described(error)


def _described(error: BaseException) -> dict[str, Any]:
    """Return what is known of an exception elsewhere: also its bases, and what it holds if those are plain values."""
    _report_refusal(error)
    found = {"error": type(error).__name__, "message": text_of(error, _LONGEST_TEXT), "kinds": kinds_of(type(error))}
    with contextlib.suppress(Exception):
        found["args"] = encode(error.args)
    with contextlib.suppress(Exception):
        found["state"] = encode(vars(error))
    return found


def _report_refusal(error: BaseException) -> None:
    if refusals.is_refusal(error):
        report({"denied": refusals.refusal(error)[:200]})


def _check(task: dict[str, Any], notice: Callable[[int], None]) -> None:
    """Run the rests of tests, which have nothing of the solution's."""
    for at, test in enumerate(task["tests"]):
        notice(RESULT)
        report({"at": at, **check.outcome(test)})


def _together(task: dict[str, Any], notice: Callable[[int], None]) -> None:
    """Run the code and a test in this process. The outcome comes with a word that only the owner knows.

    What is needed after the code was loaded is bound before: the code may change every name that it can reach.
    """
    restore, decide, say = together.prepared(), together.outcome, _with_word(task.pop("word"))
    module = _loaded(task["code"], notice)
    restore()
    if module is not None:
        found = decide(task, module)
        notice(RESULT)
        say(found)


def _with_word(word: str) -> Callable[[dict[str, Any]], None]:
    return lambda outcome: report({"word": word, **outcome})


def _loaded(code: str, notice: Callable[[int], None]) -> ModuleType | None:
    """Run code as the module `solution`, and say whether it came to its end."""
    module = ModuleType("solution")
    sys.modules["solution"] = module
    module.__file__ = "solution.py"
    linecache.cache["solution.py"] = (lambda: code,)  # as lines, once somebody asks for them
    try:
        exec(compile(code, "solution.py", "exec", dont_inherit=True), module.__dict__)
    except BaseException as error:
        notice(RESULT)
        _report_refusal(error)
        report({"loaded": False, "error": type(error).__name__, "message": text_of(error, 300)})
        return None
    notice(RESULT)
    report({"loaded": True})
    return module


def report(what: dict[str, Any]) -> None:
    """Write a line of results."""
    rest = memoryview(_dumps(what).encode() + b"\n")
    while rest:
        rest = rest[_write(RESULT, rest) :]
