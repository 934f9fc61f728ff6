"""A candidate as a panel: what it shows, and that a model's text steers no terminal."""

import io

from rich.console import Console

from genetic_udfs.reporting.preview import candidates_of, print_candidates


def test_a_candidate_shows_its_parents_its_texts_and_how_it_ended() -> None:
    row = {
        "operator": "mutation",
        "task": "reasoning",
        "parents": ["seed-0", "gone"],
        "instruction": "Add [bold]two[/bold] numbers \x1b]0;title\x07",
        "code": "def add(a, b):\n    return a + b",
        "raw_reply": None,
        "fitness": 0.9312,
        "reason": None,
        "detail": None,
    }
    rejected = {
        **row,
        "code": None,
        "raw_reply": "I \x1b[2Jcannot",
        "fitness": None,
        "reason": "no_code",
        "detail": "d",
    }
    out = io.StringIO()
    parent = " ".join(f"word{n}" for n in range(30))
    print_candidates(Console(file=out, width=100), candidates_of([row, rejected], {"seed-0": parent}))
    text = out.getvalue()
    for part in (
        "1 of 2, mutation: reasoning",
        "from word0 word1",
        "word13 ...",
        "from gone",
        "Add [bold]two[/bold] numbers",
        "    return a + b",
        "accepted, fitness 0.93",
        "2 of 2",
        "cannot",
        "no_code: d",
    ):
        assert part in text
    assert "\x1b" not in text and "word14" not in text
