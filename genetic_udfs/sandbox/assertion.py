"""Splits a test into the calls that the solution must answer and what is compared with them, which it never sees."""

import ast
from dataclasses import dataclass, field
from typing import Final

from genetic_udfs.sandbox.definitions import BUILT_INS, Definitions, parsed
from genetic_udfs.sandbox.outside import FUNCTIONS, MATH, METHODS
from genetic_udfs.sandbox.suite import compares_by_is, compares_identity

_LONGEST_TEST: Final = 1 << 16

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
    body = parsed(test)
    if body is None:
        compile_error = _syntax_error(test)
        raise compile_error if compile_error is not None else NotAnAssertion("the test is too deep")
    if not body:
        raise SyntaxError("it has no statement")
    if not all(isinstance(each, ast.Assert) or _is_import_of_math(each) for each in body):
        raise NotAnAssertion("the test has other statements than assertions")
    taken = _Calls(definitions)
    try:
        conditions = tuple(taken.condition(each.test) for each in body if isinstance(each, ast.Assert))
    except RecursionError:
        raise NotAnAssertion("the test is too deep") from None
    if not taken.sources:
        raise NotAnAssertion("the test calls nothing")
    return Split(tuple(taken.sources), conditions)


@dataclass
class _Calls:
    definitions: Definitions
    sources: list[str] = field(default_factory=list)

    def condition(self, node: ast.expr) -> ast.expr:
        """Return what is asserted, as `outside` does; what comes after a first part that is false need not be known."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return ast.BoolOp(node.op, [self.condition(each) for each in node.values])
        return (
            self._opened(node) if isinstance(node, ast.Compare) and not compares_identity(node) else self.outside(node)
        )

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
        if isinstance(node, _TRANSPARENT) and not (isinstance(node, ast.Compare) and compares_identity(node)):
            for part in _perhaps_skipped(node):
                if _Calls(self.definitions).has_any(part):
                    raise NotAnAssertion("a call that may not be made")
            return self._opened(node)
        raise NotAnAssertion(f"{type(node).__name__} in the assertion")

    def has_any(self, node: ast.expr) -> bool:
        """Whether the solution must answer something of an expression."""
        self.outside(node)
        return bool(self.sources)

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
        if (
            plain
            and isinstance(function, ast.Attribute)
            and function.attr in METHODS
            and not self._is_own(function.value)
        ):
            target = self.outside(function.value)
            return ast.Call(ast.Attribute(target, function.attr), *self._arguments(node))
        return self._inside(node)

    def _arguments(self, node: ast.Call) -> tuple[list[ast.expr], list[ast.keyword]]:
        named = [ast.keyword(each.arg, self.outside(each.value)) for each in node.keywords]
        return [self.outside(each) for each in node.args], named

    def _is_known(self, node: ast.expr) -> bool:
        """Whether a name means the built-in function, or what `math` has under it."""
        if isinstance(node, ast.Name):
            return node.id in FUNCTIONS
        return (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "math"
            and node.attr in MATH
        )

    def _is_own(self, node: ast.expr) -> bool:
        """Whether methods of something are the solution's: it is a name, or made by a class, which has a capital."""
        if isinstance(node, ast.Call):
            function = node.func
            return (
                isinstance(function, ast.Name) and function.id in self.definitions.classes and function.id[0].isupper()
            )
        return isinstance(node, ast.Name)

    def _is_method_of_a_result(self, function: ast.expr) -> bool:
        return isinstance(function, ast.Attribute) and not self._is_own(function.value)

    def _inside(self, node: ast.expr) -> ast.expr:
        """Leave something to the solution, if it is the solution's; a tester knows what to do with the rest.

        Arguments go in with it, so those of a method of some result stay here: they may be what is expected.
        """
        root = node
        while isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(root, ast.Call):
                if (root.args or root.keywords) and self._is_method_of_a_result(root.func):
                    raise NotAnAssertion("arguments of a method of a result")
                root = root.func
            else:
                root = root.value
        if not isinstance(root, ast.Name) or root.id not in self.definitions.own - BUILT_INS:
            raise NotAnAssertion(f"{ast.unparse(root)[:60]} is not the solution's")
        self.sources.append(ast.unparse(node))
        return ast.Name(f"<{len(self.sources) - 1}>")


def _perhaps_skipped(node: ast.expr) -> list[ast.expr]:
    """Return the parts of an expression that Python may leave out."""
    match node:
        case ast.BoolOp(values=[_, *rest]) | ast.Compare(comparators=[_, *rest]):
            return rest
        case ast.IfExp(body=body, orelse=otherwise):
            return [body, otherwise]
    return []


def asks_for_classes(condition: ast.expr) -> bool:
    """Whether a condition asks what class something is of, or tells it by `is`."""
    nodes = list(ast.walk(condition))
    return any(isinstance(node, ast.Name) and node.id in {"type", "isinstance"} for node in nodes) or any(
        map(compares_by_is, nodes)
    )


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


def _is_import_of_math(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import) and ast.unparse(statement) == "import math"
