"""Changes in a test's expressions that a split makes, and what it must not change."""

import ast
import copy
import operator
from collections.abc import Callable
from types import EllipsisType
from typing import Any, Final

from genetic_udfs.sandbox.changes import METHODS
from genetic_udfs.sandbox.unroll import NotStraight, is_fixed, number

# Operations whose result does not say what it was made of: 7 may be 3 + 4, or 8 - 1.
_ARITHMETIC: Final[dict[type[ast.operator], Callable[[int, int], int]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
}
_MAX_FOLDED: Final = 1 << 64
_LOOKED_AT: Final = {"__name__", "__doc__", "__class__"}
_LITERAL: Final = (ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.UnaryOp, ast.unaryop, ast.expr_context)


def replaced(node: Any, targets: dict[str, str], literals: dict[str, ast.expr]) -> Any:
    """Return a copy of something with the solution's names, constants, and constant parts of literals in their place.

    Args:
        node: A statement, or a part of one.
        targets: The solution's names that others stand for; none for its module.
        literals: What paths stand for otherwise.
    """
    return _Replaced(targets, literals).visit(copy.deepcopy(node)) if targets or literals else node


class _Replaced(ast.NodeTransformer):
    def __init__(self, targets: dict[str, str], literals: dict[str, ast.expr]) -> None:
        self._targets, self._literals = targets, literals

    def visit_Name(self, node: ast.Name) -> ast.AST:
        if self._targets.get(node.id) == "":
            raise NotStraight("the solution's module is used as an object")
        if node.id in self._targets and isinstance(node.ctx, ast.Load):
            return ast.Name(self._targets[node.id], node.ctx)
        return self._constant(node, self._literals.get(node.id))

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and self._targets.get(node.value.id) == "":
            return ast.Name(node.attr, node.ctx)
        return self._constant(node, self._literals.get(ast.unparse(node)))

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        return self._constant(node, part_of(node, self._literals))

    def visit_BinOp(self, node: ast.BinOp) -> ast.AST:
        made = self.generic_visit(node)
        match made:
            case ast.BinOp(left=ast.Constant(value=int(left)), op=op, right=ast.Constant(value=int(right))):
                done = _ARITHMETIC.get(type(op))
                return made if done is None or max(left, right) > _MAX_FOLDED else number(done(left, right))
        return made

    def _constant(self, node: ast.Name | ast.Attribute | ast.Subscript, value: ast.expr | None) -> ast.AST:
        return value if value and is_fixed(value) and isinstance(node.ctx, ast.Load) else self.generic_visit(node)


def part_of(node: ast.expr, literals: dict[str, ast.expr]) -> ast.expr | None:
    """Return the literal that an expression stands for, by a name or as a part of another one; None if it is none."""
    if not isinstance(node, ast.Subscript):
        return literals.get(ast.unparse(node))
    try:
        at = _index(node.slice)
    except ValueError:
        return None
    match part_of(node.value, literals):
        case ast.Dict(keys=keys, values=values) if all(map(_is_plain_key, keys)):
            found = [each for key, each in zip(keys, values, strict=True) if _is_constant(key, at)]
            return found[-1] if found else None
        case ast.List(elts=items) | ast.Tuple(elts=items) as held if not any(
            isinstance(each, ast.Starred) for each in items
        ):
            if isinstance(at, slice):
                return type(held)(items[at], ast.Load())
            return items[at] if type(at) is int and -len(items) <= at < len(items) else None
    return None


def _index(node: ast.expr) -> Any:
    if isinstance(node, ast.Slice):
        return slice(*(each and ast.literal_eval(each) for each in (node.lower, node.upper, node.step)))
    return ast.literal_eval(node)


def mapped(node: ast.expr, change: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """Return a copy of an expression whose parts are changed."""

    def changed(part: Any) -> Any:
        if isinstance(part, ast.keyword):
            return ast.keyword(part.arg, change(part.value))
        return change(part) if isinstance(part, ast.expr) else part

    made = copy.copy(node)
    for name, value in ast.iter_fields(node):
        setattr(made, name, list(map(changed, value)) if isinstance(value, list) else changed(value))
    return made


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)


def _is_plain_key(node: ast.expr | None) -> bool:
    """Whether a key is a constant that is equal to no other one that is written in another way, as 1 is to True."""
    return (
        isinstance(node, ast.Constant)
        and isinstance(node.value, str | bytes | int | None)
        and not isinstance(node.value, bool)
    )


def _is_singleton(node: ast.expr) -> bool:
    """Whether there is one such value alone, so that a copy of it is the same; texts and numbers may be others."""
    return isinstance(node, ast.Constant) and isinstance(node.value, bool | EllipsisType | None)


def is_literal(node: ast.expr) -> bool:
    """Whether an expression is a constant, or a container of such."""
    return all(isinstance(each, _LITERAL) for each in ast.walk(node))


def looks_into(node: ast.AST, answer: str) -> bool:
    """Whether something is told by what it is, or by what a copy of it, or of an exception, does not have."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others) if any(
            isinstance(op, ast.Is | ast.IsNot) for op in ops
        ):
            return not any(map(_is_singleton, (left, *others)))
        case ast.Call(func=ast.Attribute(attr="assertIs" | "assertIsNot"), args=several):
            return not any(map(_is_singleton, several))
        case ast.Call(func=ast.Attribute(value=of, attr=attr)) if attr in METHODS:  # done to a copy
            return any(isinstance(each, ast.Name) and each.id == answer for each in ast.walk(of))
        case ast.Attribute(attr=attr):
            return attr.startswith("__") and attr not in _LOOKED_AT
    return False
