"""A test as text: its statements, whether it can tell anything, and by which modules it imports the solution."""

import ast
import contextlib
import doctest
import functools
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Any, Final

from genetic_udfs.sandbox.definitions import BUILT_INS, Definitions, bound_by, modules_of, names_used
from genetic_udfs.sandbox.host import package_folders
from genetic_udfs.sandbox.names import PURE
from genetic_udfs.sandbox.split import split
from genetic_udfs.sandbox.steps import Split, plain_split
from genetic_udfs.sandbox.unroll import (
    ODDITIES,
    OF_A_RUNNER,
    NotStraight,
    body_of,
    is_case,
    is_test_class,
    is_test_function,
    located,
)

_LONGEST_TEST: Final = 1 << 18
# What tests call the module that they import the solution from, whatever they take from it.
_SOLUTION: Final = {"solution", "solutions", "main", "module", "my_module", "mymodule", "your_module", "yourmodule"}

_PRINTS: Final = {"print", "pprint", "input", "help", "breakpoint", "exec", "eval", "compile", "__import__"}
_RUNS_TEXT: Final = {"eval", "exec"}  # which may ask the solution, and name it there alone
_TAKEN_FOR: Final = {"1": "True", "0": "False"}  # by doctest


class Unreadable(Exception):
    """A test that has a status before it is run."""

    def __init__(self, status: str, why: str) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True)
