"""Splits a test in two: what the solution must do, and what is made of its answers, which it never sees.

The solution's process gets steps: calls of what the solution defines, and of the test's own values those that are
handed to it. Everything else (constants, comparisons, libraries, expected values) stays for another process, in which
none of the solution's code runs and each step's answer stands in the place of the call.
"""

import ast
import builtins
import copy
from collections.abc import Sequence
from typing import Any, Final

from genetic_udfs.sandbox.changes import changed, has_effects, is_gone_through, is_late
from genetic_udfs.sandbox.check import ANSWER, FRESH, KIND
from genetic_udfs.sandbox.definitions import Definitions, bound_by
from genetic_udfs.sandbox.names import INSIDE, Binding, Names, Origin, bound_names, paths_of, used_paths
from genetic_udfs.sandbox.rewriting import looks_into, mapped, part_of, replaced
from genetic_udfs.sandbox.steps import Split, Step, answer
from genetic_udfs.sandbox.unroll import (
    MAX_STATEMENTS,
    ODDITIES,
    NotStraight,
    Segment,
    bound,
    is_fixed,
    items_of,
    leaves,
    located,
    says_nothing,
    unroll,
)
from genetic_udfs.sandbox.whole import part_taken

_FEW_PARENTHESES: Final = 90  # Python reads up to 200 within each other
_RAISES: Final = {"assertRaises", "assertRaisesRegex", "raises"}
_MOCKS: Final = {"mock", "unittest.mock"}
_ASSERTION: Final = {"AssertionError", "Exception", "BaseException"}
_WRITTEN_OUT: Final = (ast.Constant, ast.List, ast.Tuple, ast.UnaryOp, ast.USub, ast.expr_context)
# What an assertion is made of that can only fail: a comparison of plain values raises nothing else that a test catches.
_COMPARING: Final = (
    *(ast.Assert, ast.Compare, ast.cmpop, ast.BoolOp, ast.boolop, ast.UnaryOp, ast.unaryop, ast.Name),
    *(ast.Constant, ast.List, ast.Tuple, ast.Set, ast.Dict, ast.expr_context),
)
_OF_LOOPS: Final = {"range", "enumerate", "zip"}


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
    if _uses_mocks(body):
        raise NotStraight("what a mock stands for, it stands for in its own process")
    try:
        splitter = _Splitter(definitions, modules)
        rest = tuple((each.scope, each.is_case, splitter.segment(each)) for each in unroll(body))
        made = Split(tuple(splitter.steps), tuple(each for each in rest if each[2]), tuple(splitter.imports))
        _check_sources(made)
    except ODDITIES as error:
        raise NotStraight(f"the test is too deep, or makes no sense: {error}") from None
    if not made.steps:
        raise NotStraight("the test calls nothing")
    return made


def _uses_mocks(body: list[ast.stmt]) -> bool:
    nodes = [node for each in body for node in ast.walk(each)]
    found = {
        name
        for node in nodes
        if isinstance(node, ast.Import | ast.ImportFrom)
        for each in node.names
        if _MOCKS & {each.name, getattr(node, "module", None)}
        for name in bound_by(each)
    }
    return any(
        (isinstance(node, ast.Name) and node.id in found - {"unittest"})
        or (isinstance(node, ast.Attribute) and ast.unparse(node) == "unittest.mock")
        for node in nodes
    )


def _check_sources(made: Split) -> None:
    """Raise what a source raises that could not be written, or is too deep to be read again, parentheses and all."""
    for source in (*(source for _, _, source in made.sources), *(step.source for step in made.steps)):
        if source.count("(") > _FEW_PARENTHESES:
            ast.parse(source)


