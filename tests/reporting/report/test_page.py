"""The report's page from figures that are written down: what it says, that it is bounded, and that texts are texts."""

import re
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from genetic_udfs.reporting.amounts import duration
from genetic_udfs.reporting.report.charts import MAX_SERIES, Table, bars, histogram, stacked
from genetic_udfs.reporting.report.page import MAX_BYTES, page
from genetic_udfs.reporting.report.sections import sections, sentence
from tests.reporting.report.figures import FIGURES, HOSTILE, OTHER, sample


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
    assert [duration(s) for s in (4.4, 61, 7260, 90_000)] == ["4 s", "1 min 1 s", "2 h 1 min", "1 d 1 h"]


def test_every_figure_is_said() -> None:
    of = {section.id: section for section in sections(FIGURES)}
    assert list(of) == ["acceptance", "operators", "fitness", "costs", "duplicates", "diversity", "shape", "seeds"]
    assert "most frequent reason to reject one is judged_no: 86% of them" in of["acceptance"].charts[0].text
    assert of["acceptance"].charts[0].table.rows[0] == ("generation 1", "4", "6", "0")
    assert of["acceptance"].texts == ["Generations that fell short of their samples: 1 by 2."]
    assert ("mutation: reasoning", "10", "4", "40%", "0.90") in of["operators"].tables[0][1].rows
    assert of["costs"].tables[0][1].rows[0] == ("coder", "10", "1", "1,000", "500", "10 s", "50", "188", "1.50")
    assert of["costs"].tables[1][1].rows == [("1", "coder", "2", "31 of 64", "50", "25%")]
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
    without = next(s for s in sections(replace(FIGURES, diversity=FIGURES.diversity[:1])) if s.id == "diversity")
    assert without.texts[1] == "There was no model to embed instructions, so no distances."
    assert of["shape"].tables[0][1].rows[1] == ("2", "25", "50", "120", "350")
    assert of["seeds"].tables[0][1].rows[0][2:] == ("9", "6", "67%")
    unrated = {section.id: section for section in sections(replace(FIGURES, fitness={True: [0], False: [0]}))}
    assert unrated["fitness"].texts and not unrated["fitness"].charts


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
    assert len(drawings) == 6 and all(drawings)
    text = page([FIGURES])
    assert text.count("<figure>") == text.count("<summary>Table: ") == 6
    levels = [int(tag[1]) for tag, _ in found.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))


def test_two_stores_are_side_by_side() -> None:
    text = page([FIGURES, OTHER], Table(("", "A", "B"), [("pairs", "8", "8")]))
    ids = [attributes["id"] for _, attributes in read(text).elements if "id" in attributes]
    assert len(ids) == len(set(ids)) and {"shared", "acceptance-0", "acceptance-1"} <= set(ids)
    assert text.count("<article") == 11


def test_a_page_is_bounded_whatever_its_texts_are() -> None:
    for text in ("<" * 3000, "+ " * 1500, "&'\"" * 1000, "\U0001d54f" * 3000):
        shown = [sample(n, None if n % 2 else "judged_no", text[:2000]) for n in range(120)]
        assert len(page([replace(FIGURES, samples=shown)]).encode()) < MAX_BYTES


def test_charts_hold_more_series_than_colours_and_nothing_at_all() -> None:
    rows = {"one": {"accepted": 1, **{f"reason {n}": 20 - n for n in range(12)}}}
    chart = stacked("t", "x", rows, "generation")
    assert (len(chart.legend), chart.legend[0], chart.legend[-1]) == (MAX_SERIES, "accepted", "other")
    assert len(chart.table.headings) == 14
    widths = [float(width) for width in re.findall(r' width="([\d.]+)"', str(chart.drawing))]
    assert sum(widths) == pytest.approx(700 - 230 - 120, abs=1)
    for empty in (
        bars("t", "x", {}, {}, "role"),
        bars("t", "x", {"a": 0}, {"a": "0"}, "role"),
        stacked("t", "x", {"a": {}}, "g"),
        histogram("t", "x", {"a": [0] * 20}, "fitness"),
    ):
        assert "<rect" not in empty.drawing
    assert HOSTILE not in bars("t", HOSTILE, {HOSTILE: 1}, {HOSTILE: HOSTILE}, "role").drawing
