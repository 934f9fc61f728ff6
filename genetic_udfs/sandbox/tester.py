"""Runs a test in the tester's process, and says how it ended."""

import ast
import builtins
import contextlib
import importlib.util
import sys
import traceback
from types import ModuleType
from typing import Any, Final

from genetic_udfs.sandbox import suite
from genetic_udfs.sandbox.copies import LEAVES
from genetic_udfs.sandbox.definitions import BUILT_INS
from genetic_udfs.sandbox.exceptions import OF_THE_SOLUTION, raised
from genetic_udfs.sandbox.remote import Solution, SolutionEnded
from genetic_udfs.sandbox.values import Unsupported

_NO_CHECK: Final = {"unsupported": "the test asserts nothing"}
_NO_QUESTION: Final = {"unsupported": "the test asks nothing of the code"}
# What tests call the module that they import the solution from. Another name may be a library's that is not installed.
_SOLUTION: Final = {"solution", "solutions", "main", "module", "my_module", "mymodule", "your_module", "yourmodule"}


def outcome(task: dict[str, Any], inbox: int, outbox: int) -> dict[str, Any]:
    """Run a test whose names of the solution stand for what another process has; return what to report of it.

    Args:
        task: `test`, the `imports` that the test may use, and the `names` that mean the solution's.
        inbox: Where the solution's answers come from.
        outbox: Where questions go.
    """
    solution = Solution(inbox, outbox)
    error: BaseException | None = None
    namespace: dict[str, Any] = {}
    plain: dict[str, Any] = {}
    try:
        test = ast.parse(task["test"])
        if not suite.checks(test):
            return _NO_CHECK
        if reason := suite.doubtful(test):
            return {"unsupported": reason}
        namespace = _namespace(task, test, solution)
        named = {name: namespace[name] for name in task["names"] if name in namespace}
        plain = {name: value for name, value in named.items() if type(value) in LEAVES}
        suite.run(test, namespace)
        if solution.changes and suite.tells_classes(test, expects_errors="lowered" in solution.changes):
            return {"unsupported": "it tells what is not the same here"}
    except BaseException as what:
        error = what
    with contextlib.suppress(Unsupported, SolutionEnded, NameError):
        if solution.copies.were_changed():
            solution.refuse("a change of what the code was given or has returned")
        _check_names(plain, namespace, solution)
    match solution.doubt or error:
        case SolutionEnded():
            return {"solution": "ended"}
        case Unsupported() as why:
            return {"unsupported": str(why)[:200]}
        case None | AssertionError() if not solution.asked:
            return _NO_QUESTION
        case None:
            return {"passed": True}
        case other if "lowered" in solution.changes:
            return {"unsupported": "an object of a class that the code has derived from a built-in one"}
        case other if solution.changes and not isinstance(other, AssertionError) and not _is_expected(other):
            return {"unsupported": "an object of a class that is not the same here"}
        case other if solution.has_objects and not _is_expected(other):
            return {"unsupported": f"an object of the code's is not taken here: {other}"[:200]}
        case other if isinstance(other, AssertionError) or _is_failure(other):
            return {"failed": raised(other)["message"]}
        case other:
            return raised(other)


def _is_failure(error: BaseException) -> bool:
    """Whether it is what `pytest.raises` and `pytest.fail` raise."""
    return type(error).__name__ == "Failed"


def _is_expected(error: BaseException) -> bool:
    """Whether an error came from the solution, or is the test's own word; what raises others here expects objects."""
    if hasattr(error, OF_THE_SOLUTION) or _is_failure(error):
        return True
    *_, innermost = traceback.extract_tb(error.__traceback__) or [None]
    where = innermost.filename if innermost is not None else ""
    return isinstance(error, AssertionError) and (where == suite.FILE or "unittest" in where)


def _namespace(task: dict[str, Any], test: ast.Module, solution: Solution) -> dict[str, Any]:
    """Return the imports and names that a test may use."""
    namespace: dict[str, Any] = {"__name__": "__main__", "__builtins__": builtins}
    if any("unittest" in text for text in (task["test"], *task["imports"])):
        suite.without_main()
        sys.modules["unittest.case"].isinstance = solution.is_instance  # type: ignore[attr-defined]
    for line in task["imports"]:
        imported: dict[str, Any] = {"__builtins__": builtins}
        with contextlib.suppress(Exception):  # what cannot be imported here is not there for the test
            exec(line, imported)
        # Built-ins keep their meaning, whatever has been imported by their names.
        namespace.update({name: imported[name] for name in imported if not _is_python_s(name)})
    for name in task["names"]:
        namespace.pop(name, None)
        with contextlib.suppress(NameError):
            namespace[name] = solution.fetch(name)
    _provide_modules(test, solution)
    namespace["isinstance"] = solution.is_instance
    namespace["issubclass"] = solution.is_subclass
    namespace["hasattr"] = solution.has_attribute
    namespace["callable"] = solution.can_be_called
    nodes = list(ast.walk(test))
    if sum(isinstance(node, ast.Name) and node.id == "type" for node in nodes) == sum(map(suite.asks_class, nodes)):
        namespace["type"] = solution.class_of
    return namespace


def _is_python_s(name: str) -> bool:
    return name in BUILT_INS or (name.startswith("__") and name.endswith("__"))


class _Provided(ModuleType):
    """The solution as a module that a test imports."""

    def __init__(self, name: str, solution: Solution) -> None:
        super().__init__(name)
        self.__dict__["__getattr__"] = self.found
        self._of = solution

    def found(self, name: str) -> Any:
        """Return what the solution has under a name, as it is now."""
        if _is_python_s(name):
            raise AttributeError(name)
        try:
            return self._of.fetch(name)
        except NameError:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}") from None


def _provide_modules(test: ast.Module, solution: Solution) -> None:
    """Have a test that imports the solution, by whatever name it thinks that it has, find it."""
    imports = [node for node in ast.walk(test) if isinstance(node, ast.Import | ast.ImportFrom)]
    named = {alias.name for node in imports if isinstance(node, ast.Import) for alias in node.names}
    named |= {node.module for node in imports if isinstance(node, ast.ImportFrom) and node.module and not node.level}
    for module in named & _SOLUTION:
        if module not in sys.modules and importlib.util.find_spec(module) is None:
            sys.modules[module] = _Provided(module, solution)


def _check_names(names: dict[str, Any], namespace: dict[str, Any], solution: Solution) -> None:
    """Refuse a test whose names of numbers and texts mean others to it, or to the solution, by now."""
    for name, value in names.items():
        for now in (namespace.get(name), solution.fetch(name)):
            if type(now) is not type(value) or now != value:
                solution.refuse(f"{name}, which was changed on one side alone")
