"""Turns a test into statements one after another: functions, cases and loops over literals, written out.

What remains for another way is what has no such order before it is run: fixtures, loops over what is computed, patches.
"""

import ast
import copy
import itertools
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, TypeVar

from genetic_udfs.sandbox.definitions import bound_by, of_the_scope

MAX_STATEMENTS: Final = 2_000
_OF_A_CASE: Final = {"unittest.TestCase", "TestCase"}
_AROUND_A_TEST: Final = {True: ("setUp", "tearDown"), False: ("setup_method", "teardown_method")}  # of a case or not
OF_A_RUNNER: Final = {
    *("setup_function", "setup_module", "teardown_function", "teardown_module", "setUpModule", "tearDownModule"),
    *("load_tests", "pytestmark", "__test__", "pytest_plugins"),
}
"""Names that a runner asks for beside those of tests."""
_FILE: Final = "test.py"
_RUNNERS: Final = {"unittest.main", "pytest.main"}
_EXITS: Final = {"sys.exit", "exit", "SystemExit"}

ODDITIES: Final = (
    RecursionError,
    MemoryError,
    ArithmeticError,
    AttributeError,
    LookupError,
    SyntaxError,
    TypeError,
    ValueError,
)
"""What reading a test may raise: it is too deep, has a number that is too long to write, or makes no sense."""

_Node = TypeVar("_Node", bound=ast.AST)


class NotStraight(Exception):
    """A test, or a part of one, that is no sequence of statements."""


@dataclass
class Segment:
    """Statements that share names.

    Attributes:
        scope: 0 for those of the module; those of a function see them, too, and have a number of their own.
        statements: In order; `self` stands for the object that a method's test belongs to.
        is_case: Whether `self` is one of unittest's.
    """

    scope: int
    statements: list[ast.stmt] = field(default_factory=list)
    is_case: bool = False


def unroll(body: list[ast.stmt]) -> list[Segment]:
    """Return the statements of a test in the order in which a runner executes them.

    Raises:
        NotStraight: If there is no such order.
    """
    return _Unrolled(body).segments


def is_test_function(node: ast.stmt) -> bool:
    """Whether a runner collects a function."""
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test")


def is_case(node: ast.stmt) -> bool:
    """Whether a class says that it is one of unittest's."""
    return isinstance(node, ast.ClassDef) and any(ast.unparse(base) in _OF_A_CASE for base in node.bases)


def is_test_class(node: ast.stmt) -> bool:
    """Whether a runner collects a class."""
    return isinstance(node, ast.ClassDef) and (is_case(node) or node.name.startswith("Test"))


def is_guard(node: ast.stmt) -> bool:
    """Whether a statement is `if __name__ == "__main__"`."""
    guards = {"__name__ == '__main__'", "'__main__' == __name__"}
    return isinstance(node, ast.If) and not node.orelse and ast.unparse(node.test) in guards


def runs_tests(node: ast.stmt) -> bool:
    """Whether a statement calls a runner, such as `unittest.main()`, and does nothing else."""
    call = node.value if isinstance(node, ast.Expr) else node.exc if isinstance(node, ast.Raise) else None
    match call:
        case ast.Call(func=func, args=[ast.Call() as inner]) if ast.unparse(func) in _EXITS:
            call = inner
    return isinstance(call, ast.Call) and ast.unparse(call.func) in _RUNNERS


def _has_param(body: list[ast.stmt]) -> bool:
    return any(
        isinstance(node, ast.Attribute | ast.alias)
        and "param" in {getattr(node, "attr", ""), getattr(node, "name", "")}
        for each in body
        for node in ast.walk(each)
    )


def _without_ids(body: list[ast.stmt]) -> list[ast.stmt]:
    """Return statements with parameters that have only a name, `pytest.param(1, 2, id="a")`, as their values."""
    body = copy.deepcopy(body)
    for node in (node for each in body for node in ast.walk(each)):
        match node:
            case ast.Call(
                func=ast.Attribute(attr="parametrize"),
                args=[ast.Constant(value=str(names)), ast.List() | ast.Tuple() as values],
            ):
                values.elts = [_without_id(each, len(names.split(","))) for each in values.elts]
    return body


