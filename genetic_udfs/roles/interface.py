"""What a solution offers to tests: its entry points, their heads without bodies, and a solution that does nothing."""

import ast
import builtins
from dataclasses import dataclass
from typing import Final

from genetic_udfs.data.syntax import nodes_of, parsed

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

# What a script calls its own run; no problem asks for it.
_SCRIPT: Final = "main"
_ELLIPSIS: Final[list[ast.stmt]] = [ast.Expr(ast.Constant(...))]
# What a test may read, whatever the solution defines.
_ALWAYS_THERE: Final = frozenset(dir(builtins)) | {"math"}
_NULL_FUNCTION: Final = "def {name}(*_, **__):\n    return None\n"
_NULL_CLASS: Final = (
    "class {name}:\n    def __init__(self, *_, **__):\n        pass\n\n"
    "    def __getattr__(self, name):\n        return lambda *_, **__: None\n"
)


@dataclass(frozen=True)
class Interface:
    """What tests of a solution may use.

    Attributes:
        entry_points: The functions and classes that nothing else in the solution uses, in their order. Where all are
            used by others, all of them.
        heads: Their definitions, and those of other classes, without what they do.
        names: Every name that a test may read: the built-ins, and what is defined at the top.
        null_solution: Code with the same names, that returns None whatever is asked of it. Of the solution it has
            nothing else: what makes something is what has a class's name, and built-ins mean what they always do,
            unless nothing else is defined.
    """

    entry_points: tuple[str, ...]
    heads: str
    names: frozenset[str]
    null_solution: str

    @classmethod
    def of(cls, code: str) -> "Interface | None":
        """Read a solution; None where it defines nothing that could be called, or is no Python."""
        tree = parsed(code)
        if tree is None:
            return None
        try:
            definitions = [each for each in tree.body if isinstance(each, _Definition)]
            public = [each for each in definitions if each.name != _SCRIPT and not each.name.startswith("_")]
            entries = [each for each in public if not _is_used(each.name, public)] or public
            if not entries:
                return None
            shown = [each for each in public if each in entries or isinstance(each, ast.ClassDef)]
            heads = "\n\n".join(ast.unparse(_head(each)) for each in shown)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        return cls(
            entry_points=tuple(dict.fromkeys(each.name for each in entries)),
            heads=heads,
            names=frozenset(each.name for each in definitions) | _ALWAYS_THERE,
            null_solution="\n".join(map(_null, [each for each in public if each.name not in _ALWAYS_THERE] or public)),
        )


def _is_used(name: str, definitions: list[_Definition]) -> bool:
    return any(
        isinstance(node, ast.Name) and node.id == name
        for each in definitions
        if each.name != name
        for node in nodes_of(each)
    )


def _head(definition: _Definition) -> ast.stmt:
    if not isinstance(definition, ast.ClassDef):
        kind = type(definition)
        return kind(
            name=definition.name,
            args=definition.args,
            body=_ELLIPSIS,
            decorator_list=[],
            returns=definition.returns,
            lineno=0,
        )
    methods = [each for each in definition.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)]
    public = [each for each in methods if each.name == "__init__" or not each.name.startswith("_")]
    return ast.ClassDef(
        name=definition.name,
        bases=definition.bases,
        keywords=[],
        body=[_head(each) for each in public] or _ELLIPSIS,
        decorator_list=definition.decorator_list,  # a dataclass has its fields in no method
    )


def _null(definition: _Definition) -> str:
    is_class = isinstance(definition, ast.ClassDef) and definition.name[0].isupper()
    template = _NULL_CLASS if is_class else _NULL_FUNCTION
    return template.format(name=definition.name)
