"""Splits a test into the calls that the solution must answer and what is compared with them, which it never sees."""

import ast
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from genetic_udfs.sandbox.outside import FUNCTIONS, MATH, METHODS

_LONGEST_TEST: Final = 1 << 16
_LONGEST_CODE: Final = 1 << 18  # a syntax tree takes some hundred times the memory of the code

# Nodes whose parts are looked into; of others only whole calls can be taken out.
_TRANSPARENT: Final = (
    ast.Compare,
    ast.BoolOp,
    ast.UnaryOp,
    ast.IfExp,
    ast.Subscript,
    ast.Slice,
    ast.List,
    ast.Tuple,
    ast.Set,
)
_OPERATORS: Final = (
    ast.Add,
    ast.Sub,
    ast.Mult,
    ast.Div,
    ast.FloorDiv,
    ast.Mod,
    ast.Pow,
    ast.BitAnd,
    ast.BitOr,
    ast.BitXor,
)


@dataclass(frozen=True)
class Definitions:
    """What code defines at its top level.

    Attributes:
        names: Everything, imported names too.
        classes: The classes among them: what is made of one is an object of the solution's own.
        imports: The import statements.
        imported: The names that they bind.
    """

    names: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    imports: tuple[str, ...] = ()
    imported: frozenset[str] = frozenset()

    @classmethod
    def of(cls, code: str) -> "Definitions":
        """Read code; what cannot be parsed, or is far longer than any solution, defines nothing."""
        if len(code) > _LONGEST_CODE:
            return cls()
        try:
            statements = list(_top_level(_parsed(code) or []))
        except RecursionError:
            return cls()
        imports = [each for each in statements if isinstance(each, ast.Import | ast.ImportFrom)]
        imported = {
            (alias.asname or alias.name).partition(".")[0]
            for each in imports
            for alias in each.names
            if alias.name != "*"
        }
        classes = {each.name for each in statements if isinstance(each, ast.ClassDef)}
        return cls(
            names=frozenset(imported | classes | {name for each in statements for name in _bound(each)}),
            classes=frozenset(classes),
            imports=tuple(ast.unparse(each) for each in imports),
            imported=frozenset(imported),
        )

    def rebinds(self, name: str) -> bool:
        """Whether a name means something else in this code than the built-in, or the module, of that name."""
        return name in self.names and not (name == "math" and "import math" in self.imports)


@dataclass(frozen=True)
class Split:
    """An assertion in two parts.

    Attributes:
        calls: Source of what is evaluated in the solution's process.
        conditions: What must all be true, in order; a name `<N>` in one stands for the result of call N.
    """

    calls: tuple[str, ...]
    conditions: tuple[ast.expr, ...]


class NotAnAssertion(Exception):
    """A test that is no assertion which can be split; it needs a tester."""


def split(test: str, definitions: Definitions) -> Split:
    """Split a test that consists of assertions on plain values.

    Raises:
        NotAnAssertion: If the test does more than that.
        SyntaxError: If it is no Python.
    """
    if len(test) > _LONGEST_TEST:
        raise NotAnAssertion(f"the test has more than {_LONGEST_TEST} characters")
    body = _parsed(test)
    if body is None:
        compile_error = _syntax_error(test)
        raise compile_error if compile_error is not None else NotAnAssertion("the test is too deep")
    if not body:
        raise SyntaxError("it has no statement")
    if not all(isinstance(each, ast.Assert) or _is_import_of_math(each) for each in body):
        raise NotAnAssertion("the test has other statements than assertions")
    taken = _Calls(definitions)
    try:
        conditions = tuple(taken.outside(each.test) for each in body if isinstance(each, ast.Assert))
    except RecursionError:
        raise NotAnAssertion("the test is too deep") from None
    if not taken.sources:
        raise NotAnAssertion("the test calls nothing")
    return Split(tuple(taken.sources), conditions)


