"""Runs code and a test in one process, as pytest and unittest do, and says how the test ended.

The code could change that by changing this process, so the owner says who decided. What makes it harder: built-ins and
the test libraries are as they were before the code, an end of the process is no outcome, and neither is an object that
is equal to everything.
"""

import ast
import builtins
import contextlib
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterator, Set
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import Any, Final

from genetic_udfs.sandbox import check
from genetic_udfs.sandbox.refusals import is_refusal, refusal, source_line
from genetic_udfs.sandbox.unroll import body_of

_PYTEST_OPTIONS: Final = [
    *("--noconftest", "-c", "/dev/null", "--rootdir", "/", "--basetemp", ".pytest", "-s"),
    *(f"-pno:{name}" for name in ("cacheprovider", "terminal", "junitxml", "faulthandler", "pastebin", "stepwise")),
]
_FILE: Final = "test.py"
_LONGEST: Final = 300  # of a text that is reported
_NOTHING: Final = "there is nothing in the test that a runner runs"
_CONFIG: list[Any] = []  # of pytest, and what rewrites assertions for it


def warm_up() -> None:
    """Have pytest read its options in the zygote, once for all runs."""
    from _pytest import capture, pathlib, tmpdir
    from _pytest.assertion.rewrite import rewrite_asserts
    from _pytest.config import _prepareconfig

    class Captured(capture.CaptureIO):
        """What a test captures is printed, too, so that there is no more of it than of other output."""

        def write(self, text: str) -> int:
            with contextlib.suppress(OSError):
                os.write(1, text.encode(errors="replace"))
            return super().write(text)

    vars(capture)["CaptureIO"] = Captured

    for module in (pathlib, tmpdir):  # beside each `tmp_path` there would be a link, and no run can make one
        vars(module)["_force_symlink"] = lambda *_: None
    _CONFIG[:] = [_prepareconfig(_PYTEST_OPTIONS), rewrite_asserts]


def prepared() -> Callable[[], None]:
    """Return what gives built-ins, test libraries and this package their meaning back, whatever code has made of them.

    It asks for no name that the code may have changed.
    """
    held: list[Any] = [builtins, *(sys.modules[name] for name in ("unittest", "pytest") if name in sys.modules)]
    if unittest := sys.modules.get("unittest"):
        held.append(unittest.TestCase)
    before = [(each, vars(each), dict(vars(each))) for each in held]
    own = [vars(module) for name, module in sys.modules.items() if name.startswith("genetic_udfs.")]
    own_before, put = [(each, dict(each)) for each in own], setattr

    def restore() -> None:
        for here, content in own_before:
            here.clear()
            here.update(content)
        for each, now, content in before:
            for name, value in content.items():
                if now.get(name) is not value:
                    put(each, name, value)

    return restore


