"""Splits a test into the calls that the solution must answer and what is compared with them, which it never sees."""

import ast
import builtins
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from genetic_udfs.sandbox.outside import FUNCTIONS, MATH, METHODS
from genetic_udfs.sandbox.suite import compares_by_is, compares_identity

_LONGEST_TEST: Final = 1 << 16
_LONGEST_CODE: Final = 1 << 18  # a syntax tree takes some hundred times the memory of the code

_BUILT_INS: Final = frozenset(dir(builtins))
_SHORT: Final = {"numpy": "np", "pandas": "pd", "scipy": "sp"}
MODULES: Final = sys.stdlib_module_names | {
    *_SHORT,
    *_SHORT.values(),
    "pytest",
    "hypothesis",
    "sklearn",
    "sympy",
    "torch",
}
"""Names that mean a module or package in a test, whatever the code makes of them."""

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
        own: What it defines or assigns itself, whether or not it imports something by that name, too.
        classes: The classes among that: what is made of one is an object of the solution's own.
        imported: Names that nothing but import statements binds; a tester has them from its own imports alone.
        imports: The statements that a tester may do, too: those that give nothing another name.
        both: Names that it imports and binds otherwise, too.
        replaced: Names of built-ins, modules and packages to which it gives another meaning.
        renamed: Names that its imports give to functions and classes of modules; a tester does not have them.
        readable: Whether the code could be read; if not, nothing is known of it.
    """

    own: frozenset[str] = frozenset()
    classes: frozenset[str] = frozenset()
    imported: frozenset[str] = frozenset()
    imports: tuple[str, ...] = ()
    both: frozenset[str] = frozenset()
    replaced: frozenset[str] = frozenset()
    renamed: frozenset[str] = frozenset()
    readable: bool = True

    @classmethod
    def of(cls, code: str) -> "Definitions":
        """Read code; what cannot be parsed, or is far longer than any solution, is not readable."""
        body = _parsed(code) if len(code) <= _LONGEST_CODE else None
        if body is None:
            return cls(readable=False)
        nodes = list(_of_the_module(body))
        imports = [each for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)]
        aliases = [alias for each in imports for alias in each.names]
        own = frozenset(name for each in nodes for name in _bound(each))
        imported = frozenset((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        renamed = {alias.asname or "" for alias in aliases if alias.asname not in {alias.name, _SHORT.get(alias.name)}}
        taken = {alias.name for alias in aliases if alias.name in _BUILT_INS}
        return cls(
            own=own,
            classes=frozenset(each.name for each in nodes if isinstance(each, ast.ClassDef)),
            imported=imported - own,
            imports=tuple(ast.unparse(each) for each in imports if _renames_nothing(each)),
            both=own & imported,
            replaced=frozenset({*own, *renamed, *taken} & (_BUILT_INS | MODULES)),
            renamed=frozenset(
                alias.asname or "" for each in imports if not _renames_nothing(each) for alias in each.names
            ),
        )

    def names_for(self, test: str) -> list[str]:
        """Return the names of a test that mean the solution's: what the code defines, and what else nobody knows."""
        body = _parsed(test) or []
        nodes = [node for each in body for node in ast.walk(each)]
        bound = {name for node in nodes for name in _bound(node)} | {
            node.arg for node in nodes if isinstance(node, ast.arg)
        }
        bound |= {
            (alias.asname or alias.name).partition(".")[0]
            for node in nodes
            if isinstance(node, ast.Import | ast.ImportFrom)
            for alias in node.names
        }
        used = names_used(test)
        unknown = used - bound - self.imported - _BUILT_INS - MODULES
        return sorted(name for name in (used & self.own) | unknown if not name.startswith("__"))


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
        if not isinstance(root, ast.Name) or root.id not in self.definitions.own - _BUILT_INS:
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


def names_used(test: str) -> frozenset[str]:
    """Return the names that a test reads; none of a text that cannot be parsed."""
    body = _parsed(test)
    return frozenset(node.id for each in body or () for node in ast.walk(each) if isinstance(node, ast.Name))


def replaced_in(test: str, definitions: Definitions) -> frozenset[str]:
    """Return the built-ins and modules that a test uses and code gives another meaning; it would believe that code.

    A function may be named like a module, such as `numbers`; that is no module where it is called itself.
    """
    nodes = [node for each in _parsed(test) or () for node in ast.walk(each)]
    holders = {node.value.id for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    used = names_used(test)
    replaced = definitions.replaced & ((used & _BUILT_INS) | (holders & MODULES))
    return replaced | (definitions.both & holders) | (definitions.renamed & used)


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


def _of_the_module(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """Yield what is executed in the module's own scope, in its order, and statements that say `global`."""
    waiting: list[ast.AST] = [*reversed(body)]
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield from (each for each in ast.walk(node) if isinstance(each, ast.Global))
        elif isinstance(node, ast.comprehension):
            waiting += [*node.ifs, node.iter]
        else:
            waiting += reversed(list(ast.iter_child_nodes(node)))


def _bound(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            return [node.name]
        case ast.Name(ctx=ast.Store()):
            return [node.id]
        case ast.Global():
            return node.names
        case ast.ExceptHandler(name=str(name)) | ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)):
            return [name]
        case ast.MatchMapping(rest=str(name)):
            return [name]
    return []


def _renames_nothing(statement: ast.Import | ast.ImportFrom) -> bool:
    """Whether names mean what they say: a module may have a short name, a function of a module no other one."""
    return isinstance(statement, ast.Import) or all(alias.asname is None for alias in statement.names)


def _is_import_of_math(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Import) and ast.unparse(statement) == "import math"
