"""The report's page from figures that are written down: what it says, that it is bounded, and that texts are texts."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from genetic_udfs.errors import StoreError
from genetic_udfs.reporting.amounts import duration
from genetic_udfs.reporting.report.charts import MAX_SERIES, Point, Table, bars, histogram, lines, stacked
from genetic_udfs.reporting.report.figures import (
    CODE_LETTERS,
    PARENTS,
    RELATIVE_LETTERS,
    TEXT_LETTERS,
    Cost,
    GenerationFigures,
    Outcome,
)
from genetic_udfs.reporting.report.page import MAX_BYTES, code, page
from genetic_udfs.reporting.report.sections import sections, sentence
from tests.reporting.report.figures import FIGURES, HOSTILE, OTHER, relative, sample


class Reader(HTMLParser):
    """The elements of a page, and what is open while it is read."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.wrong: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in {"meta", "link", "br", "img", "input", "rect"}:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(tag)


def read(text: str) -> Reader:
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert (reader.wrong, reader.open) == ([], [])
    return reader


def test_a_run_in_a_sentence() -> None:
    assert sentence(FIGURES) == (
        "8 pairs were accepted of 15 candidates (53%) in 2 generations from 3 seeds, with 2,000 tokens in 1 h 7 min"
        " for at least 1.50."
    )
    one = replace(
        FIGURES,
        generations=[GenerationFigures(0, 0, 0, 0, 1, 1.0), GenerationFigures(1, 1, 1, 0, 2, 5.0)],
        outcomes=[Outcome(1, "mutation", "reasoning", None, 1, 0.9, 1)],
        costs=[Cost(1, "coder", 1, 0, 1, 0, 1.0, None)],
    )
    assert (
        sentence(one) == "1 pair was accepted of 1 candidate (100%) in 1 generation from 1 seed, with 1 token in 5 s."
    )
    assert [duration(s) for s in (4.4, 61, 7260, 90_000)] == ["4 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"]


def test_every_figure_is_said() -> None:
    of = {section.id: section for section in sections(FIGURES)}
    assert list(of) == ["acceptance", "operators", "fitness", "costs", "duplicates", "diversity", "shape", "seeds"]
    assert "most frequent reason to reject one is judged_no: 86% of them" in of["acceptance"].charts[0].text
    assert of["acceptance"].charts[0].table.rows[0] == ("generation 1", "4", "6", "0")
    assert of["acceptance"].texts == ["Generations that fell short of their samples: 1 by 2."]
    assert ("mutation: reasoning", "10", "4", "40%", "0.90") in of["operators"].tables[0][1].rows
    assert of["costs"].tables[0][1].rows[0] == ("coder", "10", "1", "1,000", "500", "10 s", "50", "188", "1.50")
    assert of["costs"].tables[1] == (
        "Stages",
        Table(
            ("generation", "round", "stage", "requests", "prompt tokens", "output tokens", "time", "cost"),
            [
                ("1", "0", "coder", "8", "900", "450", "9 s", "1.50"),
                ("1", "1", "coder of repaired solutions", "2", "100", "50", "1 s", "-"),
            ],
        ),
    )
    assert of["costs"].charts[1].table == Table(
        ("generation", "coder", "judge"), [("generation 1", "1,500", "0"), ("generation 2", "0", "500")]
    )
    assert of["costs"].tables[2][1].rows == [("1", "coder", "2", "31 of 64", "50", "25%")]
    assert of["duplicates"].texts[0] == (
        "Of the candidates 0 repeat the words of another instruction, 1 are near-duplicates of one, 0 hold an item of a"
        " test set."
    )
    assert of["duplicates"].texts[1] == "The audits' samples had 5 pairs of near-duplicates; 4 of them were found."
    assert of["diversity"].tables[0][1].rows == [
        ("0", "95.0%", "-", "-", "-", "-", "100%", "0.00", "0.0"),
        (
            "1",
            "90.0% (85.0% to 95.0%)",
            "0.310 (0.300 to 0.320)",
            "0.050",
            "0.200 (0.100 to 0.300)",
            "0.010",
            "50%",
            "0.40",
            "1.5",
        ),
    ]
    assert len(of["diversity"].texts) == 1
    assert of["diversity"].charts[0].table == Table(
        ("generation", "distinct 3-grams", "nearest other", "nearest earlier"),
        [("0", "0.950", "-", "-"), ("1", "0.900", "0.310", "0.200")],
    )
    without = next(s for s in sections(replace(FIGURES, diversity=FIGURES.diversity[:1])) if s.id == "diversity")
    assert without.texts[1] == "There was no model to embed instructions, so no distances."
    assert of["shape"].tables[0][1].rows[1] == ("2", "25", "50", "120", "350")
    assert of["seeds"].tables[0][1].rows[0][2:] == ("9", "6", "67%")
    unrated = {section.id: section for section in sections(replace(FIGURES, fitness={True: [0], False: [0]}))}
    assert unrated["fitness"].texts == ["No candidate has a fitness: the Judge was asked about none."]
    assert not unrated["fitness"].charts
    judged = [replace(one, judged=one.count) for one in FIGURES.outcomes]
    asked = sections(replace(FIGURES, fitness={True: [0], False: [0]}, outcomes=judged))[2]
    assert asked.texts == ["No candidate has a fitness: the Judge's engine gave no probabilities."]