def outcome(task: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    """Run a test of code that was loaded; return what to report of it.

    Args:
        task: `test`, `modules` (names by which it imports the solution), `collects` (whether a runner finds some
            in it), `called` (test functions that it calls itself) and `is_doctest`.
        module: The code's.
    """
    found: list[dict[str, Any]] = []
    linecache.cache[_FILE] = (lambda: str(task["test"]),)
    try:
        names = _names(task, module)
        (_run_doctest if task["is_doctest"] else _run)(task, names, found)
    except BaseException as error:
        found.append(raised(error))
    if found:
        return min(found, key=lambda each: "unsupported" in each)  # a failure counts before that, the first of all
    if _has_equal_to_everything():
        return {"unsupported": "an object that is equal to everything"}
    return {"passed": True}


def raised(error: BaseException) -> dict[str, Any]:
    """Return how a test ended that raised an error; of an assertion without a text, the line where it stands."""
    if is_refusal(error):
        return {"denied": refusal(error)}
    found = check.raised(error)
    return {"failed": source_line(error)} if found.get("failed") == "" else found


def _skipped(what: str) -> dict[str, Any]:
    return {"unsupported": f"the test skips something: {what}"}


def _names(task: dict[str, Any], module: ModuleType) -> dict[str, Any]:
    """Return what a test may use: the code's own names, or, if it imports the code as a module, what it imports."""
    name = "test_solution" if task["collects"] else "__main__"
    of = module
    if task["modules"]:
        of = ModuleType(name)
    full_name = task["modules"][0] if task["modules"] else name
    for each in [*vars(module).values()]:  # as one file, or the module that is imported, would name its classes
        with contextlib.suppress(Exception):
            if isinstance(each, type) and each.__module__ == "solution":
                each.__module__ = full_name
    of.__dict__.update({"__name__": name, "__file__": _FILE, "__builtins__": builtins})
    for full in task["modules"]:
        parent = None
        for length in range(full.count(".") + 1):
            path = ".".join(full.split(".")[: length + 1])
            here = module if path == full else sys.modules.get(path) or ModuleType(path)
            sys.modules[path] = here
            if parent is not None:
                setattr(parent, path.rpartition(".")[2], here)
            parent = here
    sys.modules["__main__"] = sys.modules[name] = of
    return of.__dict__


def _run(task: dict[str, Any], names: dict[str, Any], found: list[dict[str, Any]]) -> None:
    if any(name in task["test"] for name in ("unittest", "pytest")):
        _without_main()
    names.pop("pytestmark", None)  # the code's says nothing of the test
    before = dict(names)
    tree = ast.Module(body_of(task["test"]), [])
    if task["collects"] and _CONFIG:
        _CONFIG[1](tree, task["test"].encode())  # so that a failure says what was compared
    exec(compile(tree, _FILE, "exec", dont_inherit=True), names)
    new = {name: value for name, value in names.items() if before.get(name) is not value}
    unittest = sys.modules.get("unittest")
    cases = [each for each in new.values() if unittest and isinstance(each, type) and _is_case(each)]
    others = [name for name, value in new.items() if _is_collected(name, value) and value not in cases]
    if "pytest" in sys.modules or (others and find_spec("pytest")):
        if others or cases:
            called = set(task["called"])
            is_run = _run_by_pytest(sys.modules["__main__"], new.keys() - called, found) or called & {*others}
            if not is_run:
                found.append({"unsupported": _NOTHING})
    elif others:
        found.append({"unsupported": "pytest, which would run its functions, is not installed"})
    elif cases and not _run_cases(cases, found):
        found.append({"unsupported": _NOTHING})


def _is_case(kind: type) -> bool:
    return issubclass(kind, sys.modules["unittest"].TestCase) and kind.__module__ != "unittest.case"


def _is_collected(name: str, value: Any) -> bool:
    return (name.startswith("test") and callable(value)) or (name.startswith("Test") and isinstance(value, type))


def _without_main() -> None:
    """Have `unittest.main()` and `pytest.main()` do nothing, since what they are for is done here."""
    import unittest

    unittest.main = lambda *_, **__: None  # type: ignore[assignment]
    if (pytest := sys.modules.get("pytest")) is not None:
        pytest.main = lambda *_, **__: 0  # type: ignore[attr-defined]


def _run_cases(cases: list[Any], found: list[dict[str, Any]]) -> bool:
    """Run cases of unittest; return whether there is a test in them."""
    import unittest

    class Result(unittest.TestResult):
        def addError(self, test: Any, err: Any) -> None:
            found.append(raised(err[1]))

        addFailure = addError

        def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:
            if err is not None:
                found.append(raised(err[1]))

        def addUnexpectedSuccess(self, test: Any) -> None:
            found.append({"failed": "an expected failure did not come"})

        def addSkip(self, test: Any, reason: str) -> None:
            found.append(_skipped(str(reason)[:_LONGEST]))

    load = unittest.defaultTestLoader.loadTestsFromTestCase
    result = Result()
    unittest.TestSuite(load(case) for case in cases).run(result)
    return bool(result.testsRun or found)


def _run_by_pytest(module: ModuleType, names: Set[str], found: list[dict[str, Any]]) -> bool:
    """Run functions and classes of these names as pytest does; return whether there is a test in them."""
    import pytest
    from _pytest.fixtures import FixtureLookupError
    from _pytest.main import Session

    class Module(pytest.Module):
        def _getobj(self) -> ModuleType:
            return module

    class Plugin:
        @pytest.hookimpl(tryfirst=True)
        def pytest_pyfunc_call(self, pyfuncitem: Any) -> bool | None:
            if not inspect.iscoroutinefunction(pyfuncitem.obj):
                return None
            import asyncio

            wanted = pyfuncitem._fixtureinfo.argnames
            asyncio.run(pyfuncitem.obj(**{name: pyfuncitem.funcargs[name] for name in wanted}))
            return True

        @pytest.hookimpl(tryfirst=True)
        def pytest_runtest_makereport(self, call: Any) -> None:
            """Notice a call of `pytest.xfail`, which may be the code's; a mark is the test's own."""
            if call.excinfo is not None and isinstance(call.excinfo.value, pytest.xfail.Exception):
                found.append(_skipped(str(call.excinfo.value)[:_LONGEST]))

        def pytest_exception_interact(self, call: Any) -> None:
            error = call.excinfo.value
            if isinstance(error, FixtureLookupError):
                found.append({"unsupported": f"a fixture that is not known here: {error.argname}"})
            else:
                found.append(raised(error))

        def pytest_runtest_logreport(self, report: Any) -> None:
            if report.failed and isinstance(report.longrepr, str):
                found.append(
                    {"failed": report.longrepr[:_LONGEST]}
                )  # a strict xfail that passed; others were reported before
            elif report.skipped and not hasattr(report, "wasxfail"):
                found.append(_skipped(str(report.longrepr[2])[:_LONGEST]))

    if not _CONFIG:
        warm_up()
    config, _ = _CONFIG
    config.pluginmanager.register(Plugin())
    config._do_configure()
    session = Session.from_config(config)
    config.hook.pytest_sessionstart(session=session)
    node = Module.from_parent(session, path=Path(f"/{_FILE}"))
    tops = [top for top in node.collect() if (getattr(top, "originalname", None) or top.name) in names]
    session.items = [item for top in tops for item in _items(top)]
    session.testscollected = len(session.items)
    config.hook.pytest_runtestloop(session=session)
    return bool(session.items or found)


def _items(node: Any) -> Iterator[Any]:
    if not hasattr(node, "collect"):
        yield node
        return
    for each in node.collect():
        yield from _items(each)


def _run_doctest(task: dict[str, Any], names: dict[str, Any], found: list[dict[str, Any]]) -> None:
    import doctest

    said: list[str] = []
    examples = doctest.DocTestParser().get_doctest(task["test"], names, "test", None, 0)
    if doctest.DocTestRunner(verbose=False).run(examples, out=said.append).failed:
        found.append({"failed": "".join(said)[-_LONGEST:]})


def _has_equal_to_everything() -> bool:
    """Whether a class of the code's own has objects that are equal to whatever they are compared with."""
    waiting: list[Any] = [object]
    seen: set[int] = set()
    while waiting:
        kind = waiting.pop()
        for each in type.__subclasses__(kind):
            if id(each) not in seen:
                seen.add(id(each))
                waiting.append(each)
                own = vars(each).get("__eq__")
                if getattr(getattr(own, "__code__", None), "co_filename", "") == "solution.py":
                    with contextlib.suppress(BaseException):
                        made = each.__new__(each)
                        found = own(made, object())
                        if found is not NotImplemented and found:
                            return True
    return False
