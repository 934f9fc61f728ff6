"""The Tester: its prompt, and the single assertions in its replies."""

import ast
import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from genetic_udfs.data.syntax import parsed
from genetic_udfs.engine.chat_completion import is_cut_off
from genetic_udfs.roles.coder import fenced_python
from genetic_udfs.roles.interface import Interface
from genetic_udfs.roles.prompts import render

_ASSERT: Final = "assert"
_QUOTED: Final = re.compile(r"`(assert\b[^`\n]+)`")
_LISTED: Final = re.compile(r"\A[ \t]*(?:[-*•+]|\d{1,3}[.)])[ \t]+(?=`?assert\b)")


class Suite(NamedTuple):
    """The tests of a reply, or None with the `reason` and `detail` why there are none."""

    tests: list[str] | None
    reason: str | None
    detail: str | None


def tester_prompt(instruction: str, code: str, count: int, *, shows_code: bool, own: str | None = None) -> str | None:
    """Ask for `count` assertions on a solution, of which its heads alone or all its code are shown.

    `own` is the user's template; None where the solution has nothing that a test could call.
    """
    interface = Interface.of(code)
    if interface is None:
        return None
    return render(
        "tester",
        own,
        instruction=instruction,
        code=code if shows_code else interface.heads,
        names=interface.entry_points,
        count=count,
        shows_code=shows_code,
    )


def tests_in(reply: str, code: str, most: int, finish_reason: str | None = None) -> Suite:
    """Take the assertions from a reply that stand alone and call an entry point of the code, `most` of them.

    Assertions inside of functions count where they use none of the functions' own names; inside of `with`, `try`, `if`
    and loops they do not, since they need not hold elsewhere. Of those that give the value of the same
    call the last counts; messages are left out. Nothing of a reply that was cut off is lost but its last line.
    """
    interface = Interface.of(code)
    if interface is None:
        return Suite(None, "no_tests", "the code defines nothing that a test could call")
    found: dict[str, str] = {}
    seen = 0
    for block in fenced_python(reply) or [reply]:
        for assertion in _assertions(block):
            seen += 1
            if _stands_alone(assertion, interface) and _calls(assertion.test, interface):
                found[_asked_in(assertion, interface)] = ast.unparse(ast.Assert(assertion.test))
    if found:
        return Suite(list(found.values())[:most], None, None)
    if is_cut_off(finish_reason):
        return Suite(None, "truncated", f"the Tester's reply ended before one of {seen} assertions could be used")
    names = ", ".join(interface.entry_points)
    return Suite(None, "no_tests", f"of {seen} assertions in the Tester's reply none stands alone and calls {names}")


def _asked_in(assertion: ast.Assert, interface: Interface) -> str:
    """Return the call that an assertion gives the value of, else all that it says."""
    match assertion.test:
        case ast.Compare(left=left, ops=[ast.Eq()]) if _calls(left, interface):
            return ast.unparse(left)
    return ast.unparse(assertion.test)


def _assertions(block: str) -> Iterator[ast.Assert]:
    """Yield the assertions of a block; where it does not parse, even without its last line, those on one line each."""
    for whole in (block, block.rstrip().rpartition("\n")[0]):
        if (tree := parsed(whole)) is not None and tree.body:
            yield from _unconditional(tree.body)
            return
    for line in block.split("\n"):
        if _ASSERT in line and (tree := parsed(_bare(line))) is not None:
            yield from _unconditional(tree.body)


def _bare(line: str) -> str:
    """Return the assertion of a line, without a list's marker, back quotes and what is said of it."""
    quoted = _QUOTED.search(line)
    return quoted[1] if quoted is not None else _LISTED.sub("", line).strip()


def _unconditional(body: list[ast.stmt]) -> Iterator[ast.Assert]:
    for each in body:
        if isinstance(each, ast.Assert):
            yield each
        elif isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from _unconditional(each.body)


def _stands_alone(assertion: ast.Assert, interface: Interface) -> bool:
    nodes = list(ast.walk(assertion.test))
    own = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    own |= {node.arg for node in nodes if isinstance(node, ast.arg)}
    read = {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load)}
    return read - own <= interface.names


def _calls(expression: ast.expr, interface: Interface) -> bool:
    return any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in interface.entry_points
        for node in ast.walk(expression)
    )
