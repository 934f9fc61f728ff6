"""What names of a test stand for, and so on which side of a split an expression belongs.

The solution's side has what it defines, objects that it has made, and what was handed to it. The other side has
everything else: what the test makes itself, libraries, and what is made of answers.
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Final

from genetic_udfs.sandbox.definitions import BUILT_INS, MODULES, Definitions, bound_by, of_the_scope
from genetic_udfs.sandbox.unroll import NotStraight, is_fixed

PURE: Final = """
abc ast base64 binascii bisect calendar cmath collections copy dataclasses datetime decimal enum fractions functools
hashlib heapq html io itertools json keyword math numbers numpy operator pandas pprint pytest re statistics string
struct textwrap types typing unicodedata unittest uuid zoneinfo
""".split()  # noqa: SIM905
"""Modules that tell nothing of the process they are in, and change nothing of it."""
_OF_A_PROCESS: Final = """
__import__ breakpoint compile delattr dir eval exec exit globals help id input locals open quit setattr vars
""".split()  # noqa: SIM905
# Asked of an object of the solution's own, as good as a method of it without arguments.
_ASKS: Final = "abs bool callable float hasattr int len list repr str tuple".split()  # noqa: SIM905
_GO_THROUGH: Final = {"list", "next", "tuple"}  # what a generator yields is had no other way


class Origin(Enum):
    """What a name of a test stands for."""

    ALIAS = auto()  # a name of the solution's
    OWN = auto()  # an object of one of its classes
    RESULT = auto()  # what a function of its has returned
    TEST = auto()  # the test's own value, which can be made in the solution's process, too
    HERE = auto()  # the test's own, which cannot
    DERIVED = auto()  # made of answers; it cannot either
    UNSURE = auto()  # one or another of these, as what was done before has ended


INSIDE: Final = {Origin.ALIAS, Origin.OWN, Origin.RESULT}
"""Where the solution has the value."""


@dataclass(eq=False)
class Binding:
    """What a name of a test stands for.

    Attributes:
        origin: Where the value is.
        target: Of an alias, the solution's name; of its module, none.
        module: Of an import, the module.
        made_by: The statement that makes it, where it is the test's own.
        uses: By name, the values of the test's that it is made of; none for what a function looks up when it is called.
        has_effects: Whether using it changes something: it is a function that does, or is gone through once.
        made_at: How often the solution had been asked when it was made.
        there_at: The same, when it was made in the solution's process, if it was.
        is_lent: Whether its parts were copied: they may have been changed since.
        part: What it is only a part of, if it is: the rest may be what is expected.
    """

    origin: Origin
    target: str = ""
    module: str = ""
    made_by: ast.stmt | None = None
    uses: "dict[str, Binding | None]" = field(default_factory=dict)
    has_effects: bool = False
    made_at: int = 0
    there_at: int | None = None
    is_lent: bool = False
    part: str = ""

    @property
    def is_there(self) -> bool:
        """Whether it was made in the solution's process."""
        return self.there_at is not None

    @property
    def literal(self) -> ast.expr | None:
        """What it was made of."""
        match self.made_by:
            case ast.Assign(targets=[ast.Name() | ast.Attribute()], value=value) if self.origin is Origin.TEST:
                return value
        return None

    @property
    def lasting_literal(self) -> ast.expr | None:
        """The literal, where nothing can have changed it: the solution may have, once it has the value."""
        literal = self.literal
        return None if literal is None or (self.is_there and not is_fixed(literal)) else literal