def _without_id(value: ast.expr, count: int) -> ast.expr:
    match value:
        case ast.Call(func=ast.Attribute(ast.Name("pytest"), "param"), args=given, keywords=named):
            if (
                len(given) == count
                and not any(isinstance(each, ast.Starred) for each in given)
                and all(each.arg == "id" and _is_id(each.value) for each in named)
            ):
                return given[0] if count == 1 else ast.copy_location(ast.Tuple(given, ast.Load()), value)
    return value


def _is_id(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str | None)


class _Unrolled:
    def __init__(self, body: list[ast.stmt]) -> None:
        self.segments = [Segment(0)]
        _check_names(body)
        if _has_param(body):
            body = _without_ids(body)
        self._functions = {each.name: each for each in body if isinstance(each, ast.FunctionDef)}
        self._called: set[str] = set()
        self._marks_parameters = _has_param(body)
        collected = [each for each in body if is_test_function(each) or is_test_class(each)]
        self._module([each for each in body if each not in collected and not (collected and is_guard(each))])
        for each in collected:
            if isinstance(each, ast.FunctionDef) and each.name not in self._called:
                self._test(each, [])
            elif isinstance(each, ast.ClassDef):
                self._class(each)
            elif isinstance(each, ast.AsyncFunctionDef):
                raise NotStraight(f"{each.name} is asynchronous")

    def _module(self, body: list[ast.stmt]) -> None:
        for each in body:
            match each:
                case ast.If() if is_guard(each):
                    self._module(each.body)
                case ast.Expr(value=ast.Call(func=ast.Name(id=name)) as call) if name in self._functions:
                    if self._functions[name].lineno > call.lineno:
                        raise NotStraight(f"{name} is called before it is defined")
                    self._called.add(name)
                    self._inlined(self._functions[name], call)
                case _ if not runs_tests(each):
                    self.segments[-1].statements.append(each)

    def _inlined(self, function: ast.FunctionDef, call: ast.Call) -> None:
        """Write out the body of a function of the test's, where a statement calls it."""
        names = [each.arg for each in function.args.args]
        if function.decorator_list or call.keywords or len(names) != len(call.args) or _takes_more(function.args):
            raise NotStraight(f"{function.name} is called in a way that is not known")
        given = [bound(ast.Name(name, ast.Store()), value) for name, value in zip(names, call.args, strict=True)]
        self._segment([*itertools.chain.from_iterable(given), *_body(function)])
        self.segments.append(Segment(0))

    def _class(self, node: ast.ClassDef) -> None:
        if node.decorator_list or node.keywords or (node.bases and not is_case(node)) or len(node.bases) > 1:
            raise NotStraight(f"{node.name} is no plain class of tests")
        _check_names(node.body)
        around: dict[str, list[ast.stmt]] = {}
        set_up, tear_down = _AROUND_A_TEST[is_case(node)]
        attributes: list[ast.stmt] = []
        tests = []
        for each in node.body:
            match each:
                case ast.FunctionDef(name=name, decorator_list=[]) if name in {set_up, tear_down}:
                    if [argument.arg for argument in each.args.args] != ["self"]:
                        raise NotStraight(f"{name} takes more than self")
                    around[name] = [line for line in each.body if ast.unparse(line) != f"super().{name}()"]
                case ast.FunctionDef() if is_test_function(each):
                    tests.append(each)
                case ast.Assign(targets=[ast.Name(id=name)]):
                    if not is_fixed(each.value):
                        raise NotStraight(f"{name} is the same object for all tests of {node.name}")
                    attributes += bound(ast.Attribute(ast.Name("self", ast.Load()), name, ast.Store()), each.value)
                case _ if not says_nothing(each):
                    raise NotStraight(f"{node.name} has more than tests")
        before = [*attributes, *around.get(set_up, [])]
        after = [line for line in around.get(tear_down, []) if not isinstance(line, ast.Delete)]
        for test in sorted(tests, key=lambda test: test.name) if is_case(node) else tests:
            self._test(test, before, after, of=node)

    def _test(
        self,
        function: ast.FunctionDef,
        before: list[ast.stmt],
        after: Sequence[ast.stmt] = (),
        of: ast.ClassDef | None = None,
    ) -> None:
        names = [each.arg for each in function.args.args]
        if _takes_more(function.args) or (of is not None and names[:1] != ["self"]):
            raise NotStraight(f"{function.name} takes what is not known")
        given = [] if of is None else ["self"]
        body = [*before, *_body(function), *after]
        for mark in function.decorator_list:
            match mark:
                case ast.Call(func=ast.Attribute(attr="parametrize"), args=[parameters, values], keywords=named):
                    if self._marks_parameters or any(each.arg != "ids" for each in named):
                        raise NotStraight(f"{function.name} has parameters with marks of their own")
                    target = _target(parameters)
                    given += [each.id for each in ast.walk(target) if isinstance(each, ast.Name)]
                    body = [located(ast.For(target, values, body, []))]
                case _:
                    raise NotStraight(f"{function.name} has a decorator that is not parametrize")
        if sorted(given) != sorted(names):
            raise NotStraight(f"{function.name} has parameters that something else gives")
        if of is not None and _is_asked_as_a_whole(body):
            raise NotStraight(f"{function.name} uses more of its object than what it has given it")
        self._segment(body, is_case=of is not None and is_case(of))

    def _segment(self, body: list[ast.stmt], *, is_case: bool = False) -> None:
        self.segments.append(Segment(max(each.scope for each in self.segments) + 1, body, is_case))


