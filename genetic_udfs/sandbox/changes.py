"""What parts of a test change beside what they assign, and which values hold others: what a replay could miss."""

import ast
from collections.abc import Iterator
from typing import Final

METHODS: Final = """
__delitem__ __next__ __setattr__ __setitem__ add append appendleft clear close difference_update discard extend
extendleft fill insert intersection_update move_to_end pop popitem popleft put read readline readlines remove resize
reverse rotate seek send setdefault sort subtract symmetric_difference_update throw truncate update write writelines
""".split()  # noqa: SIM905
"""Methods that change what they are asked of."""

# Functions that change their arguments.
_FUNCTIONS: Final = """
anext delattr heapify heappop heappush heappushpop heapreplace insort insort_left insort_right next setattr shuffle
""".split()  # noqa: SIM905
_ITERATORS: Final = "enumerate filter iter map open reversed zip".split()  # noqa: SIM905


def changed(node: ast.AST) -> Iterator[ast.expr]:
    """Yield what is changed in place within something: whatever these expressions name may have changed."""
    for each in ast.walk(node):
        match each:
            case ast.Call(func=ast.Attribute(value=of, attr=attr)) if attr in METHODS:
                yield of
            case ast.Call(func=ast.Attribute(attr=name) | ast.Name(id=name), args=[of, *_]) if name in _FUNCTIONS:
                yield of
            case ast.Attribute(value=of, ctx=ast.Store() | ast.Del()):
                yield of
            case ast.Subscript(value=of, ctx=ast.Store() | ast.Del()):
                yield of
            case ast.AugAssign(target=of):
                yield of


def has_effects(node: ast.stmt) -> bool:
    """Whether a function may change something, or goes on where it was when asked again."""
    parts = list(ast.walk(node))
    if any(isinstance(each, ast.Global | ast.Nonlocal | ast.Yield | ast.YieldFrom | ast.ClassDef) for each in parts):
        return True
    if sum(isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) for each in parts) > 1:
        return True
    return any(changed(node))


def is_gone_through(value: ast.AST) -> bool:
    """Whether a value can be gone through only once."""
    match value:
        case ast.GeneratorExp():
            return True
        case ast.Call(func=ast.Name(id=name)):
            return name in _ITERATORS
        case ast.Call(func=ast.Attribute(value=ast.Name(id="itertools"))):
            return True
    return False


def is_late(node: ast.AST) -> bool:
    """Whether names in something are looked up when it is used, not where it stands."""
    later = (ast.Lambda, ast.GeneratorExp, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
    return any(isinstance(each, later) for each in ast.walk(node))
