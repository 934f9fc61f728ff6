"""What code defines and imports, and what of that a test means by its names."""

import ast
import builtins
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_LONGEST_CODE: Final = 1 << 18  # a syntax tree takes some hundred times the memory of the code

BUILT_INS: Final = frozenset(dir(builtins))
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
        body = parsed(code) if len(code) <= _LONGEST_CODE else None
        if body is None:
            return cls(readable=False)
        nodes = list(_of_the_module(body))
        imports = [each for each in nodes if isinstance(each, ast.Import | ast.ImportFrom)]
        aliases = [alias for each in imports for alias in each.names]
        own = frozenset(name for each in nodes for name in _bound(each))
        imported = frozenset((alias.asname or alias.name).partition(".")[0] for alias in aliases)
        renamed = {alias.asname or "" for alias in aliases if alias.asname not in {alias.name, _SHORT.get(alias.name)}}
        taken = {alias.name for alias in aliases if alias.name in BUILT_INS}
        return cls(
            own=own,
            classes=frozenset(each.name for each in nodes if isinstance(each, ast.ClassDef)),
            imported=imported - own,
            imports=tuple(ast.unparse(each) for each in imports if _renames_nothing(each)),
            both=own & imported,
            replaced=frozenset({*own, *renamed, *taken} & (BUILT_INS | MODULES)),
            renamed=frozenset(
                alias.asname or "" for each in imports if not _renames_nothing(each) for alias in each.names
            ),
        )

    def names_for(self, test: str) -> list[str]:
        """Return the names of a test that mean the solution's: what the code defines, and what else nobody knows."""
        body = parsed(test) or []
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
        unknown = used - bound - self.imported - BUILT_INS - MODULES
        return sorted(name for name in (used & self.own) | unknown if not name.startswith("__"))


def names_used(test: str) -> frozenset[str]:
    """Return the names that a test reads; none of a text that cannot be parsed."""
    body = parsed(test)
    return frozenset(node.id for each in body or () for node in ast.walk(each) if isinstance(node, ast.Name))


def replaced_in(test: str, definitions: Definitions) -> frozenset[str]:
    """Return the built-ins and modules that a test uses and code gives another meaning; it would believe that code.

    A function may be named like a module, such as `numbers`; that is no module where it is called itself.
    """
    nodes = [node for each in parsed(test) or () for node in ast.walk(each)]
    holders = {node.value.id for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name)}
    used = names_used(test)
    replaced = definitions.replaced & ((used & BUILT_INS) | (holders & MODULES))
    return replaced | (definitions.both & holders) | (definitions.renamed & used)


def parsed(code: str) -> list[ast.stmt] | None:
    """Return the statements of code, or None if it is no Python."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(code).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
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
