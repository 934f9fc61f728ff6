"""Splits a test in two: what the solution must do, and what is made of its answers, which it never sees.

The solution's process gets steps: calls of what the solution defines, and of the test's own values those that are
handed to it. Everything else (constants, comparisons, libraries, expected values) stays for another process, in which
none of the solution's code runs and each step's answer stands in the place of the call.
"""

import ast
import copy
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, Final

from genetic_udfs.sandbox.check import ANSWER, FRESH
from genetic_udfs.sandbox.definitions import BUILT_INS, Definitions, bound_by, of_the_scope
from genetic_udfs.sandbox.unroll import NotStraight, Segment, located, unroll

_LONGEST_TEST: Final = 1 << 16
# Modules that tell nothing of the process they are in, and change nothing of it.
_PURE: Final = """
abc ast base64 binascii bisect calendar cmath collections copy dataclasses datetime decimal enum fractions functools
hashlib heapq html io itertools json keyword math numbers numpy operator pandas pprint pytest re statistics string
struct textwrap types typing unicodedata unittest uuid zoneinfo
""".split()  # noqa: SIM905
_OF_A_PROCESS: Final = """
__import__ breakpoint compile delattr dir eval exec exit globals help id input locals open quit setattr vars
""".split()  # noqa: SIM905
# Asked of an object of the solution's own, as good as a method of it without arguments.
_ASKS: Final = "abs bool callable float hasattr int isinstance issubclass len list repr str tuple".split()  # noqa: SIM905
# Done to what the solution has returned they would change a copy.
_CHANGES: Final = """
add append appendleft clear discard extend insert pop popitem popleft remove reverse rotate setdefault sort update
""".split()  # noqa: SIM905
_LOOKED_AT: Final = {"__name__", "__doc__", "__class__"}
_RAISES: Final = {"assertRaises", "assertRaisesRegex", "raises"}


@dataclass(frozen=True)
class Step:
    """What the solution's process does.

    Attributes:
        scope: Whose names it uses and binds: 0 is the module's, which the others see, too.
        path: Where it stands: an error ends what has the same beginning.
        source: An expression, or a statement that binds names.
        binds: These names, or None for an expression.
    """

    scope: int
    path: tuple[int, ...]
    source: str
    binds: tuple[str, ...] | None


@dataclass(frozen=True)
class Split:
    """A test in two.

    Attributes:
        steps: For the solution's process.
        rest: Scopes, each with its number, whether it is one of unittest's cases, and its source.
        imports: Statements of the solution's own imports that the rest needs.
    """

    steps: tuple[Step, ...]
    rest: tuple[tuple[int, bool, str], ...]
    imports: tuple[str, ...]

    @property
    def is_simple(self) -> bool:
        """Whether its steps are calls alone, after which others can follow in the same process."""
        return all(step.binds is None for step in self.steps)


def split(body: list[ast.stmt], definitions: Definitions, modules: frozenset[str]) -> Split:
    """Split a test.

    Args:
        body: Its statements.
        definitions: Of the solution.
        modules: Names by which the test imports the solution.

    Raises:
        NotStraight: If it is no sequence of statements, or does something that needs both sides in one process.
    """
    if not definitions.readable:
        raise NotStraight("the code is too long, or too deep, to tell what it defines")
    try:
        splitter = _Splitter(definitions, modules)
        segments = [(each.scope, each.is_case, splitter.segment(each)) for each in unroll(body)]
        rest = tuple(
            (scope, is_case, ast.unparse(ast.Module(lines, []))) for scope, is_case, lines in segments if lines
        )
    except (RecursionError, ValueError) as error:
        raise NotStraight(f"the test is too deep: {error}") from None
    if not splitter.steps:
        raise NotStraight("the test calls nothing")
    return Split(tuple(splitter.steps), rest, tuple(splitter.imports))