def test_texts_of_models_are_texts(capsys: pytest.CaptureFixture[str]) -> None:
    text = page([FIGURES])
    found = read(text)
    counts = Counter(tag for tag, _ in found.elements)
    assert (counts["script"], counts["img"], counts["article"]) == (1, 0, 10)
    handlers = [name for _, attributes in found.elements for name in attributes if name.startswith("on")]
    assert handlers == []
    assert "\x00" not in text and "\u202e" not in text
    assert text.count("&lt;/script&gt;&lt;script&gt;document.title") > 20
    addresses = {
        value for _, attributes in found.elements for name, value in attributes.items() if name in {"src", "href"}
    }
    assert all(str(address).startswith(("#", "data:,")) for address in addresses)
    assert "default-src 'none'" in text


def test_each_chart_has_a_text_and_its_table() -> None:
    found = read(page([FIGURES]))
    drawings = [attributes["aria-label"] for tag, attributes in found.elements if attributes.get("role") == "img"]
    assert len(drawings) == 8 and all(drawings)
    text = page([FIGURES])
    assert text.count("<figure>") == text.count("<summary>Table: ") == 8
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_two_stores_are_side_by_side() -> None:
    text = page([FIGURES, OTHER], Table(("", "A", "B"), [("pairs", "8", "8")]))
    ids = [attributes["id"] for _, attributes in read(text).elements if "id" in attributes]
    assert len(ids) == len(set(ids)) and {"shared", "acceptance-0", "acceptance-1"} <= set(ids)
    assert text.count("<article") == 11
    stores = [attributes["data-store"] for tag, attributes in read(text).elements if tag == "article"]
    assert Counter(stores) == {"A": 10, "B": 1}
    assert 'data-by="store"' in text and 'data-by="store"' not in page([FIGURES])


def test_a_page_is_bounded_whatever_its_texts_are() -> None:
    for text in ("<" * 3000, "+ " * 1500, "&'\"" * 1000, "\U0001d54f" * 3000):
        parents = [
            relative(f"p{n}", *(relative(f"q{m}", text=text[:RELATIVE_LETTERS]) for m in range(PARENTS[1])))
            for n in range(PARENTS[0])
        ]
        shown = [
            replace(
                sample(n, None if n % 2 else "judged_no", text[:TEXT_LETTERS]),
                code=f"# {text}"[:CODE_LETTERS],
                parents=tuple(replace(one, instruction=text[:RELATIVE_LETTERS]) for one in parents),
            )
            for n in range(120)
        ]
        made = page([replace(FIGURES, samples=shown, configuration=text * 100)])
        assert made.count("<article") == 120
        assert MAX_BYTES / 4 < len(made.encode()) < MAX_BYTES


