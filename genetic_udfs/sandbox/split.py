"""Splits a test in two: what the solution must do, and what is made of its answers, which it never sees.

The solution's process gets steps: calls of what the solution defines, and of the test's own values those that are
handed to it. Everything else (constants, comparisons, libraries, expected values) stays for another process, in which
none of the solution's code runs and each step's answer stands in the place of the call.
"""

import ast
import copy
from typing import Any, Final

from genetic_udfs.sandbox.check import ANSWER, FRESH
from genetic_udfs.sandbox.definitions import Definitions, bound_by
from genetic_udfs.sandbox.names import INSIDE, Binding, Names, Origin, bound_names, paths_of, used_paths
from genetic_udfs.sandbox.rewriting import looks_into, mapped, replaced
from genetic_udfs.sandbox.steps import Split, Step, answer
from genetic_udfs.sandbox.unroll import (
    MOST_STATEMENTS,
    ODDITIES,
    NotStraight,
    Segment,
    bound,
    items_of,
    leaves,
    located,
    says_nothing,
    unroll,
)

_FEW_PARENTHESES: Final = 90  # Python reads up to 200 within each other
_RAISES: Final = {"assertRaises", "assertRaisesRegex", "raises"}


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
        rest = tuple((each.scope, each.is_case, splitter.segment(each)) for each in unroll(body))
        made = Split(tuple(splitter.steps), tuple(each for each in rest if each[2]), tuple(splitter.imports))
        _check_sources(made)
    except ODDITIES as error:
        raise NotStraight(f"the test is too deep, or makes no sense: {error}") from None
    if not made.steps:
        raise NotStraight("the test calls nothing")
    return made


def _check_sources(made: Split) -> None:
    """Raise what a source raises that could not be written, or is too deep to be read again, parentheses and all."""
    for source in (*(source for _, _, source in made.sources), *(step.source for step in made.steps)):
        if source.count("(") > _FEW_PARENTHESES:
            ast.parse(source)