class _Origin(Enum):
    """What a name of a test stands for."""

    ALIAS = auto()  # a name of the solution's
    OWN = auto()  # an object of one of its classes
    RESULT = auto()  # what a function of its has returned
    TEST = auto()  # the test's own value, which can be made in the solution's process, too
    DERIVED = auto()  # made of answers; it cannot


@dataclass
class _Binding:
    """What a name of a test stands for.

    Attributes:
        origin: Where the value is.
        target: Of an alias, the solution's name.
        module: Of an import, the module.
        made_by: The statements that make it, where it is the test's own.
        is_there: Whether it was made in the solution's process.
        is_fixed: Whether it is a constant, which no code can change.
    """

    origin: _Origin
    target: str = ""
    module: str = ""
    made_by: list[ast.stmt] = field(default_factory=list)
    is_there: bool = False
    is_fixed: bool = False

    @property
    def literal(self) -> ast.expr | None:
        """What it was made of, where one statement has made it."""
        match self.made_by:
            case [ast.Assign(value=value)] if self.origin is _Origin.TEST:
                return value
        return None


class _Splitter:
    def __init__(self, definitions: Definitions, modules: frozenset[str]) -> None:
        self._definitions = definitions
        self._modules = modules
        self._imports = dict(definitions.imports)
        self.steps: list[Step] = []
        self._module: dict[str, _Binding] = {}
        self._names: dict[str, _Binding] = self._module
        self._scope = 0
        self._path: tuple[int, ...] = ()
        self._groups = 1 << 20  # scopes have smaller numbers
        self.imports: dict[str, None] = {}

    def segment(self, segment: Segment) -> list[ast.stmt]:
        """Return the rest of a segment, and add its steps."""
        self._scope, self._path = segment.scope, (segment.scope,) if segment.scope else ()
        self._names = dict(self._module) if segment.scope else self._module
        return [line for each in segment.statements for line in self._statement(each)]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        match node:
            case ast.Import() | ast.ImportFrom():
                return self._import(node)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return self._assignment(node)
            case ast.Expr():
                return self._expression(node)
            case ast.Assert():
                return self._rest(ast.Assert(self._condition(node.test), None))
            case ast.With():
                return self._with(node)
            case ast.Try():
                return self._try(node)
        if self._asks(node):
            raise NotStraight(f"{type(node).__name__} around what the solution does")
        for name in _names_of(node):
            self._bind(name, _Binding(_Origin.TEST, made_by=[node]))
        return self._rest(node)

    def _import(self, node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
        of = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if of == "__future__":
            raise NotStraight("an import from __future__")
        for alias in node.names:
            [name] = bound_by(alias)
            if (of or alias.name) in self._modules:
                target = alias.name if of else ""
                if target == "*":
                    continue
                if target and target not in self._definitions.own:
                    raise NotStraight(f"{target} is imported from the solution")
                self._bind(name, _Binding(_Origin.ALIAS, target=target))
            elif alias.name == "*":
                raise NotStraight("an import of everything")
            else:
                self._bind(name, _Binding(_Origin.TEST, module=(of or alias.name).partition(".")[0], made_by=[node]))
        return [] if (of or node.names[0].name) in self._modules else [node]

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[ast.stmt]:
        targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is None:
            return []
        match node, targets, node.value:
            case ast.Assign(), [ast.Name(id=name)], ast.Name() as named if (own := self._own_name(named)) is not None:
                self._bind(name, _Binding(_Origin.ALIAS, target=own))
                return []
            case ast.Assign(), [ast.Tuple(elts=parts)], ast.Tuple(elts=values) if len(parts) == len(values) and not any(
                map(self._asks, values)
            ):
                pairs = zip(parts, values, strict=True)
                return [line for part, each in pairs for line in self._assignment(located(ast.Assign([part], each)))]
        paths = [path for target in targets for path in _paths(target)]
        holders = [self._binding(path) for path in paths]
        is_inside = any(held is not None and held.origin in {_Origin.OWN, _Origin.RESULT} for held in holders)
        if isinstance(node, ast.AugAssign) or any(map(_is_part, targets)):
            return self._change(node, paths, is_inside=is_inside)
        if self._is_inside(node.value):
            origin = _Origin.OWN if self._makes_own(node.value) else _Origin.RESULT
            lines = self._done(node, tuple(paths))
            for path in paths:
                self._bind(path, _Binding(origin))
            return lines
        asks = self._asks(node.value)
        value = self._outside(node.value)
        made = _Binding(_Origin.DERIVED if asks else _Origin.TEST, made_by=[node])
        made.is_fixed = _is_fixed(node.value)
        for path in paths:
            self._bind(path, made)
        return self._rest(ast.Assign(targets, value))

    def _change(self, node: ast.stmt, paths: list[str], *, is_inside: bool) -> list[ast.stmt]:
        """Do a statement that changes what names stand for: on the side where that is, or on both."""
        if is_inside:
            return self._done(node, tuple(paths))
        for path in paths:
            binding = self._binding(path)
            if binding is None or binding.module or binding.origin is not _Origin.TEST or self._asks(node):
                raise NotStraight(f"{path} is changed")
            if binding.is_there:
                self._step(node, tuple(each for each in paths if "." not in each))
            binding.made_by.append(node)
        return self._rest(node)

    def _expression(self, node: ast.Expr) -> list[ast.stmt]:
        if self._is_inside(node.value):
            return self._done(node, ())
        if not self._asks(node):
            match node.value:
                case ast.Call(func=ast.Name(id="print")):
                    return []
                case ast.Call(func=ast.Attribute(value=ast.Name() | ast.Subscript() as holder)):
                    [path, *_] = _paths(holder)
                    binding = self._binding(path)
                    if binding is not None and not binding.module:
                        return self._change(node, [path], is_inside=False)
        if not isinstance(node.value, ast.Call) or "assert" not in ast.unparse(node.value.func).rpartition(".")[2]:
            raise NotStraight(f"{ast.unparse(node)[:60]} does something that the solution might see")
        return self._rest(ast.Expr(self._outside(node.value)))

    def _with(self, node: ast.With) -> list[ast.stmt]:
        [item, *more] = node.items
        call = item.context_expr
        if more or not isinstance(call, ast.Call) or ast.unparse(call.func).rpartition(".")[2] not in _RAISES:
            raise NotStraight(f"with {ast.unparse(call)[:60]}")
        given = self._outside(call)
        if isinstance(item.optional_vars, ast.Name):
            self._bind(item.optional_vars.id, _Binding(_Origin.DERIVED))
        body = self._group(node.body)
        return self._rest(ast.With([ast.withitem(given, item.optional_vars)], body or [ast.Pass()]))

    def _try(self, node: ast.Try) -> list[ast.stmt]:
        body = self._group(node.body)
        handlers = []
        for each in node.handlers:
            if each.name:
                self._bind(each.name, _Binding(_Origin.DERIVED))
            kind = each.type if each.type is None else self._outside(each.type)
            handlers.append(ast.ExceptHandler(kind, each.name, self._without_steps(each.body)))
        orelse, final = self._without_steps(node.orelse), self._without_steps(node.finalbody)
        return self._rest(ast.Try(body or [ast.Pass()], handlers, orelse, final))

    def _group(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return the rest of statements that may raise: what follows the one that does is not done."""
        outer, self._groups = self._path, self._groups + 1
        self._path = (*outer, self._groups)
        lines = [line for each in body for line in self._statement(each)]
        self._path = outer
        return lines

    def _without_steps(self, body: list[ast.stmt]) -> list[ast.stmt]:
        before = len(self.steps)
        lines = [line for each in body for line in self._statement(each)]
        if len(self.steps) > before:
            raise NotStraight("the solution is asked where it is not known whether it is")
        return lines or [ast.Pass() for _ in body[:1]]

    # Steps

    def _done(self, node: ast.stmt, paths: tuple[str, ...]) -> list[ast.stmt]:
        """Have the solution's process do a statement; the rest raises what that raises."""
        node = self._folded(node)
        self._needs(node)
        step = self._step(node, tuple(path for path in paths if "." not in path))
        return [located(ast.Expr(_answer(step)))]

    def _step(self, node: ast.AST, binds: tuple[str, ...] | None) -> int:
        self.steps.append(Step(self._scope, self._path, ast.unparse(self._without_aliases(node)), binds))
        return len(self.steps) - 1

    def _taken(self, node: ast.expr) -> ast.expr:
        node = self._folded(node)
        self._needs(node)
        return _answer(self._step(node, None))

    def _needs(self, node: ast.AST, *, makes: bool = False) -> None:
        """Have the test's own values that something uses made in the solution's process, too."""
        for each in ast.walk(node):
            held = self._names.get(ast.unparse(each.value)) if isinstance(each, ast.Subscript) else None
            if held is not None and held.origin is _Origin.TEST and not (held.is_fixed or makes):
                raise NotStraight("a part of a value, whose others may be what is expected")
        for path in _used_paths(node):
            binding = self._binding(path)
            if binding is None or binding.is_there or binding.origin in {_Origin.ALIAS, _Origin.OWN, _Origin.RESULT}:
                continue
            if binding.origin is _Origin.DERIVED:
                raise NotStraight(f"{path} is made of what the solution has returned")
            binding.is_there = True
            for line in binding.made_by:
                self._needs(line, makes=True)
                self._step(line, tuple(sorted(_names_of(line))))

    def _folded(self, node: Any) -> Any:
        """Return something with constant items of literals in their place, so that the rest of these stays here."""
        if not any(held.literal for held in self._names.values()):
            return node
        return _Folded(self._names).visit(copy.deepcopy(node))

    def _without_aliases(self, node: ast.AST) -> ast.AST:
        replaced = {path: held.target for path, held in self._names.items() if held.origin is _Origin.ALIAS}
        made = _Renamed(replaced).visit(copy.deepcopy(node)) if replaced else node
        if any(isinstance(each, ast.Name) and replaced.get(each.id) == "" for each in ast.walk(made)):
            raise NotStraight("the solution's module is used as an object")
        return made

    # The rest

    def _rest(self, made: ast.stmt) -> list[ast.stmt]:
        """Return a statement of the rest, after what makes values that the solution may have changed fresh."""
        if any(map(_looks_into, ast.walk(made))):
            raise NotStraight("it tells objects apart, or looks into them")
        asks = [each for each in ast.walk(made) if isinstance(each, ast.Name) and each.id == ANSWER]
        lines: list[ast.stmt] = []
        for path in _used_paths(made):
            self._check_name(path)
            binding = self._binding(path)
            if binding is not None and binding.is_there and not (binding.is_fixed or binding.module):
                step = self._step(ast.parse(path, mode="eval").body, None)
                arguments: list[ast.expr] = [ast.Constant(path), ast.Constant(step), ast.Constant(not asks)]
                lines.append(located(ast.Expr(ast.Call(ast.Name(FRESH, ast.Load()), arguments, []))))
        return [*lines, located(made)]

    def _check_name(self, path: str) -> None:
        """Refuse a name that would mean something else here than where the solution is."""
        binding = self._binding(path)
        name = path.partition(".")[0]
        if binding is None:
            if name in self._definitions.doubtful or name in _OF_A_PROCESS:
                raise NotStraight(f"{name} may be the solution's, or its process's")
            if name in self._imports:
                self.imports[self._imports[name]] = None
                module = ast.parse(self._imports[name]).body[0]
                of = module.module if isinstance(module, ast.ImportFrom) else name
                if (of or "").partition(".")[0] in _PURE or name in {"np", "pd"}:
                    return
            if name not in BUILT_INS and name not in {"self", ANSWER, FRESH, "__name__"}:
                raise NotStraight(f"nobody knows {name}")
        elif binding.module and binding.module not in _PURE:
            raise NotStraight(f"{name} may tell of the process, or change it")
        elif binding.origin in {_Origin.OWN, _Origin.RESULT}:
            raise NotStraight(f"{path} is the solution's")

    def _condition(self, node: ast.expr) -> ast.expr:
        """Return what is asserted; what comes after a first part that is false need not be known."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
            return ast.BoolOp(node.op, [self._condition(each) for each in node.values])
        return self._outside(node)

    def _outside(self, node: ast.expr) -> ast.expr:
        """Return an expression with what the solution must answer taken out of it."""
        if not self._asks(node):
            return node
        if isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and self._binding(ast.unparse(node))):
            return self._taken(node)
        match node:
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
                if self._is_inside(left):
                    return self._taken(node)
            case ast.Call(func=ast.Attribute(ast.Name(id="self"), "assertIsNotNone"), args=[left]):
                none = ast.Compare(left, [ast.IsNot()], [ast.Constant(None)])
                return ast.Call(ast.Attribute(ast.Name("self", ast.Load()), "assertTrue"), [self._outside(none)], [])
        if not isinstance(node, ast.Subscript) and (self._is_inside(node) or self._is_asked(node)):
            return self._taken(node)
        for part in _perhaps_skipped(node):
            if self._asks(part):
                raise NotStraight("a call that may not be made")
        if isinstance(node, ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp):
            made = copy.copy(node)
            first = copy.copy(node.generators[0])
            first.iter = self._outside(first.iter)
            made.generators = [ast.comprehension(first.target, first.iter, first.ifs, 0), *node.generators[1:]]
            inner = [*node.generators[1:], *first.ifs, *(part for part in _elements(node))]
            if node.generators[0].is_async or any(map(self._asks, inner)):
                raise NotStraight("the solution is called in a comprehension")
            return made
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and self._asks(node.func):
            method = ast.Attribute(self._outside(node.func.value), node.func.attr, ast.Load())
            return _mapped(ast.Call(method, node.args, node.keywords), self._outside)
        if isinstance(node, ast.Lambda | ast.Await | ast.Yield | ast.YieldFrom | ast.NamedExpr):
            raise NotStraight(f"{type(node).__name__} around what the solution does")
        return _mapped(node, self._outside)

    # What the solution is asked for

    def _binding(self, path: str) -> _Binding | None:
        return self._names.get(path)

    def _bind(self, path: str, binding: _Binding) -> None:
        means_it = binding.origin is _Origin.ALIAS and binding.target in {path, ""}
        if self._scope == 0 and path in self._definitions.own | self._definitions.free and not means_it:
            raise NotStraight(f"{path} means something to the solution")
        self._names[path] = binding

    def _own_name(self, node: ast.expr) -> str | None:
        """Return the name of the solution's that a name, or an attribute of its module, stands for."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                held = self._binding(name)
                if held is not None and held.origin is _Origin.ALIAS and not held.target:
                    return attr if attr in self._definitions.own else None
            case ast.Name(id=name):
                held = self._binding(name)
                if held is not None:
                    return held.target or None if held.origin is _Origin.ALIAS else None
                if name in self._definitions.own and name not in self._definitions.doubtful:
                    return name
        return None

    def _asks(self, node: ast.AST) -> bool:
        """Whether something has a name of the solution's, or of an object of its, in it."""
        for path in _used_paths(node):
            held = self._binding(path)
            if held is None and path in self._definitions.own:
                if path in self._definitions.doubtful:
                    raise NotStraight(f"the code gives {path} another meaning")
                return True
            if held is not None and held.origin in {_Origin.ALIAS, _Origin.OWN, _Origin.RESULT}:
                return True
        return False

    def _is_inside(self, node: ast.expr) -> bool:
        """Whether something is a chain of calls and attributes that begins with a name of the solution's.

        Arguments go in with it, so those of a method of some result stay here: they may be what is expected.
        """
        root: ast.expr = node
        while self._own_name(root) is None and isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(root, ast.Attribute) and self._binding(ast.unparse(root)) is not None:
                break
            if not isinstance(root, ast.Call):
                root = root.value
                continue
            function = root.func
            is_method = isinstance(function, ast.Attribute) and self._own_name(function) is None
            if is_method and (root.args or root.keywords) and not self._has_own_methods(_holder(function)):
                return False
            root = function
        is_called = isinstance(node, ast.Call) and node.func is root
        if isinstance(root, ast.Name) and root.id in self._definitions.holders and not (is_called or root is node):
            raise NotStraight(f"the code gives {root.id} another meaning")
        held = self._binding(ast.unparse(root)) if isinstance(root, ast.Name | ast.Attribute) else None
        if held is not None and held.origin is _Origin.RESULT:
            return root is node or not _has_arguments(node)
        return (held is not None and held.origin is _Origin.OWN) or self._own_name(root) is not None

    def _has_own_methods(self, node: ast.expr) -> bool:
        """Whether methods of something are the solution's: it is a name, or made by a class of its."""
        held = self._binding(ast.unparse(node)) if isinstance(node, ast.Name | ast.Attribute) else None
        if held is not None:
            return held.origin in {_Origin.OWN, _Origin.ALIAS}
        return self._own_name(node) is not None or self._makes_own(node)

    def _makes_own(self, node: ast.expr) -> bool:
        name = self._own_name(node.func) if isinstance(node, ast.Call) else None
        return name in self._definitions.classes and (name or "")[:1].isupper()

    def _is_asked(self, node: ast.expr) -> bool:
        """Whether something is `len(stack)`, `str(stack)`, `isinstance(f(2), Stack)` or the like."""
        match node:
            case ast.Call(func=ast.Name(id=name), args=[of, *more], keywords=[]) if name in _ASKS:
                if name in {"isinstance", "issubclass"}:
                    return len(more) == 1 and self._own_name(more[0]) in self._definitions.classes and self._asks(of)
                is_own = self._has_own_methods(of) and not (more and name != "hasattr")
                return is_own and name not in self._definitions.doubtful and self._binding(name) is None
        return False


class _Folded(ast.NodeTransformer):
    def __init__(self, names: dict[str, _Binding]) -> None:
        self._names = names

    def visit_Subscript(self, node: ast.Subscript) -> ast.AST:
        held = self._names.get(ast.unparse(node.value)) if isinstance(node.ctx, ast.Load) else None
        match held and held.literal, node.slice:
            case ast.Dict(keys=keys, values=values), ast.Constant(value=wanted):
                found = [each for key, each in zip(keys, values, strict=True) if _is_constant(key, wanted)]
            case ast.List(elts=items) | ast.Tuple(elts=items), ast.Constant(value=int(at)) if at < len(items):
                found = [items[at]]
            case _:
                found = []
        return found[0] if len(found) == 1 and _is_fixed(found[0]) else self.generic_visit(node)


def _is_constant(node: ast.expr | None, value: object) -> bool:
    return isinstance(node, ast.Constant) and node.value == value and type(node.value) is type(value)


class _Renamed(ast.NodeTransformer):
    def __init__(self, names: dict[str, str]) -> None:
        self._names = names

    def visit_Name(self, node: ast.Name) -> ast.AST:
        target = self._names.get(node.id) if isinstance(node.ctx, ast.Load) else None
        return ast.Name(target, node.ctx) if target else node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and self._names.get(node.value.id) == "":
            return ast.Name(node.attr, node.ctx)
        return self.generic_visit(node)


def _answer(step: int) -> ast.Call:
    return ast.Call(ast.Name(ANSWER, ast.Load()), [ast.Constant(step)], [])


def _mapped(node: ast.expr, change: Callable[[ast.expr], ast.expr]) -> ast.expr:
    """Return a copy of an expression whose parts are changed."""
    made = copy.copy(node)
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.expr):
            setattr(made, name, change(value))
        elif isinstance(value, list):
            setattr(made, name, [_changed(each, change) for each in value])
        elif isinstance(value, ast.AST) and not isinstance(value, ast.expr_context):
            setattr(made, name, _changed(value, change))
    return made


def _changed(node: Any, change: Callable[[ast.expr], ast.expr]) -> Any:
    if isinstance(node, ast.expr):
        return change(node)
    return ast.keyword(node.arg, change(node.value)) if isinstance(node, ast.keyword) else node


def _elements(node: ast.expr) -> Sequence[ast.expr]:
    return [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]  # type: ignore[attr-defined]


def _perhaps_skipped(node: ast.expr) -> list[ast.expr]:
    """Return the parts of an expression that Python may leave out."""
    match node:
        case ast.BoolOp(values=[_, *rest]) | ast.Compare(comparators=[_, *rest]):
            return rest
        case ast.IfExp(body=body, orelse=otherwise):
            return [body, otherwise]
    return []


def _used_paths(node: ast.AST) -> list[str]:
    """Return the names in something, and of `self` its attributes; those that it binds within are not among them."""
    inner = {
        name
        for each in ast.walk(node)
        if isinstance(each, ast.Lambda | ast.comprehension | ast.FunctionDef | ast.ClassDef)
        for part in ast.walk(each.args if isinstance(each, ast.Lambda) else getattr(each, "target", each))
        for name in bound_by(part)
    }
    found: dict[str, None] = {}
    for each in ast.walk(node):
        match each:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr):
                found[f"self.{attr}"] = None
            case ast.Name(id=name, ctx=ast.Load()) if name not in inner and name != "self":
                found[name] = None
    return list(found)


