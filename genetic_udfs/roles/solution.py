"""Which of a reply's pieces of Python are the solution, and how they go together. Nothing is run.

Imports, constants and helpers that stand apart are joined to what uses them. What comes later and defines the same
corrects what came before, and what defines something else stands beside it. Samples of input, lines that only use the
solution, its tests and mere heads are none.
"""

import ast
import builtins
import re
import warnings
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from genetic_udfs.data.syntax import nodes_of, parsed
from genetic_udfs.roles.leads import is_another, is_called_wrong, is_correction

_BUILT_IN: Final = frozenset(dir(builtins)) | {"__name__", "__file__", "__doc__"}
_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
# Most nodes bind nothing.
_BINDING: Final = {
    *(ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Name, ast.arg, ast.ExceptHandler),
    *(ast.Import, ast.ImportFrom, ast.MatchAs, ast.MatchStar, ast.MatchMapping),
}

_OF_A_RUN: Final = re.compile(
    r"(?:main|demo|usage|run_tests?|check|check_(?:all|cases|examples?|solution)|verify|bench\w*|timing)\Z"
    r"|_*(?:test|example)",
    re.IGNORECASE,
)
_EXCERPT: Final = re.compile(
    r"^[ \t]*#[ \t]*(?:\.\.\.|\u2026)|#[^\n]*(?:\b(?:unchanged|as before|same as (?:above|before)|rest of)\b|\.\.\.$)",
    re.IGNORECASE | re.MULTILINE,
)