class _Splitter:
    def __init__(self, definitions: Definitions, modules: frozenset[str]) -> None:
        self._definitions, self._modules = definitions, modules
        self._names = Names(definitions, shares=not modules)
        self._scope = 0
        self._path: tuple[int, ...] = ()
        self._may_raise = False  # what has come so far of a group, other than by a step
        self._catches_failures = False  # what is around a group
        self._groups = 1 << 20  # scopes have smaller numbers
        self._left = MAX_STATEMENTS
        self._asked = 0  # how often: each time the solution may have changed what it has
        self._looked_up: set[tuple[int, str]] = set()  # names that something looks up later, with their scopes
        self.steps: list[Step] = []
        self.imports: dict[str, None] = {}

    def segment(self, segment: Segment) -> list[ast.stmt]:
        """Return the rest of a segment, and add its steps."""
        self._scope, self._path = segment.scope, (segment.scope,) if segment.scope else ()
        self._names.enter(segment.scope)
        return self._statements(segment.statements)

    def _statements(self, body: list[ast.stmt]) -> list[ast.stmt]:
        return [line for each in body for line in self._statement(each)]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        """Return the rest of a statement. Steps are all done, so in a group none may follow what can raise there."""
        asked, may_raise = len(self.steps), self._may_raise
        lines = self._rest_of(node)
        if self._in_group():
            if may_raise and len(self.steps) > asked:
                raise NotStraight("the solution is asked after what may raise")
            self._may_raise = self._may_raise or not all(map(self._is_harmless, lines))
        return lines

    def _rest_of(self, node: ast.stmt) -> list[ast.stmt]:
        self._left -= 1
        if self._left < 0:
            raise NotStraight("so many statements")
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) and any(
            isinstance(each, ast.NamedExpr) for each in ast.walk(node)
        ):
            raise NotStraight("a value is given a name within an expression")
        match node:
            case ast.Expr(
                ast.Call(func=ast.Attribute(attr="assertRaises") as asks, args=[kind, of, *given], keywords=named)
            ):
                body = ast.Expr(ast.Call(of, given, named))
                return self._statement(located(ast.With([ast.withitem(ast.Call(asks, [kind], []))], [body])))
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr="subTest")))]):
                return self._statements(node.body)
            case ast.For(orelse=[]) if (lines := self._loop(node)) is not None:
                return lines
            case ast.Return() | ast.Global() | ast.Nonlocal() | ast.Delete() | ast.AsyncFor() | ast.AsyncWith():
                raise NotStraight(f"{type(node).__name__} in a test")
            case ast.Import() | ast.ImportFrom():
                return self._import(node)
            case ast.Assign() | ast.AnnAssign() | ast.AugAssign():
                return self._assignment(node)
            case ast.Expr() if not says_nothing(node):
                return self._expression(node)
            case ast.Assert():
                return self._rest(ast.Assert(self._condition(node.test), None))
            case ast.With():
                return self._with(node)
            case ast.Try():
                return self._try(node)
            case _ if says_nothing(node):
                return []
        if self._names.asks(node):
            raise NotStraight(f"{type(node).__name__} around what the solution does")
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            if any(isinstance(each, ast.Global | ast.Nonlocal) for each in ast.walk(node)):
                raise NotStraight("a function gives names of others other values")
            self._bind([node.name], self._made(node, effects=has_effects(node)))
            return self._rest(node)
        lines, binding = self._rest(node), self._made(node, Origin.HERE)
        binding.uses |= {name: self._names.get(name) for name in bound_names(node)}  # or still what they were
        self._bind(bound_names(node), binding)
        return lines

    def _loop(self, node: ast.For) -> list[ast.stmt] | None:
        """Return the rest of a loop over a literal, written out; None if it is another one."""
        called = {
            each.func.id
            for each in ast.walk(node.iter)
            if isinstance(each, ast.Call) and isinstance(each.func, ast.Name)
        }
        if leaves(node) or any(name in self._definitions.own or name in self._names for name in called & _OF_LOOPS):
            return None
        try:
            items = items_of(node.iter, self._names.literal)
        except NotStraight:
            return None
        if not all(map(is_fixed, items)):
            themselves = {path for item in items for path in used_paths(item)}
            for path in used_paths(node.iter):
                if path not in themselves:
                    self._lend(path)
        held = [self._names.get(path) for path in used_paths(node.iter)]
        literals = [each for each in held if each and each.lasting_literal]
        lines = self._statements([line for item in items for line in (*bound(node.target, item), *node.body)])
        if not all(each.lasting_literal for each in literals):
            raise NotStraight("a loop over what the solution may change")
        return lines

    def _import(self, node: ast.Import | ast.ImportFrom) -> list[ast.stmt]:
        of = node.module or "" if isinstance(node, ast.ImportFrom) else ""
        if of == "__future__":
            raise NotStraight("an import from __future__")
        others = [alias for alias in node.names if (of or alias.name) not in self._modules]
        for alias in node.names:
            [name] = bound_by(alias)
            if alias not in others:
                target = alias.name if of else ""
                if target == "*":
                    self._names.share()
                    continue
                if target and target not in self._definitions.own:
                    raise NotStraight(f"{target} is imported from the solution")
                self._names.bind(name, Binding(Origin.ALIAS, target=target))
            elif alias.name == "*":
                raise NotStraight("an import of everything")
            else:
                module = (of or alias.name).partition(".")[0]
                self._names.bind(name, Binding(Origin.TEST, module=module, made_by=node))
        if isinstance(node, ast.Import):
            node = ast.Import(others)
        return [node] if others else []

    def _assignment(self, node: ast.Assign | ast.AnnAssign | ast.AugAssign) -> list[ast.stmt]:
        targets: list[ast.expr] = node.targets if isinstance(node, ast.Assign) else [node.target]
        if node.value is None:
            return []
        match node, targets, node.value:
            case ast.Assign(), [ast.Name(id=name)], ast.Name() as named if own := self._names.own_name(named):
                self._names.bind(name, Binding(Origin.ALIAS, target=own))
                return []
            case ast.Assign(), [ast.Tuple() | ast.List() as parts], _ if lines := self._one_by_one(parts, node.value):
                return self._statements(lines)
        paths = [path for target in targets for path in paths_of(target)]
        if isinstance(node, ast.AugAssign) or any(map(_is_part, targets)):
            return self._change(node, paths)
        if self._names.is_inside(node.value):
            lines = self._done(node, paths)
            self._bind(paths, Binding(Origin.OWN if self._names.makes_own(node.value) else Origin.RESULT))
            return lines
        origin = Origin.DERIVED if self._names.asks(node.value) else Origin.TEST
        lines = self._rest(ast.Assign(targets, self._outside(node.value)))
        self._bind(paths, self._made(node, origin, effects=is_gone_through(node.value)))
        return lines

    def _made(self, node: ast.stmt, origin: Origin = Origin.TEST, *, effects: bool = False) -> Binding:
        """Return what a statement of the test's makes, as names are now."""
        is_function = isinstance(node, ast.FunctionDef)
        uses: dict[str, Binding | None] = {}
        for path in used_paths(node, within=not is_function):
            held = self._names.get(path)
            if is_function:
                uses[path] = None
            elif held is not None and held.origin not in INSIDE and not held.module and not _is_fixed(held.literal):
                uses[path] = held
        made = node if is_function else self._replaced(node)
        return Binding(origin, "", "", made, uses, effects, self._asked, part=self._part(node))

    def _one_by_one(self, target: ast.Tuple | ast.List, value: ast.expr) -> list[ast.stmt]:
        """Return assignments of the parts of a literal, so that one does not bring another along; none if it is none.

        Where a name stands for the literal, they are copies of its parts.
        """
        of = value if isinstance(value, ast.Tuple | ast.List) else part_of(value, self._literals(value))
        used = used_paths(value)
        if any(path in used for path in paths_of(target)):
            return []
        try:
            lines = [] if of is None else bound(target, of)
        except NotStraight:
            return []
        for path in used if lines and of is not value and not is_fixed(of or value) else ():
            self._lend(path)
        return lines

    def _bind(self, paths: list[str], binding: Binding) -> None:
        for path in paths:
            if (self._scope, path) in self._looked_up:
                raise NotStraight(f"{path} is given another value, and something looks it up later")
            self._names.bind(path, binding)

    def _change(self, node: ast.stmt, paths: list[str]) -> list[ast.stmt]:
        """Do a statement that changes what names stand for where the solution has that."""
        held = [self._names.get(path) for path in paths]
        inside = {Origin.OWN} if isinstance(node, ast.AugAssign) else {Origin.OWN, Origin.RESULT}
        if not any(each is not None and each.origin in inside for each in held):
            raise NotStraight(f"{', '.join(paths)} is changed")
        value = getattr(node, "value", None)
        read = value.args if isinstance(node, ast.Expr) and isinstance(value, ast.Call) else [value]
        if any(each is not None and self._reads_results(each) for each in read):
            raise NotStraight(f"{', '.join(paths)} is changed by what the solution makes of its results")
        return self._done(node, paths)

    def _reads_results(self, node: ast.expr) -> bool:
        """Whether something is made of results: done with the solution, their methods would say what comes of it."""
        held = [self._names.get(path) for path in used_paths(node)]
        return any(each is not None and each.origin is Origin.RESULT for each in held)

    def _lend(self, path: str) -> None:
        """Note that copies of a literal's items have names of their own: what is changed of them is not in it."""
        held = self._names.get(path)
        if held is not None:
            _check_lent(path, held)
            held.is_lent = True

    def _expression(self, node: ast.Expr) -> list[ast.stmt]:
        if self._names.is_inside(node.value):
            return self._done(node, [])
        if not self._names.asks(node):
            match node.value:
                case ast.Call(func=ast.Name(id="print")):
                    return self._rest(node)
                case ast.Call(func=ast.Attribute(value=ast.Name() | ast.Subscript() as holder)):
                    binding = self._names.get(paths_of(holder)[0])
                    if binding is not None and not binding.module:
                        return self._change(node, paths_of(holder))
        if not isinstance(node.value, ast.Call) or "assert" not in _last_name(node.value):
            raise NotStraight(f"{ast.unparse(node)[:60]} does something that the solution might see")
        return self._rest(ast.Expr(self._outside(node.value)))

    def _with(self, node: ast.With) -> list[ast.stmt]:
        [item, *more] = node.items
        call = item.context_expr
        if more or not isinstance(call, ast.Call) or _last_name(call) not in _RAISES:
            raise NotStraight(f"with {ast.unparse(call)[:60]}")
        given = self._outside(call)
        if isinstance(item.optional_vars, ast.Name):
            self._names.bind(item.optional_vars.id, Binding(Origin.HERE))
        with self._names.perhaps():
            body = self._group(node.body, call.args[:1])
        return self._rest(ast.With([ast.withitem(given, item.optional_vars)], body or [ast.Pass()]))

    def _try(self, node: ast.Try) -> list[ast.stmt]:
        with self._names.perhaps():
            body = self._group(node.body, [each.type for each in node.handlers])
        handlers = []
        for each in node.handlers:
            kind = each.type if each.type is None else self._kind(each.type)
            with self._names.perhaps():
                if each.name:
                    self._names.bind(each.name, Binding(Origin.HERE))
                handlers.append(ast.ExceptHandler(kind, each.name, self._without_steps(each.body)))
        with self._names.perhaps():
            orelse, final = self._without_steps(node.orelse), self._without_steps(node.finalbody)
        return self._rest(ast.Try(body or [ast.Pass()], handlers, orelse, final))

    def _group(self, body: list[ast.stmt], kinds: Sequence[ast.expr | None]) -> list[ast.stmt]:
        """Return the rest of statements that may raise, what some kinds catch: what follows that one is not done."""
        outer, self._groups = self._path, self._groups + 1
        self._path = (*outer, self._groups)
        before = self._may_raise, self._catches_failures
        self._catches_failures = self._catches_failures or any(map(_catches_failures, kinds))
        lines = self._statements(body)
        self._path, (self._may_raise, self._catches_failures) = outer, before
        return lines

    def _in_group(self) -> bool:
        """Whether a test goes on after what raises here."""
        return len(self._path) > bool(self._scope)

    def _is_harmless(self, line: ast.stmt) -> bool:
        """Whether a line of the rest raises nothing but what a step does, or what ends the test."""
        match line:
            case ast.Expr(ast.Call(func=ast.Name(id=name))):
                return name in {ANSWER, FRESH}
            case ast.Assign(targets=[ast.Name()], value=value):
                return all(isinstance(each, _WRITTEN_OUT) for each in ast.walk(value))
            case ast.Assert() if not self._catches_failures:
                nodes = [each for each in ast.walk(line) if not _is_answer(each)]
                return all(isinstance(each, _COMPARING) for each in nodes)
        return isinstance(line, ast.Import | ast.ImportFrom | ast.Pass)

    def _without_steps(self, body: list[ast.stmt]) -> list[ast.stmt]:
        before = len(self.steps)
        lines = self._statements(body)
        if len(self.steps) > before:
            raise NotStraight("the solution is asked where it is not known whether it is")
        return lines or [ast.Pass() for _ in body[:1]]

    # Steps

    def _done(self, node: ast.stmt, paths: list[str]) -> list[ast.stmt]:
        """Have the solution's process do a statement; the rest raises what that raises."""
        return [located(ast.Expr(self._taken(node, paths)))]

    def _taken(self, node: ast.AST, paths: list[str] | None = None) -> ast.Call:
        """Have the solution's process do something; return what stands for its answer."""
        if part := self._part(node):
            raise NotStraight(part)
        for path in used_paths(node, within=True):
            self._names.check_inside(path)
        node = self._replaced(node)
        self._hand_over(node)
        self._asked += 1
        return answer(self._step(node, paths))

    def _kind(self, node: ast.expr) -> ast.expr:
        """Return one or more classes of exceptions, of which the solution's have a stand-in."""
        if isinstance(node, ast.Tuple):
            return ast.Tuple([self._kind(each) for each in node.elts], ast.Load())
        if self._names.own_name(node) is None:
            return self._outside(node)
        return answer(self._taken(node).args[0].value, KIND)  # type: ignore[attr-defined]

    def _step(self, node: ast.AST, paths: list[str] | None, at: tuple[int, tuple[int, ...]] | None = None) -> int:
        scope, place = at or (self._scope, self._path)
        binds = None if paths is None else tuple(path for path in paths if "." not in path)
        self.steps.append(Step(scope, place, ast.unparse(node), binds))
        return len(self.steps) - 1

    def _part(self, node: ast.AST) -> str:
        return part_taken(node, self._names, self._literals(node))

    def _hand_over(self, node: ast.AST) -> None:
        """Have the test's own values that something uses made in the solution's process, too."""
        for path in used_paths(node, within=True):
            binding = self._names.get(path)
            if binding is None or binding.origin in INSIDE:
                continue
            if binding.origin is not Origin.TEST:
                raise NotStraight(f"{path} is made of what the solution has returned, or perhaps")
            _check_lent(path, binding)
            if not binding.is_there:
                with self._names.meaning_of(path):
                    self._make_there(binding)

    def _make_there(self, binding: Binding) -> None:
        """Have a value of the test's made in the solution's process, whether or not what stands before it raises."""
        for path, used in binding.uses.items():
            if used is not None and self._names.get(path) is not used:
                raise NotStraight(f"{path} was something else")
            if used is not None and used.there_at is not None and self._asked != max(used.there_at, binding.made_at):
                raise NotStraight(f"{path} may have been something else")
        binding.there_at = self._asked
        if binding.part or binding.made_by is None:
            raise NotStraight(binding.part)
        line = self._replaced(binding.made_by)
        self._hand_over(line)
        scope = self._scope_of_names
        self._step(line, bound_names(line), (scope, (scope,) if scope else ()))

    @property
    def _scope_of_names(self) -> int:
        return 0 if self._names.is_the_module_s else self._scope

    def _replaced(self, node: Any) -> Any:
        """Return something without names that stand for the solution's, for constants, or for literals with these.

        So what else is in such a literal stays here.
        """
        held = {path: self._names.get(path) for path in used_paths(node)}
        if is_late(node):
            self._looked_up |= {(self._scope_of_names, path) for path in held}
        targets = {path: each.target for path, each in held.items() if each and each.origin is Origin.ALIAS}
        return replaced(node, targets, self._literals(node))

    def _literals(self, node: ast.AST) -> dict[str, ast.expr]:
        held = {path: self._names.get(path) for path in used_paths(node)}
        return {path: each.lasting_literal for path, each in held.items() if each and each.lasting_literal}

    # The rest

    def _rest(self, made: ast.stmt) -> list[ast.stmt]:
        """Return a statement of the rest, after what makes values that the solution may have changed fresh."""
        nodes = list(ast.walk(made))
        if not isinstance(made, ast.FunctionDef | ast.ClassDef | ast.With | ast.Try):
            self._check_effects(made)
        if any(looks_into(each, ANSWER) for each in nodes):
            raise NotStraight("it tells objects apart, or looks into them")
        asks = any(isinstance(each, ast.Name) and each.id == ANSWER for each in nodes)
        lines: list[ast.stmt] = []
        for path in used_paths(made):
            if statement := self._names.check_outside(path, {"self", ANSWER, KIND}):
                self.imports[statement] = None
            binding = self._names.get(path)
            for other in [] if binding is None else self._names.reached(path):
                _check_lent(path, other)
                if other.origin is Origin.DERIVED and other.made_at != self._asked:
                    raise NotStraight(f"{path} may hold what the solution has changed since")
                if other is binding and other.is_there:
                    lines.append(self._fresh(path, alone=not asks))
                elif other.is_there and not isinstance(other.made_by, ast.FunctionDef):
                    lines.append(self._fresh(self._names.path_of(other), alone=False))
        return [*lines, located(made)]

    def _check_effects(self, made: ast.stmt) -> None:
        """Refuse a statement of the rest that changes values of the test's: what is made of them is not followed."""
        for part in changed(made):
            named = [*used_paths(part, within=True), *([part.id] if isinstance(part, ast.Name) else [])]
            if not _is_fixed(self._names.literal(part)) and any(map(self._names.reached, named)):
                raise NotStraight(f"{ast.unparse(part)[:60]} is changed")
        if any(each.has_effects for path in used_paths(made, within=True) for each in self._names.reached(path)):
            raise NotStraight("a function of the test's changes something, or a value is gone through once")

    def _fresh(self, path: str, *, alone: bool) -> ast.stmt:
        step = self._step(ast.parse(path, mode="eval").body, None)
        guard = ast.Call(ast.Name(FRESH, ast.Load()), [ast.Constant(each) for each in (path, step, alone)], [])
        return located(ast.Expr(guard))

    def _condition(self, node: ast.expr) -> ast.expr:
        """Return what is asserted; what comes after a first part that is false need not be known."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And) and not self._catches_failures:
            return ast.BoolOp(node.op, [self._condition(each) for each in node.values])
        return self._outside(node)

    def _outside(self, node: ast.expr) -> ast.expr:
        """Return an expression with what the solution must answer taken out of it."""
        names = self._names
        if not names.asks(node):
            return node
        if isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and names.of(node)):
            return self._taken(node)
        match node:
            case ast.Compare(left=left, ops=[ast.Is() | ast.IsNot()], comparators=[ast.Constant(value=None)]):
                if names.is_inside(left):
                    return self._taken(node)
            case ast.Call(func=func, args=[kind, *others], keywords=named) if _last_name(node) in _RAISES:
                named = [ast.keyword(each.arg, self._outside(each.value)) for each in named]
                return ast.Call(func, [self._kind(kind), *map(self._outside, others)], named)
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass") as func, args=[of, kind]) if not names.asks(of):
                return ast.Call(func, [of, self._kind(kind)], [])
            case ast.Call(func=ast.Attribute(ast.Name(id="self"), "assertIsNotNone"), args=[left]):
                none = ast.Compare(left, [ast.IsNot()], [ast.Constant(None)])
                return ast.Call(ast.Attribute(ast.Name("self", ast.Load()), "assertTrue"), [self._outside(none)], [])
        if not isinstance(node, ast.Subscript) and (names.is_inside(node) or names.is_asked(node)):
            return self._taken(node)
        match node:
            case ast.BoolOp(values=[_, *skipped]) | ast.Compare(comparators=[_, *skipped]):
                pass
            case ast.IfExp(body=body, orelse=otherwise):
                skipped = [body, otherwise]
            case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
                return self._comprehension(node)
            case ast.Lambda() | ast.Await() | ast.Yield() | ast.YieldFrom() | ast.NamedExpr():
                raise NotStraight(f"{type(node).__name__} around what the solution does")
            case _:
                skipped = []
        if any(map(names.asks, skipped)):
            raise NotStraight("a call that may not be made")
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and names.asks(node.func):
            method = ast.Attribute(self._outside(node.func.value), node.func.attr, ast.Load())
            node = ast.Call(method, node.args, node.keywords)
        return mapped(node, self._outside)

    def _comprehension(self, node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp) -> ast.expr:
        first, *others = node.generators
        elements = [node.key, node.value] if isinstance(node, ast.DictComp) else [node.elt]
        if first.is_async or any(map(self._names.asks, [*others, *first.ifs, *elements])):
            raise NotStraight("the solution is called in a comprehension")
        made = copy.copy(node)
        made.generators = [ast.comprehension(first.target, self._outside(first.iter), first.ifs, 0), *others]
        return made


def _is_part(target: ast.expr) -> bool:
    """Whether an assignment changes a part of something."""
    is_own = isinstance(target, ast.Attribute) and isinstance(target.value, ast.Name) and target.value.id == "self"
    return isinstance(target, ast.Attribute | ast.Subscript) and not is_own


def _is_answer(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == ANSWER


def _catches_failures(kind: ast.expr | None) -> bool:
    """Whether an exception handler may catch a failed assertion."""
    return kind is None or any(
        each.id in _ASSERTION or not hasattr(builtins, each.id) for each in ast.walk(kind) if isinstance(each, ast.Name)
    )


def _is_fixed(literal: ast.expr | None) -> bool:
    return literal is not None and is_fixed(literal)


def _check_lent(path: str, binding: Binding) -> None:
    if binding.is_lent:
        raise NotStraight(f"{path} has parts that may have been changed since they were copied")


def _last_name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]