class Reading:
    """What a test is.

    Attributes:
        text: As it was given.
        body: Its statements; those of a doctest are its examples.
        split: In two, if it can be.
        no_split: Why it cannot.
        modules: Names by which it imports the solution.
        needs: The top-level modules that it imports, and what runs it.
        is_doctest: Whether it is one.
    """

    text: str
    body: list[ast.stmt]
    split: Split | None = None
    no_split: str = ""
    modules: frozenset[str] = frozenset()
    needs: frozenset[str] = frozenset()
    is_doctest: bool = False

    @classmethod
    def of(cls, text: str, definitions: Definitions) -> "Reading":
        """Read a test.

        Raises:
            Unreadable: If it is no Python, or says nothing of the solution, however it ends.
        """
        try:
            return cls._of(text, definitions)
        except ODDITIES as error:
            raise Unreadable("unsupported", f"the test cannot be read: {error}") from None

    @classmethod
    def _of(cls, text: str, definitions: Definitions) -> "Reading":
        if len(text) > _LONGEST_TEST:
            raise Unreadable("unsupported", f"the test has more than {_LONGEST_TEST} characters")
        is_doctest = False
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                body = body_of(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            is_doctest = any(line.lstrip().startswith(">>>") for line in text.splitlines())
            if not is_doctest:
                raise Unreadable("error:SyntaxError", f"the test is no Python: {error}") from None
            body = _examples(text)
        with contextlib.suppress(*ODDITIES):  # what cannot be written again is run together
            if not is_doctest and (plain := plain_split(body, definitions)):
                return cls(text, body, plain)
        nodes = [node for each in body for node in ast.walk(each)]
        modules = frozenset(_modules(nodes, definitions))
        if doubt := _doubt(body, nodes, definitions, asks=bool(modules), asserts=is_doctest):
            raise Unreadable("unsupported", doubt)
        runner = {"unittest"} if any(map(is_case, body)) else set()
        if any(is_test_function(each) or (is_test_class(each) and not is_case(each)) for each in body):
            runner = {"pytest"}
        way, why = None, ""
        try:
            way = split(_asserted(text, definitions) if is_doctest else body, definitions, modules)
        except NotStraight as error:
            why = str(error)
        return cls(text, body, way, why, modules, modules_of(nodes) | runner, is_doctest)

    @property
    def is_collected(self) -> bool:
        """Whether it has functions or classes that a runner finds."""
        return any(is_test_function(each) or is_test_class(each) for each in self.body)

    @property
    def task(self) -> dict[str, Any]:
        """What the process that runs it together with the code is told."""
        calls = [each.value for each in self.body if isinstance(each, ast.Expr) and isinstance(each.value, ast.Call)]
        return {
            "test": self.text,
            "modules": sorted(self.modules),
            "collects": self.is_collected,
            "called": [call.func.id for call in calls if isinstance(call.func, ast.Name)],
            "is_doctest": self.is_doctest,
        }


def _doubt(body: list[ast.stmt], nodes: list[ast.AST], definitions: Definitions, *, asks: bool, asserts: bool) -> str:
    """Return why a test would say nothing, if it does; that it asks the solution, or asserts, may be known already."""
    if not body:
        return "there is no test"
    if not asserts and not any(map(_checks, nodes)):
        return "the test asserts nothing"
    used = names_used(nodes)
    texts = " ".join(each.value for each in nodes if isinstance(each, ast.Constant) and type(each.value) is str)
    if idle := [name for name in _checking(body) if name not in used and name not in texts]:
        return f"the test has functions that nothing runs: {', '.join(idle)}"
    bound = {name for node in nodes for name in bound_by(node)}
    unknown = used - bound - BUILT_INS - dict(definitions.imports).keys()
    if definitions.readable and not asks and not (used & (definitions.own | _RUNS_TEXT) or unknown):
        return "the test asks nothing of the code"
    return ""


def _checks(node: ast.AST) -> bool:
    """Whether a test can fail by what it says: it asserts, raises, or calls `assertEqual`, `pytest.raises` or alike."""
    if not isinstance(node, ast.Call):
        return isinstance(node, ast.Assert | ast.Raise)
    name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
    checking = ("assert", "check", "verify", "expect")
    return name.lower().startswith(checking) or name in {"raises", "fail", "warns", "exit"}


def _checking(body: list[ast.stmt]) -> Iterator[str]:
    """Yield functions and classes that check something and that no runner collects."""
    for each in body:
        match each:
            case ast.FunctionDef(decorator_list=[]) | ast.AsyncFunctionDef(decorator_list=[]):
                is_idle = not is_test_function(each)
            case ast.ClassDef(bases=[]):
                is_idle = not is_test_class(each) and any(map(is_test_function, each.body))
            case _:
                continue
        if is_idle and each.name not in OF_A_RUNNER and any(map(_checks, ast.walk(each))):
            yield each.name


def _modules(nodes: list[ast.AST], definitions: Definitions) -> Iterator[str]:
    """Yield the modules of a test's imports that are the solution: no other one, with names that the code defines."""
    known = definitions.own | dict(definitions.imports).keys() | {"*"}
    for node in nodes:
        match node:
            case ast.ImportFrom(module=str(module), names=names, level=0):
                if _is_nowhere(module) and (module in _SOLUTION or known.issuperset(alias.name for alias in names)):
                    yield module
            case ast.Import(names=names):
                for alias in names:
                    if _is_nowhere(alias.name):
                        asked = _attributes(alias.asname or alias.name, nodes)
                        if alias.name in _SOLUTION or (asked and asked <= known):
                            yield alias.name


def _attributes(name: str, nodes: list[ast.AST]) -> set[str]:
    return {each.attr for each in nodes if isinstance(each, ast.Attribute) and ast.unparse(each.value) == name}


@functools.cache
def _is_nowhere(module: str) -> bool:
    """Whether there is no module of a name, but for what tests think that the solution's is."""
    top = module.partition(".")[0]
    return top not in sys.stdlib_module_names and PathFinder.find_spec(top, package_folders()) is None


def _examples(text: str) -> list[ast.stmt]:
    """Return the statements of a doctest's examples.

    Raises:
        Unreadable: If they are no Python.
    """
    try:
        examples = doctest.DocTestParser().get_examples(text)
        return [statement for example in examples for statement in ast.parse(example.source).body]
    except (ValueError, SyntaxError, RecursionError) as error:
        raise Unreadable("error:SyntaxError", f"the test is no Python: {error}") from None


def _asserted(text: str, definitions: Definitions) -> list[ast.stmt]:
    """Return the examples of a doctest as assertions of what their values look like.

    Raises:
        NotStraight: If they have other output than that, or the code may print some.
    """
    if definitions.modules - {*PURE} or (definitions.free | definitions.modules) & _PRINTS:
        raise NotStraight("a doctest of code that may print something")
    lines = []
    for example in doctest.DocTestParser().get_examples(text):
        [statement, *more] = ast.parse(example.source).body
        shown, want = None, example.want.removesuffix("\n")
        match statement:
            case ast.Expr(value=ast.Call(func=ast.Name(id="print"), args=args, keywords=named)):
                is_one = want and len(args) == 1 and not named and not isinstance(args[0], ast.Starred)
                shown = ("str", args[0]) if is_one else None
            case ast.Expr(value=of):
                shown = ("repr", of)
        is_odd = more or example.exc_msg is not None or example.options or want == "None" or "<BLANKLINE>" in want
        if is_odd or (shown is None and (want or isinstance(statement, ast.Expr))):
            raise NotStraight("an example of a doctest that shows more than a value")
        lines.append(statement if shown is None else _shown(*shown, want))
    return lines


def _shown(how: str, of: ast.expr, want: str) -> ast.stmt:
    wanted: list[ast.expr] = [ast.Constant(each) for each in (want, _TAKEN_FOR.get(want)) if each]
    test = ast.Compare(ast.Call(ast.Name(how, ast.Load()), [of], []), [ast.In()], [ast.Tuple(wanted, ast.Load())])
    return located(ast.Assert(test if want else ast.Compare(of, [ast.Is()], [ast.Constant(None)]), None))
