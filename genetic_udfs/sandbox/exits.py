"""A test that ends by leaving the interpreter, as scripts do, is the test without that: an exit is never an outcome.

Only the last statement is looked at, and only what the test says itself; what code does ends a process all the same.
"""

import ast
from collections.abc import Set
from typing import Final

from genetic_udfs.sandbox.definitions import bound_by
from genetic_udfs.sandbox.unroll import ODDITIES, body_of, is_guard, runs_tests

_EXITS: Final = {"sys.exit", "exit", "quit", "SystemExit"}


def without_exit(test: str, own: Set[str]) -> str:
    """Return a test without `sys.exit(0)` at its end; of `sys.exit(main())` is left that `main()` must be 0 or None.

    Args:
        test: Its text; what is no Python, or ends otherwise, is returned as it is.
        own: Names that the code defines, which an exit may be one of.
    """
    if "exit" not in test.lower():
        return test
    try:
        body = body_of(test)
        last = body[-1] if body else None
        holder = last.body if isinstance(last, ast.If) and is_guard(last) else body
        match holder:
            case [*_, ast.Expr(value=ast.Call(func=by, args=given, keywords=[]))]:
                pass
            case [*_, ast.Raise(exc=ast.Call(func=by, args=given, keywords=[]), cause=None)]:
                pass
            case _:
                return test
        name = ast.unparse(by)
        if runs_tests(holder[-1]):
            return test
        if name not in _EXITS or name.partition(".")[0] in own or len(given) > 1:
            return test
        match given:
            case [] | [ast.Constant(value=0 | None)]:
                imported = {
                    bound
                    for each in (*body, *holder)
                    if isinstance(each, ast.Import)
                    for alias in each.names
                    for bound in bound_by(alias)
                }
                # That `sys` is not imported is an error still.
                ends: ast.stmt = ast.Expr(by) if name == "sys.exit" and "sys" not in imported else ast.Pass()
            case [status]:
                codes = ast.Tuple([ast.Constant(0), ast.Constant(None)], ast.Load())
                ends = ast.Assert(ast.Compare(status, [ast.In()], [codes]), None)
        holder[-1] = ast.copy_location(ends, holder[-1])
        return ast.unparse(ast.fix_missing_locations(ast.Module(body, [])))
    except (SyntaxError, *ODDITIES):
        return test
