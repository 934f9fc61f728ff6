"""The rest of a test, run where none of the solution is: answers of its process stand in the place of calls."""

import builtins
import contextlib
import sys
from collections import Counter, OrderedDict, defaultdict, deque
from types import SimpleNamespace
from typing import Any, Final, NoReturn

from genetic_udfs.sandbox.refusals import is_refusal
from genetic_udfs.sandbox.values import Malformed, decode, encode

ANSWER, KIND, FRESH = "__answer__", "__kind__", "__fresh__"
"""What a rest calls for a step's answer, for one that is a class of exceptions, and before it uses a value that was
handed to the solution."""

_LONGEST_MESSAGE: Final = 300
_MAX_BASES: Final = 8
_DEEPEST: Final = 16
_CHANGED: Final = {list, dict, set, deque, bytearray, Counter, OrderedDict, defaultdict}
_OF_SKIPS: Final = {"SkipTest", "Skipped"}
# Modules whose exceptions mean something to what runs a test.
_OF_RUNNERS: Final = {"unittest", "doctest", "bdb", "pdb"}


class Undecided(BaseException):
    """What is asked has no plain answer, or none at all."""


def outcome(task: dict[str, Any]) -> dict[str, Any]:
    """Run the rest of a test; return what to report of it.

    Args:
        task: `imports` (statements), `answers` (reports of steps) and `rest`: scopes, each with its number, whether it
            is one of unittest's cases, and its source.
    """
    answers = _Answers(task["answers"])
    module: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    error: BaseException | None = None
    try:
        for line in task["imports"]:
            with contextlib.suppress(ImportError):  # what cannot be imported here is not there for the test
                exec(line, module)
        for scope, is_case, source in task["rest"]:
            names = module if scope == 0 else {**module, "self": _object(is_case)}
            answers.names = names
            own = {ANSWER: answers.of, KIND: answers.kind_of, FRESH: answers.make_fresh}
            names.update(own)
            exec(compile(source, "test.py", "exec"), names)
    except BaseException as what:
        error = what
    return {"undecided": answers.doubt} if answers.doubt else raised(error)


def raised(error: BaseException | None) -> dict[str, Any]:
    """Return how a test ended that raised an error, or none."""
    if error is None:
        return {"passed": True}
    message = text_of(error, _LONGEST_MESSAGE)
    if is_refusal(error):
        return {"denied": message}
    if type(error).__name__ in _OF_SKIPS:
        return {"unsupported": f"the test skips something: {message}"}
    if isinstance(error, ModuleNotFoundError) and error.name == "pytest":
        return {"unsupported": "pytest, which the test needs, is not installed"}
    is_failure = isinstance(error, AssertionError) or type(error).__name__ == "Failed"  # of pytest
    return {"failed": message} if is_failure else {"error": type(error).__name__, "message": message}


def text_of(error: BaseException, longest: int) -> str:
    """Return an exception's text, up to a length, whatever its class makes of that."""
    try:
        return str(error)[:longest]
    except BaseException:
        return ""


def _object(is_case: bool) -> Any:
    if not is_case:
        return SimpleNamespace()
    import unittest

    case = unittest.TestCase()
    case.maxDiff = None
    return case


