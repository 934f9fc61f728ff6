"""A test as a tester runs it: its statements, and then the functions and cases of it that wait for a test runner."""

import ast
import sys
from collections.abc import Iterator
from typing import Any, Final

from genetic_udfs.sandbox.values import Unsupported

# What looks at or changes the tester's own process, where the solution is not.
_OF_ONE_PROCESS: Final = {
    *("redirect_stdout", "redirect_stderr", "redirect_stdin", "capsys", "capfd", "caplog", "monkeypatch", "patch"),
    *("simplefilter", "filterwarnings", "setrecursionlimit", "environ", "putenv"),
    *("getcontext", "setcontext", "localcontext"),
    *("catch_warnings", "warns", "assertWarns", "assertWarnsRegex", "assertLogs", "assertNoLogs", "deprecated_call"),
}
_STREAMS: Final = {"stdin", "stdout", "stderr", "argv"}
# What looks into objects, past what can be asked of the solution's, or at what exceptions do not bring along.
_LOOKS_INTO: Final = {
    *("__class__", "__cause__", "__context__", "__traceback__", "__notes__", "exceptions", "filename", "filename2"),
    *("ExceptionGroup", "BaseExceptionGroup", "inspect", "isgenerator", "isfunction", "isgeneratorfunction"),
    *("iscoroutinefunction", "signature", "getsource", "is_dataclass", "getrefcount"),
}
_REPLACED: Final = {"input", "print", "open"}
_ENDINGS: Final = {"exit", "quit", "sys.exit", "os._exit", "os.abort", "pytest.main"}
_SET_UP: Final = {"setup_method", "setup_class", "teardown_method", "teardown_class", "setup", "teardown"}
_SKIPS: Final = {"SkipTest", "Skipped", "XFailed"}
_MARKS: Final = ("skip", "xfail", "expectedfailure", "parametrize", "fixture")
_ENTERED: Final = "<entered>"

FILE: Final = "test.py"
"""The name of a test's code in tracebacks."""


def checks(test: ast.AST) -> bool:
    """Whether a test can fail by what it says: it asserts, raises, or calls `assertEqual`, `pytest.raises` or alike."""
    return any(isinstance(node, ast.Assert | ast.Raise) or _is_check(node) for node in ast.walk(test))


