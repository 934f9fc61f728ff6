"""Lines and branches of a solution, as a person would count them."""

import pytest

from genetic_udfs.roles.solution_size import SolutionSize, solution_size

DOCUMENTED = '''
"""A module."""
# A comment.

def f(x):
    """Say what it does,

    at length.
    """
    return [  # a comment beside code
        x,

        "text that is code",
    ]
'''


@pytest.mark.parametrize(
    ("code", "branches"),
    [
        ("def f(x):\n    return x", 0),
        ("if x:\n    y = 1\nelif x is None:\n    y = 2\nelse:\n    y = 3", 2),
        ("def f(x):\n    return 1 if x else 2", 1),
        ("for i in range(3):\n    while i:\n        i -= 1\nelse:\n    pass", 2),
        ("def f(a, b, c):\n    return a and b and c or not a", 3),
        ("def f(xs):\n    return [y for x in xs if x if x > 1 for y in x]", 4),
        ("try:\n    f()\nexcept ValueError:\n    pass\nexcept KeyError:\n    pass\nfinally:\n    g()", 2),
        ("match x:\n    case 1:\n        pass\n    case [a, *_] if a:\n        pass\n    case _:\n        pass", 2),
        ("match x:\n    case other if other > 1:\n        pass", 1),
        ("async def f(xs):\n    async for x in xs:\n        yield x", 1),
    ],
)
def test_branches_are_the_decisions_of_cyclomatic_complexity(code: str, branches: int) -> None:
    found = solution_size(code)
    assert found is not None and found.branches == branches


def test_lines_of_code_are_neither_blank_nor_comments_nor_docstrings() -> None:
    assert solution_size(DOCUMENTED) == SolutionSize(5, 0)
    assert solution_size("x = 1; y = 2\n\n\nz = '''a\n\nb'''") == SolutionSize(4, 0)
    assert solution_size("def f(): 'beside its head'\n") == SolutionSize(1, 0)
    assert solution_size("class A:\n    'own line'\n    x = 1") == SolutionSize(2, 0)
    assert solution_size("x = ('a'\n  # between\n  'b')") == SolutionSize(2, 0)
    assert solution_size('x = 1 + \\\n  2\ny = f"""{x}\n# text"""') == SolutionSize(4, 0)


@pytest.mark.parametrize("code", ["def f(:", "x = '\0'", "(" * 500 + ")" * 500, "if x:\n  a\n b"])
def test_what_is_no_python_has_no_size(code: str) -> None:
    assert solution_size(code) is None
