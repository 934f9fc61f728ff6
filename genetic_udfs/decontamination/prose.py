"""What of an item's text counts: a coding problem's words, without the code around them that every program has."""

import ast
import re
from typing import Final

from genetic_udfs.data.syntax import parsed

# Lines of code that say nothing of a problem, in texts that are no Python: other languages, or half a program.
_BOILERPLATE: Final = re.compile(
    r"""^[ \t]*(?:
        import[ ][\w.]+(?:[ ]as[ ]\w+)?(?:,[ ]*[\w.]+)*;?
      | from[ ]\S+[ ]import[ ][\w*, ()]+
      | (?:async[ ])?def[ ]\w+\(.*:
      | class[ ]\w+.*[:{]
      | \#include\b.*
      | (?:using|package)[ ][\w.: ]+;
    )[ \t]*$""",
    re.MULTILINE | re.VERBOSE,
)

# Where a problem's statement ends and its examples begin.
_EXAMPLES: Final = re.compile(
    r"^[ \t]*>>>|^[ \t#]*sample input\b|\bexamples?\b[^\n]*:|\bfor example\b|\be\.g\.|^[^\n]*(?:==|=>|->|➞)",
    re.I | re.M,
)


def variants(text: str) -> list[str]:
    """Return the texts by which an item's instruction is recognised: the statement, and it without its examples.

    Of Python code with docstrings these are the statement: no import, no `def` line, no helper's body, which may stand
    in any program. Of other texts, lines that are such boilerplate are left out. The second text is there only if
    something stands before the examples and after it: who copies a problem without its examples copies it nonetheless.
    """
    statement = _docstrings(text) or _BOILERPLATE.sub("", text).strip() or text.strip()
    example = _EXAMPLES.search(statement)
    before = statement[: example.start()].strip() if example else ""
    return [each for each in (statement, before) if each]


def _docstrings(text: str) -> str | None:
    """Return the docstrings of Python code that defines something; None of any other text."""
    if "def " not in text and "class " not in text:
        return None
    tree = parsed(text)
    if tree is None:
        return None
    found = [
        ast.get_docstring(node)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
    ]
    return "\n".join(each for each in found if each) or None