def _names_of(node: ast.stmt) -> set[str]:
    """Return the names that a statement binds in its own scope."""
    return {name for each in of_the_scope([node]) for name in bound_by(each)}


def _paths(target: ast.expr) -> list[str]:
    """Return the names that an assignment gives a value, or changes."""
    match target:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            return [f"self.{attr}"]
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [path for part in parts for path in _paths(part)]
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return _paths(value)
    raise NotStraight(f"{ast.unparse(target)[:60]} is given a value")


def _is_part(target: ast.expr) -> bool:
    """Whether an assignment changes a part of something."""
    is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    return isinstance(target, ast.Attribute | ast.Subscript) and not is_own


def _looks_into(node: ast.AST) -> bool:
    """Whether something is told by what it is, or by what a copy of it, or of an exception, does not have."""
    match node:
        case ast.Compare(left=left, ops=ops, comparators=others) if any(
            isinstance(op, ast.Is | ast.IsNot) for op in ops
        ):
            return not any(isinstance(each, ast.Constant) for each in (left, *others))
        case ast.Call(func=ast.Attribute(attr="assertIs" | "assertIsNot"), args=several):
            return not any(isinstance(each, ast.Constant) for each in several)
        case ast.Call(func=ast.Attribute(value=of, attr=attr)) if attr in _CHANGES:
            return any(isinstance(each, ast.Name) and each.id == ANSWER for each in ast.walk(of))
        case ast.Attribute(attr=attr):
            return attr.startswith("__") and attr not in _LOOKED_AT
    return False


def _is_fixed(node: ast.expr) -> bool:
    kept = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context)
    return all(isinstance(each, kept) for each in ast.walk(node))


def _holder(function: ast.expr) -> ast.expr:
    return function.value if isinstance(function, ast.Attribute) else function


def _has_arguments(node: ast.expr) -> bool:
    return any(isinstance(each, ast.Call) and (each.args or each.keywords) for each in ast.walk(node))