def test_lines_have_gaps_and_intervals() -> None:
    points = [Point(0.5, 0.4, 0.8), Point(0.4, 0.4, 0.4), None, Point(0.0, 0.0, 0.0)]
    chart = lines("t", "x", {"a": points}, ["1", "2", "3", "4"], "generation")
    places = re.findall(r'<circle class="c0" cx="([\d.]+)" cy="([\d.]+)"', chart.drawing)
    assert places == [("54.0", "73.8"), ("266.0", "95.0"), ("690.0", "180.0")]
    assert len(re.findall('<line class="line c0"', chart.drawing)) == 1 + 3  # between two neighbours, and intervals
    assert [row[1] for row in chart.table.rows] == ["0.500", "0.400", "-", "0.000"]


def test_texts_are_cut_where_a_page_would_be_too_large_and_names_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    def cut_at(*samples: str) -> str:
        made = page([replace(FIGURES, samples=[sample(n, None, text) for n, text in enumerate(samples)])])
        return re.findall(r"Texts are cut at (\S+) letters, code at (\S+)\.", made)[0]

    assert cut_at("short") == ("2,000", "3,000")
    monkeypatch.setattr("genetic_udfs.reporting.report.page.MAX_BYTES", 80_000)
    assert cut_at(*['"' * TEXT_LETTERS] * 5) == ("1,000", "1,500")
    assert cut_at(*['"' * TEXT_LETTERS] * 12) == ("250", "375")
    with pytest.raises(StoreError, match=r"/data/<store>: the report would have 0.1 MB, of 0.08 at most"):
        page([replace(FIGURES, models=[("coder", "m" * 60_000, 1)])])


def test_code_is_highlighted_as_its_language() -> None:
    assert code("int f(int a) {}", "java") == (
        '<span class="kt">int</span><span class="w"> </span><span class="nf">f</span><span class="p">(</span>'
        '<span class="kt">int</span><span class="w"> </span><span class="n">a</span><span class="p">)</span>'
        '<span class="w"> </span><span class="p">{}</span>\n'
    )
    assert code("def f(): <b>", None) == code("def f(): <b>", "no language") == "def f(): &lt;b&gt;\n"


def test_parents_that_are_not_shown_are_counted() -> None:
    text = page([FIGURES])
    assert text.count("<summary>Parents (29 more are not shown)</summary>") == 10
    assert text.count("(parents not shown: 2)") == 10


def test_charts_hold_more_series_than_colours_and_nothing_at_all() -> None:
    rows = {"one": {"accepted": 1, **{f"reason {n}": 20 - n for n in range(12)}}}
    chart = stacked("t", "x", rows, "generation")
    assert (len(chart.legend), chart.legend[0], chart.legend[-1]) == (MAX_SERIES, "accepted", "6 others")
    assert len(chart.table.headings) == 14
    widths = [float(width) for width in re.findall(r' width="([\d.]+)"', str(chart.drawing))]
    assert sum(widths) == pytest.approx(700 - 230 - 120, abs=1)
    for empty in (
        bars("t", "x", {}, {}, "role"),
        bars("t", "x", {"a": 0}, {"a": "0"}, "role"),
        stacked("t", "x", {"a": {}}, "g"),
        histogram("t", "x", {"a": [0] * 20}, "fitness"),
        lines("t", "x", {"a": [None]}, ["1"], "generation"),
        lines("t", "x", {}, [], "generation"),
    ):
        assert "<rect" not in empty.drawing and "<circle" not in empty.drawing
    assert HOSTILE not in bars("t", HOSTILE, {HOSTILE: 1}, {HOSTILE: HOSTILE}, "role").drawing