def fault_of(code: str) -> str | None:
    """Return why Python does not compile code, or None where it does. Nothing is run."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(code, "<solution>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return f"{type(error).__name__}: {error}"
    return None


@dataclass(frozen=True)
class Piece:
    """A piece of code without a fault: its text, the words before it, and what it is made of.

    Attributes:
        code: The text.
        lead: The words before it.
        body: Its statements.
        made: The functions and classes that it defines at its top, lambdas with names among them.
        bound: All names that it binds at its top.
        reads: The names that it reads and binds nowhere.
    """

    code: str
    lead: str
    body: Sequence[ast.stmt]
    made: frozenset[str]
    bound: frozenset[str]
    reads: frozenset[str]

    @classmethod
    def of(cls, code: str, lead: str = "") -> "Piece | None":
        """Read a piece; None where it does nothing, as comments and samples of output do."""
        tree = parsed(code)
        if tree is None or not any(map(_does_something, tree.body)):
            return None
        nodes = nodes_of(tree)
        read = {node.id for node in nodes if type(node) is ast.Name and type(node.ctx) is ast.Load}
        named = {name for node in nodes if type(node) in _BINDING for name in _bound_by(node)}
        return cls(
            code=code,
            lead=lead,
            body=tree.body,
            made=frozenset(name for each in tree.body for name in _made_by(each)),
            bound=frozenset(name for each in tree.body for node in _of_top(each) for name in _bound_by(node)),
            reads=frozenset(read - named - _BUILT_IN),
        )

    @property
    def is_import(self) -> bool:
        """Whether it imports, and does nothing else but set up what it imports."""
        has_imports = any(isinstance(each, ast.Import | ast.ImportFrom) for each in self.body)
        return has_imports and all(isinstance(each, ast.Import | ast.ImportFrom | ast.Expr) for each in self.body)

    @property
    def is_sample(self) -> bool:
        """Whether it is values alone, as of input: assignments that call nothing."""
        return all(
            isinstance(each, ast.Assign | ast.AnnAssign | ast.Expr)
            and not any(isinstance(node, ast.Call | ast.Lambda) for node in nodes_of(each))
            for each in self.body
        )

    @property
    def is_usage(self) -> bool:
        """Whether its lines only use what they do not define."""
        lines = (ast.Expr, ast.Assert, ast.Assign, ast.AnnAssign, ast.AugAssign, ast.Import, ast.ImportFrom)
        loops = (ast.For, ast.If, ast.With, ast.Try)
        calls = {
            node.func.id
            for each in self.body
            for node in nodes_of(each)
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        }
        is_short = all(isinstance(each, lines) for each in self.body) or (
            all(isinstance(each, lines + loops) for each in self.body) and bool(calls & self.reads)
        )
        return not self.made and is_short and bool(self.reads)

    @property
    def is_test(self) -> bool:
        """Whether it defines nothing but tests, or the run of a script."""
        tests = {each.name for each in self.body if isinstance(each, _Definition) and _is_test_code(each)}
        return all(name in tests or _OF_A_RUN.match(name) for name in self.made)

    @property
    def has_classes_alone(self) -> bool:
        """Whether all that it defines is classes."""
        return self.made == {each.name for each in self.body if isinstance(each, ast.ClassDef)}

    @property
    def is_head(self) -> bool:
        """Whether what it defines has no content."""
        definitions = [each for each in self.body if isinstance(each, _Definition)]
        return len(definitions) >= len(self.made) and all(map(_is_empty, definitions))


def solution_of(pieces: Sequence[Piece], asked: Collection[str] = ()) -> str | None:
    """Return the code of the solution; None where no piece is one.

    Args:
        pieces: those of a reply, in order.
        asked: names that the problem asks for.
    """
    defining = [piece for piece in pieces if piece.made]
    for is_unfit in (_is_head, lambda piece: piece.is_test and not piece.made & set(asked), _is_called_wrong):
        defining = [piece for piece in defining if not is_unfit(piece)] or defining
    chosen = _of_definitions(defining, frozenset(asked)) if defining else _of_script(pieces)
    if not chosen:
        return None
    others = [piece for piece in pieces if piece not in chosen and not piece.made]
    joined = [*_needed(others, chosen), *chosen]
    code = "\n\n".join(piece.code for piece in joined)
    return code if len(joined) == 1 or fault_of(code) is None else chosen[-1].code


def _is_head(piece: Piece) -> bool:
    return piece.is_head


def _is_called_wrong(piece: Piece) -> bool:
    return is_called_wrong(piece.lead)


def _of_definitions(pieces: Sequence[Piece], asked: frozenset[str]) -> list[Piece]:
    chosen: list[Piece] = []
    for piece in pieces:
        made = frozenset[str]().union(*(one.made for one in chosen))
        is_wider = bool(asked & made) and not asked & piece.made
        if not chosen:
            chosen = [piece]
        elif shared := piece.made & made:
            chosen = _corrected(chosen, piece, shared)
        elif piece.reads & made:
            chosen.append(piece)
        elif any(one.reads & piece.made for one in chosen):
            chosen.insert(0, piece)
        elif is_correction(piece.lead) and not is_wider:
            chosen = [*(one for one in chosen if one.has_classes_alone and not piece.has_classes_alone), piece]
        elif not is_another(piece.lead):
            chosen.append(piece)
    return chosen


def _corrected(chosen: list[Piece], piece: Piece, shared: frozenset[str]) -> list[Piece]:
    """Return the pieces with one that defines some of the same, unless that is a variant or an excerpt."""
    is_whole = not _is_excerpt(piece, shared) or any(_is_excerpt(one, shared) for one in chosen)
    return [*_left_of(chosen, piece), piece] if is_whole and not is_another(piece.lead) else chosen


def _left_of(chosen: Sequence[Piece], correction: Piece) -> list[Piece]:
    """Return what is left of pieces beside one that defines some of the same: what it uses, and what uses it."""
    left = [rest for piece in chosen if (rest := _without(piece, correction.made)) is not None]
    return [piece for piece in left if piece.made & correction.reads or piece.reads & correction.made]


def _without(piece: Piece, names: frozenset[str]) -> Piece | None:
    lines = piece.code.split("\n")
    for each in piece.body:
        if isinstance(each, _Definition) and each.name in names:
            first = min([each.lineno, *(decorator.lineno for decorator in each.decorator_list)])
            lines[first - 1 : each.end_lineno] = [""] * ((each.end_lineno or first) - first + 1)
    code = re.sub(r"\n{3,}", "\n\n\n", "\n".join(lines)).strip("\n")
    return Piece.of(code, piece.lead) if fault_of(code) is None and code.strip() else None


def _of_script(pieces: Sequence[Piece]) -> list[Piece]:
    """Return the script among pieces that define nothing."""
    chosen: list[Piece] = []
    known = frozenset[str]().union(*(piece.bound for piece in pieces))
    for piece in pieces:
        if piece.is_import or piece.is_sample or (piece.is_usage and not piece.reads <= known):
            continue
        if not chosen or is_correction(piece.lead):
            chosen = [piece]
        elif piece.reads & frozenset[str]().union(*(one.bound for one in chosen)):
            chosen.append(piece)
    return chosen


def _needed(others: Sequence[Piece], chosen: Sequence[Piece]) -> list[Piece]:
    """Return the imports and constants apart that pieces read, what these read among them, in their order."""
    found: list[Piece] = []
    missing = _missing(chosen)
    for piece in reversed(others):
        is_future = any(isinstance(each, ast.ImportFrom) and each.module == "__future__" for each in piece.body)
        fits = piece.is_import or piece.is_sample
        if fits and (is_future or piece.bound & missing or "*" in piece.bound):
            found.insert(0, piece)
            missing = _missing([*found, *chosen])
    return found


def _missing(pieces: Sequence[Piece]) -> frozenset[str]:
    reads = frozenset[str]().union(*(piece.reads for piece in pieces))
    return reads - frozenset[str]().union(*(piece.bound for piece in pieces))


def _does_something(each: ast.stmt) -> bool:
    if isinstance(each, ast.Expr):
        return isinstance(each.value, ast.Call | ast.Await)
    return not isinstance(each, ast.Pass) and not (isinstance(each, ast.AnnAssign) and each.value is None)


def _is_empty(definition: _Definition) -> bool:
    """Tell a definition whose functions do nothing but say what they are for, or that they are not written."""
    if isinstance(definition, ast.ClassDef):
        inner = [each for each in definition.body if isinstance(each, _Definition)]
        return bool(inner) and all(map(_is_empty, inner))
    return all(
        isinstance(each, ast.Pass)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
        or (isinstance(each, ast.Raise) and "NotImplemented" in ast.unparse(each))
        for each in definition.body
    )


def _is_test_code(definition: _Definition) -> bool:
    """Tell a class of tests, and a function without arguments and value that asserts."""
    if isinstance(definition, ast.ClassDef):
        return any(ast.unparse(base).rpartition(".")[2].endswith("TestCase") for base in definition.bases)
    if definition.args.args:
        return False
    nodes = nodes_of(definition)
    gives = any(isinstance(node, ast.Yield) or (isinstance(node, ast.Return) and node.value) for node in nodes)
    takes = any(isinstance(node, ast.arg) for node in nodes)
    return not gives and not takes and any(isinstance(node, ast.Assert) for node in nodes)


def _is_excerpt(piece: Piece, names: frozenset[str]) -> bool:
    """Whether definitions of these names leave parts out, as where a reply shows one method of a class again."""
    definitions = [each for each in piece.body if isinstance(each, _Definition) and each.name in names]
    return any(map(_leaves_out, definitions)) or (bool(definitions) and bool(_EXCERPT.search(piece.code)))


def _leaves_out(definition: _Definition) -> bool:
    if isinstance(definition, ast.ClassDef):
        inner = [each for each in definition.body if isinstance(each, _Definition)]
        return any(map(_is_ellipsis, definition.body)) or any(map(_leaves_out, inner))
    return any(map(_is_ellipsis, definition.body))


def _is_ellipsis(each: ast.stmt) -> bool:
    return isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) and each.value.value is ...


def _made_by(each: ast.stmt) -> list[str]:
    if isinstance(each, _Definition):
        return [each.name]
    if isinstance(each, ast.Assign) and isinstance(each.value, ast.Lambda):
        return [target.id for target in each.targets if isinstance(target, ast.Name)]
    return []


def _of_top(statement: ast.stmt) -> Sequence[ast.AST]:
    """Return the nodes of a statement that bind names at the top: not those within a definition."""
    return [statement] if isinstance(statement, _Definition) else nodes_of(statement)


def _bound_by(node: ast.AST) -> list[str]:
    match node:
        case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Name(id=name, ctx=ast.Store() | ast.Del()) | ast.arg(arg=name) | ast.ExceptHandler(name=str(name)):
            return [name]
        case ast.Import(names=aliases) | ast.ImportFrom(names=aliases):
            return [(alias.asname or alias.name).partition(".")[0] for alias in aliases]
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            return [name]
    return []
