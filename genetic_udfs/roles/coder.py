"""The Coder: its prompt, and the code in its replies."""

import ast
import re
import warnings
from typing import Final, NamedTuple

from genetic_udfs.roles.entry_points import asked_of, missing_from
from genetic_udfs.roles.prompts import render

_FENCE: Final = re.compile(r"^[ \t]*(?:```|~~~)[ \t]*([\w+#.-]*)[^\n]*$", re.MULTILINE)
_PYTHON: Final = {"", "python", "python3", "py", "py3", "python2", "pycon"}
_CODE_START: Final = re.compile(r"^(?:def |class |import |from \S+ import |async def |@\w|if __name__)", re.MULTILINE)
# Unfenced code is followed by prose: lines are given up from the end, so many at the most.
_MAX_TRAILING_LINES: Final = 40


class Code(NamedTuple):
    """The code of a reply, or None with the `reason` and `detail` why there is none."""

    code: str | None
    reason: str | None
    detail: str | None


def coder_prompt(instruction: str, own: str | None = None) -> str:
    """Ask for a solution of an instruction, with the text of the user's own template if one is given.

    A template is given the first function or class that the instruction names as `entry_point`, or nothing.
    """
    asked = asked_of(instruction)
    return render("coder", own, instruction=instruction, entry_point=asked[0] if asked else "")


def repair_prompt(instruction: str, code: str, test: str, status: str, message: str) -> str:
    """Ask for another solution of an instruction, with a test that one fails and what is known of that."""
    return render("repair", instruction=instruction, code=code, test=test, status=status, message=message)


def extract_code(reply: str, finish_reason: str | None) -> Code:
    """Take the solution from a reply: the first fenced Python block that parses, fenced properly or not.

    Reasons: `no_code` (nothing that looks like Python), `truncated` (cut off at max_tokens and not valid for
    that), `syntax_error` (`detail` gives line and message).
    """
    blocks = fenced_python(reply)
    problem: str | None = None
    for block in blocks or _unfenced(reply, finish_reason == "length"):
        error = syntax_error(block)
        if error is None:
            if _does_something(block):
                return Code(block, None, None)
        elif problem is None:
            problem = error
    if problem is None:
        return Code(None, "no_code", "the reply holds no Python code")
    return Code(None, "truncated" if finish_reason == "length" else "syntax_error", problem)


def read_solution(instruction: str, reply: str, finish_reason: str | None) -> Code:
    """Take the solution of an instruction from a reply, as `extract_code` does, if it defines what that names.

    One more reason: `entry_point_missing`, with the names in `detail`.
    """
    found = extract_code(reply, finish_reason)
    if found.code is None or not (missing := missing_from(found.code, asked_of(instruction))):
        return found
    return Code(found.code, "entry_point_missing", f"the code does not define {', '.join(missing)}")


def syntax_error(code: str) -> str | None:
    """Return why `ast.parse` refuses the code, or None where it accepts it. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(code)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError) as error:
        return f"{type(error).__name__}: {error}"
    return None


def fenced_python(reply: str) -> list[str]:
    """Return the fenced blocks marked as Python or not marked; the last may lack its closing fence."""
    fences = list(_FENCE.finditer(reply))
    blocks = []
    position = 0
    while position < len(fences):
        opening = fences[position]
        end = fences[position + 1].start() if position + 1 < len(fences) else len(reply)
        if opening.group(1).lower() in _PYTHON:
            blocks.append(_dedent(reply[opening.end() : end]))
        position += 2
    return [block for block in blocks if block.strip()]


def _unfenced(reply: str, cut_off: bool) -> list[str]:
    """Return what may be code in a reply without fences, longest first: from the first statement on.

    Prose may follow the code. Only lines that are not indented are given up for that, or a function that is wrong at
    its end would be cut down until it parses; of a reply that was cut off, none are.
    """
    start = _CODE_START.search(reply)
    if start is None:
        return []
    lines = reply[start.start() :].rstrip().splitlines()
    tries = ["\n".join(lines)]
    while not cut_off and len(tries) <= _MAX_TRAILING_LINES and len(lines) > 1:
        if lines[-1][:1] in {" ", "\t"}:
            break
        lines.pop()
        tries.append("\n".join(lines))
    return tries


def _dedent(block: str) -> str:
    """Take the common indentation of a fence inside a list away; textwrap would also touch blank lines in strings."""
    block = block.strip("\n")
    indent = len(block) - len(block.lstrip(" \t"))
    if indent == 0:
        return block.rstrip()
    prefix = block[:indent]
    return "\n".join(line.removeprefix(prefix) for line in block.splitlines()).rstrip()


def _does_something(code: str) -> bool:
    """Tell code from a block of comments or a lone expression such as a sample of output."""
    return any(
        not isinstance(node, ast.Expr | ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Call))
        for node in ast.parse(code).body
    )