def items_of(iterable: ast.expr, literal: Callable[[ast.expr], ast.expr | None]) -> list[ast.expr]:
    """Return the items of a literal that is gone through.

    Args:
        iterable: What a loop goes through.
        literal: Tells the literal that a name stands for, if it is one.

    Raises:
        NotStraight: If they are not known.
    """
    match iterable:
        case ast.List(elts=items) | ast.Tuple(elts=items) if not any(isinstance(one, ast.Starred) for one in items):
            return items
        case ast.Name() | ast.Attribute() if (known := literal(iterable)) is not None:
            return items_of(known, literal)
        case ast.Dict(keys=keys) if _are_different(keys):
            return [key for key in keys if key is not None]
        case ast.Call(func=ast.Name(id="range"), args=bounds, keywords=[]):
            numbers = range(*(_number(bound) for bound in bounds))
            if len(numbers) <= MAX_STATEMENTS:
                return [number(each) for each in numbers]
        case ast.Call(func=ast.Name(id="enumerate"), args=[of], keywords=[]):
            return [_tuple(ast.Constant(at), item) for at, item in enumerate(items_of(of, literal))]
        case ast.Call(func=ast.Name(id="zip"), args=several, keywords=[]) if several:
            return [_tuple(*items) for items in zip(*(items_of(each, literal) for each in several), strict=False)]
        case ast.Call(func=ast.Attribute(value=of, attr="items"), args=[], keywords=[]):
            held = literal(of) or of
            if isinstance(held, ast.Dict):
                return [_tuple(*pair) for pair in zip(items_of(held, literal), held.values, strict=True)]
    raise NotStraight(f"a loop over {ast.unparse(iterable)[:60]}")


def _are_different(keys: Sequence[ast.expr | None]) -> bool:
    """Whether keys are constants of which no two are equal, so that each has an item of its own."""
    try:
        return len({ast.literal_eval(key) for key in keys if key is not None}) == len(keys)
    except (ValueError, TypeError):
        return False


def _check_names(body: list[ast.stmt]) -> None:
    """Refuse names that have several meanings, or that a runner knows."""
    for name, count in Counter(name for each in of_the_scope(body) for name in bound_by(each)).items():
        if name in OF_A_RUNNER or (count > 1 and any(getattr(each, "name", "") == name for each in body)):
            raise NotStraight(f"{name} has several meanings, or one for a runner")
    for each in body:
        if isinstance(each, ast.FunctionDef) and any("fixture" in ast.unparse(mark) for mark in each.decorator_list):
            raise NotStraight(f"{each.name} is a fixture")