class Names:
    """The names of a test so far, by path: `x`, or `self.x`."""

    def __init__(self, definitions: Definitions, *, shares: bool) -> None:
        """Begin with no names of the test's.

        Args:
            definitions: Of the solution.
            shares: Whether the test has the solution's names, too, rather than what it imports of it.
        """
        self.definitions, self.shares = definitions, shares
        self._own = definitions.own if shares else frozenset[str]()
        self._module: dict[str, Binding] = {}
        self._here = self._module

    def enter(self, scope: int) -> None:
        """Go on in a scope: 0 is the module's, whose names the others see, too, and whose values they share."""
        self._here = dict(self._module) if scope else self._module

    @contextmanager
    def meaning_of(self, path: str) -> Iterator[None]:
        """Have names mean what they mean where a path was given its value, the module perhaps, while the body runs."""
        here, self._here = self._here, self._module if self.is_of_the_module(path) else self._here
        try:
            yield
        finally:
            self._here = here

    def is_of_the_module(self, path: str) -> bool:
        """Whether a path stands for a value of the module's."""
        return self._here.get(path) is self._module.get(path)

    def get(self, path: str) -> Binding | None:
        """Return what a path stands for; None if the test gave it no value."""
        held = self._here.get(path)
        if held is not None and held.origin is Origin.UNSURE:
            raise NotStraight(f"{path} is given a value where it is not known whether it is")
        return held

    def __contains__(self, path: str) -> bool:
        """Whether the test gave a path a value."""
        return path in self._here

    @property
    def is_the_module_s(self) -> bool:
        """Whether names mean what they mean in the module."""
        return self._here is self._module

    def path_of(self, binding: Binding) -> str:
        """Return a path that stands for something."""
        for path, each in self._here.items():
            if each is binding:
                return path
        raise NotStraight("a value without a name that the solution may have changed")

    def reached(self, path: str) -> list[Binding]:
        """Return what a path stands for, the values that it may hold, what these may, and so on."""
        found: dict[int, Binding] = {}
        waiting = [self.get(path)]
        while waiting:
            each = waiting.pop()
            if each is not None and not each.module and id(each) not in found:
                found[id(each)] = each
                waiting += [held or self.get(name) for name, held in each.uses.items()]
        return list(found.values())

    def of(self, node: ast.expr) -> Binding | None:
        """Return what a name or an attribute of `self` stands for."""
        return self.get(ast.unparse(node)) if isinstance(node, ast.Name | ast.Attribute) else None

    def literal(self, node: ast.expr) -> ast.expr | None:
        """Return the literal that a name stands for, where nothing can have changed it."""
        held = self.of(node)
        return None if held is None else held.lasting_literal

    @contextmanager
    def perhaps(self) -> Iterator[None]:
        """Take what the body binds and changes for what may not be done: a statement before it may raise."""
        before = dict(self._here)
        yield
        for path, binding in list(self._here.items()):
            was = before.get(path)
            if binding is was:
                continue
            if was is not None and (binding.origin in INSIDE) != (was.origin in INSIDE):
                self._here[path] = Binding(Origin.UNSURE)
            elif binding.origin is Origin.TEST:
                binding.origin = Origin.UNSURE if binding.is_there else Origin.HERE
                binding.uses[path] = was

    def bind(self, path: str, binding: Binding) -> None:
        """Have a path stand for something from here on."""
        means_it = binding.origin is Origin.ALIAS and binding.target in {path, ""}
        own, free = self.definitions.own, self.definitions.free
        is_module = self._here is self._module
        # In a step, what is imported has the solution's name for it.
        is_taken = path in own | free and is_module if self.shares else path in own
        if is_taken and not means_it:
            raise NotStraight(f"{path} means something to the solution")
        self._here[path] = binding

    def check_outside(self, path: str, known: set[str]) -> str:
        """Refuse a name that would mean something else outside than where the solution is.

        Returns:
            The statement of the solution's that imports it, if one must.
        """
        binding, name = self.get(path), path.partition(".")[0]
        if binding is not None:
            if binding.module and binding.module not in PURE:
                raise NotStraight(f"{name} may tell of the process, or change it")
            if binding.origin in {Origin.OWN, Origin.RESULT}:
                raise NotStraight(f"{path} is the solution's")
            return ""
        if name in self.definitions.doubtful or name in _OF_A_PROCESS:
            raise NotStraight(f"{name} may be the solution's, or its process's")
        statement = dict(self.definitions.imports).get(name, "") if self.shares else ""
        if statement:
            module = ast.parse(statement).body[0]
            of = module.module if isinstance(module, ast.ImportFrom) else name
            if (of or "").partition(".")[0] in PURE or name in {"np", "pd"}:
                return statement
        if name not in BUILT_INS and name not in known:
            raise NotStraight(f"nobody knows {name}")
        return statement

    def share(self) -> None:
        """Have the solution's names, after an import of all of them."""
        self.shares, self._own = True, self.definitions.own

    def check_inside(self, path: str) -> None:
        """Refuse a name that means something in the solution's process alone."""
        of_the_solution = self.definitions.own | dict(self.definitions.imports).keys()
        if not self.shares and path not in self and path in of_the_solution:
            raise NotStraight(f"{path} is not imported from the solution")

    def own_name(self, node: ast.expr) -> str | None:
        """Return the name of the solution's that a name, or an attribute of its module, stands for."""
        match node:
            case ast.Attribute(value=ast.Name(id=name), attr=attr):
                held = self.get(name)
                if held is not None and held.origin is Origin.ALIAS and not held.target:
                    return attr if attr in self.definitions.own else None
            case ast.Name(id=name):
                held = self.get(name)
                if held is not None:
                    return held.target or None if held.origin is Origin.ALIAS else None
                if name in self._own and name not in self.definitions.doubtful:
                    return name
        return None

    def asks(self, node: ast.AST) -> bool:
        """Whether something has a name of the solution's, or of an object of its, in it."""
        for path in used_paths(node):
            held = self.get(path)
            if held is None and path in self._own:
                if path in self.definitions.doubtful:
                    raise NotStraight(f"the code gives {path} another meaning")
                return True
            if held is not None and held.origin in INSIDE:
                return True
        return False

    def is_inside(self, node: ast.expr) -> bool:
        """Whether something is a chain of calls and attributes that begins with a name of the solution's.

        Arguments go in with it, so those of a method of some result stay outside: they may be what is expected.
        """
        root: ast.expr = node
        while self.own_name(root) is None and isinstance(root, ast.Attribute | ast.Subscript | ast.Call):
            if isinstance(root, ast.Attribute) and self.of(root) is not None:
                break
            if not isinstance(root, ast.Call):
                root = root.value
                continue
            function = root.func
            of = function.value if isinstance(function, ast.Attribute) and self.own_name(function) is None else None
            if of is not None and (root.args or root.keywords) and not self.has_own_methods(of):
                return False
            root = function
        is_called = isinstance(node, ast.Call) and node.func is root
        if isinstance(root, ast.Name) and root.id in self.definitions.own & MODULES and not (is_called or root is node):
            raise NotStraight(f"the code gives {root.id} another meaning")
        held = self.of(root)
        if held is not None and held.origin is Origin.RESULT:
            calls = [each for each in ast.walk(node) if isinstance(each, ast.Call)]
            return root is node or not any(each.args or each.keywords for each in calls)
        return (held is not None and held.origin is Origin.OWN) or self.own_name(root) is not None

    def has_own_methods(self, node: ast.expr) -> bool:
        """Whether methods of something are the solution's: it is a name, or made by a class of its."""
        held = self.of(node)
        if held is not None:
            return held.origin in {Origin.OWN, Origin.ALIAS}
        return self.own_name(node) is not None or self.makes_own(node)

    def makes_own(self, node: ast.expr) -> bool:
        """Whether something is an object of one of the solution's classes."""
        name = self.own_name(node.func) if isinstance(node, ast.Call) else None
        return name in self.definitions.classes and (name or "")[:1].isupper()

    def is_asked(self, node: ast.expr) -> bool:
        """Whether something is `len(stack)`, `str(stack)`, `isinstance(f(2), Stack)` or the like."""
        match node:
            case ast.Call(func=ast.Name(id=name), args=[of], keywords=[]) if name in _GO_THROUGH and self.is_inside(of):
                return name not in self.definitions.doubtful and self.get(name) is None
            case ast.Call(func=ast.Name(id="isinstance" | "issubclass"), args=[of, kind], keywords=[]):
                return self.own_name(kind) in self.definitions.classes and self.asks(of)
            case ast.Call(func=ast.Name(id=name), args=[of, *more], keywords=[]) if name in _ASKS:
                is_one = not more or name == "hasattr"
                is_built_in = name not in self.definitions.doubtful and self.get(name) is None
                return is_one and is_built_in and self.has_own_methods(of)
        return False


