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
        "language": "python",
        "raw_reply": None,
        "verdict": True,
        "fitness": 0.9312,
        "reason": None,
        "detail": None,
    }
    rejected = {
        **row,
        "code": None,
        "language": None,
        "verdict": None,
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
        "accepted, the Judge's verdict is Yes, fitness 0.93",
        "2 of 2",
        "cannot",
        "no_code: d",
    ):
        assert part in text
    assert "\x1b" not in text and "word14" not in text


def test_code_is_highlighted_as_its_language() -> None:
    row = {name: None for name in ("operator", "task", "parents", "instruction", "raw_reply", "verdict", "fitness")}
    row |= {"reason": "judged_no", "detail": None, "verdict": False}
    codes = {"java": "final int a = 1;", "python": "final int a = 1;", None: "def f(): ...", "no language": "def f"}
    shown = {}
    for language, code in codes.items():
        out = io.StringIO()
        candidates = candidates_of([{**row, "operator": "crossover", "code": code, "language": language}], {})
        print_candidates(Console(file=out, width=80, force_terminal=True, color_system="256"), candidates)
        shown[language] = out.getvalue()
        assert "judged_no, the Judge's verdict is No" in shown[language]
    assert shown["java"] != shown["python"]
    assert "\x1b[38;5;81" in shown[None] and "\x1b[38;5;81" not in shown["no language"]