class _Answers:
    """The answers of the solution's process, by step.

    Attributes:
        doubt: Why the test cannot be decided. It may catch an `Undecided`; whatever comes of it then is no outcome.
        names: Those of the scope that is run.
    """

    def __init__(self, answers: list[dict[str, Any]]) -> None:
        self._answers = answers
        self._kinds: dict[str, type[BaseException]] = {}
        self.doubt = ""
        self.names: dict[str, Any] = {}

    def of(self, step: int) -> Any:
        """Return the value of a step, or raise what it raised."""
        answer = self._answers[step] if step < len(self._answers) else {}
        if "unknown" in answer:
            self.refuse(str(answer["unknown"]))
        if "error" in answer:
            raise self._error(answer)
        if "value" not in answer:
            self.refuse("a step that was not done")
        return self._decoded(answer["value"])

    def kind_of(self, step: int) -> type[BaseException]:
        """Return what stands for a class of the solution's exceptions."""
        answer = self._answers[step] if step < len(self._answers) else {}
        match answer.get("value"):
            case ["exception", list(parts)]:
                with contextlib.suppress(Malformed):
                    kind = self._kind(decode(["list", parts]))
                    if kind.__module__ == "solution":  # one of the library's would catch what the test itself raises
                        return kind
        self.refuse("what should be a class of exceptions")

    def make_fresh(self, path: str, step: int, alone: bool) -> None:
        """Give a value that was handed to the solution what has become of it there.

        Args:
            path: The name, perhaps of an attribute of `self`.
            step: What has read it there.
            alone: Whether nothing else of the solution's is compared with it: a test may expect a change, but not
                measure the solution by it. What cannot be changed, such as a text, was not.
        """
        *of, name = path.split(".")
        held = vars(self.names[of[0]]) if of else self.names
        answer = self._answers[step] if step < len(self._answers) else {}
        try:
            if "value" in answer and encode(held[name]) == answer["value"]:
                return
        except Exception:
            self.refuse(f"{path}, which is no plain value")
        if not alone or "value" not in answer:
            self.refuse(f"{path}, which the solution may have changed")
        value = self._decoded(answer["value"])
        if type(value) is not type(held[name]) or not (type(value) in _CHANGED or type(value).__name__ == "ndarray"):
            self.refuse(f"{path}, which nothing can have changed so")
        held[name] = value

    def refuse(self, why: str) -> NoReturn:
        """Raise `Undecided`, and hold it for a doubt."""
        self.doubt = self.doubt or why[:200]
        raise Undecided(why)

    def _decoded(self, data: Any) -> Any:
        try:
            return decode(data, numpy="kept")
        except Malformed as error:
            self.refuse(str(error))

    def _error(self, answer: dict[str, Any]) -> BaseException:
        """Return an exception like one of the solution's: its class or a stand-in, its text, arguments, attributes."""
        try:
            kind, message = self._kind(answer["kinds"]), str(answer["message"])
            held, state = decode(answer["args"]), decode(answer["state"])
            error = kind.__new__(kind, *held)
            with contextlib.suppress(Exception):
                if kind.__module__ != "solution":
                    kind.__init__(error, *held)
            error.args = held
            if str(error) != message:  # it has a text of its own
                own = {"__str__": lambda _: message, "__module__": kind.__module__}
                made = type(kind.__name__, (kind,), own)
                error = made.__new__(made, *held)
            vars(error).update({name: value for name, value in state.items() if not name.startswith("__")})
        except Exception as why:
            self.refuse(f"an exception that cannot be raised here: {why}")
        return error

    def _kind(self, kinds: Any, depth: int = _DEEPEST) -> type[BaseException]:
        """Return the class that stands for one of the solution's, with the bases that the library has."""
        match kinds:
            case [str(full), list(bases)] if depth > 0 and len(bases) <= _MAX_BASES:
                pass
            case _:
                raise Malformed("no class of exceptions")
        module, _, name = full.rpartition(".")
        top = module.partition(".")[0]
        known = getattr(sys.modules.get(module), name, None) if top in sys.stdlib_module_names - _OF_RUNNERS else None
        if isinstance(known, type) and issubclass(known, BaseException):
            return known
        key = repr(kinds)
        if key not in self._kinds:
            made = tuple(self._kind(base, depth - 1) for base in bases) or (Exception,)
            own = {"__module__": "solution", "__getattr__": lambda _, name: self._attribute(name)}
            self._kinds[key] = type(name if name.isidentifier() else "Exception", made, own)
        return self._kinds[key]

    def _attribute(self, name: str) -> NoReturn:
        """Stand for what an exception has by its class, which only the solution's process knows."""
        if name.startswith("__"):
            raise AttributeError(name)
        self.refuse(f"{name} of an exception's class")