def used_paths(node: ast.AST, *, within: bool = False) -> list[str]:
    """Return the names in something, and of `self` its attributes.

    Args:
        node: Any part of a test.
        within: Whether names that it binds within are among them: it may use an outer one before.
    """
    nodes = list(ast.walk(node))
    inner = {
        name
        for each in nodes
        if isinstance(each, ast.Lambda | ast.comprehension | ast.FunctionDef | ast.ClassDef) and not within
        for part in ast.walk(each.args if isinstance(each, ast.Lambda) else getattr(each, "target", each))
        for name in bound_by(part)
    }
    found: dict[str, None] = {}
    for each in nodes:
        match each:
            case ast.Attribute(value=ast.Name(id="self"), attr=attr):
                found[f"self.{attr}"] = None
            case ast.Name(id=name, ctx=ast.Load()) if name not in inner and name != "self":
                found[name] = None
    return list(found)


def bound_names(node: ast.stmt) -> list[str]:
    """Return the names that a statement binds in its own scope, by their order."""
    return sorted({name for each in of_the_scope([node]) for name in bound_by(each)})


def paths_of(target: ast.expr) -> list[str]:
    """Return the paths that an assignment gives a value, or changes."""
    match target:
        case ast.Name(id=name):
            return [name]
        case ast.Attribute(value=ast.Name(id="self"), attr=attr):
            return [f"self.{attr}"]
        case ast.Tuple(elts=parts) | ast.List(elts=parts):
            return [path for part in parts for path in paths_of(part)]
        case ast.Attribute(value=value) | ast.Subscript(value=value) | ast.Starred(value=value):
            return paths_of(value)
    raise NotStraight(f"{ast.unparse(target)[:60]} is given a value")


def is_scalar(node: ast.expr) -> bool:
    """Whether an expression is a constant that has no parts."""
    parts = [each for each in ast.walk(node) if isinstance(each, ast.Tuple | ast.Constant)]
    return is_fixed(node) and all(
        isinstance(each, ast.Constant) and not isinstance(each.value, str | bytes) for each in parts
    )