def _is_check(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name.startswith("assert") or name in {"raises", "fail"}


def doubtful(test: ast.Module) -> str | None:
    """Return what a test does that means something else with its code in another process, or None."""
    imports = [node for node in ast.walk(test) if isinstance(node, ast.Import)]
    modules = {alias.asname or alias.name for node in imports for alias in node.names}
    for node in ast.walk(test):
        match node:
            case ast.Compare() if compares_identity(node) and not any(map(asks_class, _operands(node))):
                return "it tells objects apart by what they are"
            case ast.Call(func=ast.Name(id="id") | ast.Attribute(attr="assertIs" | "assertIsNot")):
                return "it tells objects apart by what they are"
            case ast.Call(func=ast.Name() | ast.Attribute() as called) if ast.unparse(called) in _ENDINGS:
                return f"it calls {ast.unparse(called)}"
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _OF_ONE_PROCESS:
                return f"it uses {name}, and the code is in another process"
            case ast.Name(id=name) | ast.Attribute(attr=name) if name in _LOOKS_INTO:
                return f"it uses {name}, which does not know the code's objects"
            case ast.Attribute(value=ast.Name(id="random"), attr="seed"):
                return "it seeds its own random numbers, and not the code's"
            case ast.Name(id=name, ctx=ast.Store()) if name in _REPLACED:
                return f"it replaces {name}, which the code would not see"
            case ast.Attribute(value=ast.Name(id=name), ctx=ast.Store()) if name in modules:
                return f"it changes the module {name}, which the code would not see"
            case ast.Attribute(value=ast.Name(id="sys"), attr=name) if name in _STREAMS:
                return f"it uses sys.{name}, and the code is in another process"
            case ast.TryStar():
                return "it has except*"
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() if marks := _marks(node):
                return f"it marks {node.name} with {marks}"
    return None


def compares_identity(node: ast.Compare) -> bool:
    """Whether objects are compared by `is`, which their copies cannot be; constants may be."""
    return _has_is(node) and not any(isinstance(each, ast.Constant) for each in _operands(node))


def tells_classes(test: ast.Module, *, expects_errors: bool) -> bool:
    """Whether a test asks for classes by other means than a call, or tells by `is` what a copy is.

    Args:
        test: The test.
        expects_errors: Whether to count errors that it expects, too.
    """
    nodes = list(ast.walk(test))
    names = {node.id for node in nodes if isinstance(node, ast.Name)}
    raises = any(isinstance(node, ast.Try) or (_is_check(node) and "aises" in ast.unparse(node)) for node in nodes)
    return "type" in names or any(map(compares_by_is, nodes)) or (expects_errors and raises)


def compares_by_is(node: ast.AST) -> bool:
    """Whether something is compared by `is` with a constant other than None."""
    if not isinstance(node, ast.Compare) or not _has_is(node):
        return False
    return any(isinstance(each, ast.Constant) and each.value is not None for each in _operands(node))


def _has_is(node: ast.Compare) -> bool:
    return any(isinstance(each, ast.Is | ast.IsNot) for each in node.ops)


def asks_class(node: ast.AST) -> bool:
    """Whether something is `type(...)` of one object."""
    return (
        isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "type"
        and len(node.args) == 1
    )


def _operands(node: ast.Compare) -> list[ast.expr]:
    return [node.left, *node.comparators]


def _marks(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> str:
    found = (ast.unparse(each) for each in node.decorator_list)
    return ", ".join(each for each in found if any(mark in each.lower() for mark in _MARKS))


def without_main() -> None:
    """Have `unittest.main()` do nothing: it would end the process, and `run` does what it is for."""
    import unittest

    unittest.main = lambda *_, **__: None  # type: ignore[assignment]


def run(test: ast.Module, namespace: dict[str, Any]) -> None:
    """Run a test, then its functions `test*` that take nothing and were not called, and its unittest cases.

    Raises:
        BaseException: The first that comes.
        Unsupported: If the test skips something, or has functions that check something and were never run.
    """
    entered: set[str] = set()
    checking = set(_made_to_tell(test.body, ""))
    namespace[_ENTERED] = entered.add
    try:
        exec(compile(ast.fix_missing_locations(test), FILE, "exec"), namespace)
        for each in test.body:
            if isinstance(each, ast.FunctionDef) and each.name.startswith("test"):
                if each.name not in entered and not ast.unparse(each.args):
                    namespace[each.name]()
            elif isinstance(each, ast.ClassDef):
                _run_cases(namespace[each.name], entered)
    except BaseException as error:
        if type(error).__name__ in _SKIPS:
            raise Unsupported(f"the test skips something: {error}"[:200]) from None
        raise
    if left := checking - entered:
        raise Unsupported(f"the test has functions that nothing runs: {', '.join(sorted(left))}"[:200])


def _made_to_tell(body: list[ast.stmt], within: str) -> Iterator[str]:
    """Make each function that checks something say that it is run; yield their names."""
    for node in (each for statement in body for each in _outermost(statement)):
        name = f"{within}{node.name}"
        if isinstance(node, ast.ClassDef):
            yield from _made_to_tell(node.body, f"{name}.")
        elif checks(node):
            yield name
            yield from _made_to_tell(node.body, f"{name}.")
            node.body.insert(0, ast.Expr(ast.Call(ast.Name(_ENTERED, ast.Load()), [ast.Constant(name)], [])))


def _outermost(statement: ast.stmt) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef]:
    """Yield functions and classes of a statement, but not those within them."""
    waiting: list[ast.AST] = [statement]
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node
        else:
            waiting += ast.iter_child_nodes(node)


def _run_cases(kind: Any, entered: set[str]) -> None:
    """Run a class of tests: one of unittest's, or one of pytest's that sets nothing up."""
    unittest = sys.modules.get("unittest")
    if unittest is not None and isinstance(kind, type) and issubclass(kind, unittest.TestCase):
        unittest.defaultTestLoader.loadTestsFromTestCase(kind).debug()  # it lets exceptions through
    elif isinstance(kind, type) and kind.__name__.startswith("Test") and not _SET_UP & set(dir(kind)):
        for name, method in vars(kind).items():
            takes_itself_alone = getattr(method, "__code__", None) and method.__code__.co_argcount == 1
            if name.startswith("test") and takes_itself_alone and f"{kind.__name__}.{name}" not in entered:
                method(kind())