def _is_asked_as_a_whole(body: list[ast.stmt]) -> bool:
    """Whether `self` is used but for attributes that a test gives it, or has of unittest."""
    nodes = [node for each in body for node in ast.walk(each)]
    own = [each for each in nodes if isinstance(each, ast.Attribute) and ast.unparse(each.value) == "self"]
    uses = sum(isinstance(each, ast.Name) and each.id == "self" for each in nodes)
    return uses > len(own) or any(each.attr.startswith("__") for each in own)


def _tuple(*items: ast.expr) -> ast.Tuple:
    return located(ast.Tuple(list(items), ast.Load()))


def located(node: _Node) -> _Node:
    """Return a node that was made, with a place in the text."""
    return ast.fix_missing_locations(node)


def bound(target: ast.expr, value: ast.expr) -> list[ast.stmt]:
    """Return assignments of the parts of a literal, one name each, so that one name does not bring another along.

    Raises:
        NotStraight: If the parts are not known.
    """
    match target, value:
        case ((ast.Name() | ast.Attribute()), _):
            return [located(ast.Assign([target], copy.deepcopy(value)))]
        case ((ast.Tuple() | ast.List()), (ast.Tuple() | ast.List())) if len(target.elts) == len(value.elts):
            return [line for pair in zip(target.elts, value.elts, strict=True) for line in bound(*pair)]
    raise NotStraight(f"{ast.unparse(value)[:60]} for {ast.unparse(target)[:60]}")


def _target(names: ast.expr) -> ast.expr:
    """Return what `parametrize` names: one text with commas, or several."""
    try:
        found = ast.literal_eval(names)
    except ValueError:
        raise NotStraight("parameters with names that are not known") from None
    several = [name.strip() for name in found.split(",")] if isinstance(found, str) else list(found)
    parts: list[ast.expr] = [ast.Name(name, ast.Store()) for name in several if name]
    return parts[0] if isinstance(found, str) and len(parts) == 1 else ast.Tuple(parts, ast.Store())


def number(value: int) -> ast.expr:
    """Return an integer as it is written: a negative one is an operation, which may need parentheses."""
    return ast.UnaryOp(ast.USub(), ast.Constant(-value)) if value < 0 else ast.Constant(value)


def _number(node: ast.expr) -> int:
    value = ast.literal_eval(node) if isinstance(node, ast.Constant | ast.UnaryOp) else None
    if type(value) is not int:
        raise NotStraight("a range without known bounds")
    return value


def _takes_more(arguments: ast.arguments) -> bool:
    return bool(arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults)


def _body(function: ast.FunctionDef) -> list[ast.stmt]:
    """Return the body of a function, without a return at its end that says nothing."""
    match function.body[-1]:
        case ast.Return(value=None | ast.Constant()):
            return function.body[:-1]
    return function.body


def leaves(loop: ast.For) -> bool:
    """Whether a loop may end before its end."""
    return any(isinstance(node, ast.Break | ast.Continue | ast.Return) for node in ast.walk(loop))


def says_nothing(statement: ast.stmt) -> bool:
    """Whether a statement is a text, or `pass`."""
    is_text = isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    return is_text or isinstance(statement, ast.Pass)


def is_fixed(node: ast.expr) -> bool:
    """Whether an expression is a constant, or made of constants so that it cannot be changed."""
    kept = (ast.Constant, ast.Tuple, ast.UnaryOp, ast.BinOp, ast.operator, ast.unaryop, ast.expr_context)
    return all(isinstance(each, kept) for each in ast.walk(node))


def body_of(test: str) -> list[ast.stmt]:
    """Return the statements of a test, which may be indented as a whole.

    Raises:
        SyntaxError: If it is no Python.
    """
    try:
        return ast.parse(test, _FILE).body
    except IndentationError:
        [block] = ast.parse(f"if True:\n{test}", _FILE).body  # its literals stay as they are
        if not isinstance(block, ast.If) or block.orelse:
            raise
        return [ast.increment_lineno(each, -1) for each in block.body]