class _Splitter:
    def __init__(self, definitions: Definitions, modules: frozenset[str]) -> None:
        self._definitions, self._modules = definitions, modules
        self._names = Names(definitions)
        self._scope = 0
        self._path: tuple[int, ...] = ()
        self._groups = 1 << 20  # scopes have smaller numbers
        self._left = MOST_STATEMENTS
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
        self._left -= 1
        if self._left < 0:
            raise NotStraight("so many statements")
        match node:
            case ast.Expr(
                ast.Call(func=ast.Attribute(attr="assertRaises") as asks, args=[kind, of, *given], keywords=named)
            ):
                body = ast.Expr(ast.Call(of, given, named))
                return self._statement(located(ast.With([ast.withitem(ast.Call(asks, [kind], []))], [body])))
            case ast.With(items=[ast.withitem(context_expr=ast.Call(func=ast.Attribute(attr="subTest")))]):
                return self._statements(node.body)
            case ast.For(orelse=[]) if (written_out := self._loop(node)) is not None:
                return self._statements(written_out)
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
        self._bind(bound_names(node), Binding(Origin.TEST, made_by=[node]))
        return self._rest(node)

    def _loop(self, node: ast.For) -> list[ast.stmt] | None:
        """Return a loop over a literal, written out; None if it is another one."""
        try:
            items = None if leaves(node) else items_of(node.iter, self._names.literal)
        except NotStraight:
            return None
        return None if items is None else [line for item in items for line in (*bound(node.target, item), *node.body)]

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
                    continue
                if target and target not in self._definitions.own:
                    raise NotStraight(f"{target} is imported from the solution")
                self._names.bind(name, Binding(Origin.ALIAS, target=target))
            elif alias.name == "*":
                raise NotStraight("an import of everything")
            else:
                module = (of or alias.name).partition(".")[0]
                self._names.bind(name, Binding(Origin.TEST, module=module, made_by=[node]))
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
            case ast.Assign(), [ast.Tuple(elts=parts)], ast.Tuple(elts=values) if len(parts) == len(values):
                used = used_paths(node.value)
                if not any(map(self._names.asks, values)) and not any(path in used for path in paths_of(targets[0])):
                    pairs = zip(parts, values, strict=True)
                    return self._statements([located(ast.Assign([part], each)) for part, each in pairs])
        paths = [path for target in targets for path in paths_of(target)]
        if isinstance(node, ast.AugAssign) or any(map(_is_part, targets)):
            return self._change(node, paths)
        if self._names.is_inside(node.value):
            lines = self._done(node, paths)
            self._bind(paths, Binding(Origin.OWN if self._names.makes_own(node.value) else Origin.RESULT))
            return lines
        origin = Origin.DERIVED if self._names.asks(node.value) else Origin.TEST
        value = self._outside(node.value)
        self._bind(paths, Binding(origin, made_by=[self._replaced(node)]))  # as names are now
        return self._rest(ast.Assign(targets, value))

    def _bind(self, paths: list[str], binding: Binding) -> None:
        for path in paths:
            self._names.bind(path, binding)

    def _change(self, node: ast.stmt, paths: list[str]) -> list[ast.stmt]:
        """Do a statement that changes what names stand for: on the side where that is, or on both."""
        held = [self._names.get(path) for path in paths]
        if any(each is not None and each.origin in {Origin.OWN, Origin.RESULT} for each in held):
            return self._done(node, paths)
        for path, binding in zip(paths, held, strict=True):
            is_plain = binding is not None and binding.origin is Origin.TEST and not binding.module
            if binding is None or not is_plain or self._names.asks(node):
                raise NotStraight(f"{path} is changed")
            binding.made_by.append(self._replaced(node))
            if binding.is_there:
                self._step(binding.made_by[-1], paths)
        return self._rest(node)

    def _expression(self, node: ast.Expr) -> list[ast.stmt]:
        if self._names.is_inside(node.value):
            return self._done(node, [])
        if not self._names.asks(node):
            match node.value:
                case ast.Call(func=ast.Name(id="print")):
                    return []
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
            self._names.bind(item.optional_vars.id, Binding(Origin.DERIVED))
        body = self._group(node.body)
        return self._rest(ast.With([ast.withitem(given, item.optional_vars)], body or [ast.Pass()]))

    def _try(self, node: ast.Try) -> list[ast.stmt]:
        body = self._group(node.body)
        handlers = []
        for each in node.handlers:
            if each.name:
                self._names.bind(each.name, Binding(Origin.DERIVED))
            kind = each.type if each.type is None else self._outside(each.type)
            handlers.append(ast.ExceptHandler(kind, each.name, self._without_steps(each.body)))
        orelse, final = self._without_steps(node.orelse), self._without_steps(node.finalbody)
        return self._rest(ast.Try(body or [ast.Pass()], handlers, orelse, final))

    def _group(self, body: list[ast.stmt]) -> list[ast.stmt]:
        """Return the rest of statements that may raise: what follows the one that does is not done."""
        outer, self._groups = self._path, self._groups + 1
        self._path = (*outer, self._groups)
        lines = self._statements(body)
        self._path = outer
        return lines

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
        node = self._replaced(node)
        self._hand_over(node)
        return answer(self._step(node, paths))

    def _step(self, node: ast.AST, paths: list[str] | None) -> int:
        binds = None if paths is None else tuple(path for path in paths if "." not in path)
        self.steps.append(Step(self._scope, self._path, ast.unparse(node), binds))
        return len(self.steps) - 1

    def _hand_over(self, node: ast.AST, *, makes: bool = False) -> None:
        """Have the test's own values that something uses made in the solution's process, too."""
        for each in ast.walk(node):
            held = self._names.get(ast.unparse(each.value)) if isinstance(each, ast.Subscript) else None
            if held is not None and held.origin is Origin.TEST and not makes:
                raise NotStraight("a part of a value, whose others may be what is expected")
        for path in used_paths(node, within=True):
            binding = self._names.get(path)
            if binding is None or binding.is_there or binding.origin in INSIDE:
                continue
            if binding.origin is Origin.DERIVED:
                raise NotStraight(f"{path} is made of what the solution has returned")
            binding.is_there = True
            for line in map(self._replaced, binding.made_by):
                self._hand_over(line, makes=True)
                self._step(line, bound_names(line))

    def _replaced(self, node: Any) -> Any:
        """Return something without names that stand for the solution's, for constants, or for literals with these.

        So what else is in such a literal stays here.
        """
        held = {path: self._names.get(path) for path in used_paths(node)}
        targets = {path: each.target for path, each in held.items() if each and each.origin is Origin.ALIAS}
        literals = {path: each.literal for path, each in held.items() if each and each.literal}
        return replaced(node, targets, literals)

    # The rest

    def _rest(self, made: ast.stmt) -> list[ast.stmt]:
        """Return a statement of the rest, after what makes values that the solution may have changed fresh."""
        nodes = list(ast.walk(made))
        if any(looks_into(each, ANSWER) for each in nodes):
            raise NotStraight("it tells objects apart, or looks into them")
        asks = any(isinstance(each, ast.Name) and each.id == ANSWER for each in nodes)
        lines: list[ast.stmt] = []
        for path in used_paths(made):
            if statement := self._names.check_outside(path, {"self", ANSWER, FRESH, "__name__"}):
                self.imports[statement] = None
            binding = self._names.get(path)
            if binding is not None and binding.is_there and not binding.module:
                step = self._step(ast.parse(path, mode="eval").body, None)
                arguments: list[ast.expr] = [ast.Constant(path), ast.Constant(step), ast.Constant(not asks)]
                lines.append(located(ast.Expr(ast.Call(ast.Name(FRESH, ast.Load()), arguments, []))))
        return [*lines, located(made)]

    def _condition(self, node: ast.expr) -> ast.expr:
        """Return what is asserted; what comes after a first part that is false need not be known."""
        if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.And):
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


def _last_name(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]