@dataclass
class _Calls:
    definitions: Definitions
    sources: list[str] = field(default_factory=list)

    def outside(self, node: ast.expr) -> ast.expr:
        """Return an expression with what the solution must answer taken out of it."""
        if isinstance(node, ast.Constant) or self._is_known(node):
            return node
        if isinstance(node, ast.Call):
            return self._call(node)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._inside(node)
        if isinstance(node, ast.BinOp) and isinstance(node.op, _OPERATORS):
            return ast.BinOp(self.outside(node.left), node.op, self.outside(node.right))
        if isinstance(node, ast.Dict) and None not in node.keys:
            keys: list[ast.expr | None] = [self.outside(key) for key in node.keys if key is not None]
            return ast.Dict(keys, [self.outside(value) for value in node.values])
        if isinstance(node, _TRANSPARENT) and not (isinstance(node, ast.Compare) and _compares_identity(node)):
            return self._opened(node)
        raise NotAnAssertion(f"{type(node).__name__} in the assertion")

    def _opened(self, node: ast.expr) -> ast.expr:
        opened = type(node)()
        for name, value in ast.iter_fields(node):
            if isinstance(value, ast.expr):
                value = self.outside(value)
            elif isinstance(value, list):
                value = [self.outside(each) if isinstance(each, ast.expr) else each for each in value]
            setattr(opened, name, value)
        return opened

    def _call(self, node: ast.Call) -> ast.expr:
        plain = not any(isinstance(each, ast.Starred) for each in node.args) and all(each.arg for each in node.keywords)
        function = node.func
        if plain and self._is_known(function):
            return ast.Call(function, *self._arguments(node))
        if plain and isinstance(function, ast.Attribute) and function.attr in METHODS and not self._is_object(function):
            target = self.outside(function.value)
            return ast.Call(ast.Attribute(target, function.attr), *self._arguments(node))
        return self._inside(node)

    def _arguments(self, node: ast.Call) -> tuple[list[ast.expr], list[ast.keyword]]:
        named = [ast.keyword(each.arg, self.outside(each.value)) for each in node.keywords]
        return [self.outside(each) for each in node.args], named

    def _is_known(self, node: ast.expr) -> bool:
        """Whether a name means the built-in function, or what `math` has under it."""
        if isinstance(node, ast.Name):
            return node.id in FUNCTIONS and not self.definitions.rebinds(node.id)
        return (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "math"
            and node.attr in MATH
            and not self.definitions.rebinds("math")
        )

    def _is_object(self, node: ast.expr) -> bool:
        """Whether something is reached through an object of the solution, or is no result of a call at all."""
        while isinstance(node, ast.Attribute | ast.Subscript):
            node = node.value
        if isinstance(node, ast.Call):
            function = node.func
            if isinstance(function, ast.Name):
                return function.id in self.definitions.classes
            return not self._is_known(function) and self._is_object(function)
        return isinstance(node, ast.Name)

    def _inside(self, node: ast.expr) -> ast.expr:
        self.sources.append(ast.unparse(node))
        return ast.Name(f"<{len(self.sources) - 1}>")


def names_used(test: str) -> frozenset[str]:
    """Return the names that a test reads; none of a text that cannot be parsed."""
    body = _parsed(test)
    return frozenset(node.id for each in body or () for node in ast.walk(each) if isinstance(node, ast.Name))


def _parsed(code: str) -> list[ast.stmt] | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def _syntax_error(code: str) -> SyntaxError | None:
    try:
        ast.parse(code)
    except SyntaxError as error:
        return error
    except ValueError as error:  # a NUL
        return SyntaxError(str(error))
    except (RecursionError, MemoryError):
        pass
    return None


def _top_level(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield statements at the top, and those in an `if`, `try` or `with` there."""
    for statement in body:
        yield statement
        for block in ("body", "orelse", "finalbody"):
            if isinstance(statement, ast.If | ast.Try | ast.With | ast.For | ast.While):
                yield from _top_level(getattr(statement, block, []))
        if isinstance(statement, ast.Try):
            for handler in statement.handlers:
                yield from _top_level(handler.body)


def _bound(statement: ast.stmt) -> Iterator[str]:
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
        yield statement.name
    elif isinstance(statement, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.For):
        for node in ast.walk(statement):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                yield node.id


def _is_import_of_math(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import) and ast.unparse(statement) == "import math"


def _compares_identity(node: ast.Compare) -> bool:
    """Whether objects are told apart by `is`, which their copies cannot be."""
    if not any(isinstance(each, ast.Is | ast.IsNot) for each in node.ops):
        return False
    return not isinstance(node.comparators[-1], ast.Constant)
