"""A test as a tester runs it: its statements, and then the functions and cases of it that wait for a test runner."""

import ast
import sys
from typing import Any


def checks(test: ast.Module) -> bool:
    """Whether a test can fail by what it says: it asserts, raises, or calls `assertEqual`, `pytest.raises` or alike."""
    return any(isinstance(node, ast.Assert | ast.Raise) or _is_check(node) for node in ast.walk(test))


def _is_check(node: ast.AST) -> bool:
    if not isinstance(node, ast.Call):
        return False
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    return name.startswith("assert") or name in {"raises", "fail"}


def without_main() -> None:
    """Have `unittest.main()` do nothing: it would end the process, and `run` does what it is for."""
    import unittest

    unittest.main = lambda *_, **__: None  # type: ignore[assignment]


def run(test: ast.Module, namespace: dict[str, Any]) -> None:
    """Run a test, then its functions `test*` that take nothing and are never called, and its unittest cases.

    Raises:
        BaseException: The first that comes.
    """
    exec(compile(test, "test.py", "exec"), namespace)
    nodes = ast.walk(test)
    called = {node.func.id for node in nodes if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)}
    for each in test.body:
        if isinstance(each, ast.FunctionDef) and each.name.startswith("test") and each.name not in called:
            if not ast.unparse(each.args):
                namespace[each.name]()
        elif isinstance(each, ast.ClassDef):
            _run_cases(namespace[each.name])


def _run_cases(kind: Any) -> None:
    unittest = sys.modules.get("unittest")
    if unittest is not None and isinstance(kind, type) and issubclass(kind, unittest.TestCase):
        unittest.defaultTestLoader.loadTestsFromTestCase(kind).debug()  # it lets exceptions through
