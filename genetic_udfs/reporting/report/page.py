"""The report as one HTML page: styles and script inlined, every text of a model's escaped, nothing fetched."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from genetic_udfs.data.text import printable
from genetic_udfs.reporting.report.charts import Table
from genetic_udfs.reporting.report.figures import Sample, StoreFigures
from genetic_udfs.reporting.report.sections import Section, sections, sentence

MAX_BYTES: Final = 5_000_000
GENERATOR: Final = '<meta name="generator" content="genetic-udfs report">'
# Markup of highlighted code may be many times the code; beyond this it is shown plain.
_MAX_HIGHLIGHTED: Final = 16_000


@dataclass(frozen=True)
class Panel:
    """A store in the page: its figures, the sentence on it and its sections."""

    store: StoreFigures
    sentence: str
    sections: Sequence[Section]


def page(stores: Sequence[StoreFigures], shared: Table | None = None) -> str:
    """Return the report of a store, or of two side by side.

    Args:
        stores: the figures.
        shared: of two stores, what is compared of them.
    """
    folder = files(__package__)
    style, script = ((folder / name).read_text(encoding="utf-8") for name in ("page.css", "page.js"))
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"clean": printable, "code": code}
    template = environment.from_string((folder / "page.html.j2").read_text(encoding="utf-8"))
    samples = [(number, sample) for number, store in enumerate(stores) for sample in store.samples]
    return template.render(
        generator=Markup(GENERATOR),
        style=Markup(style + _highlighting()),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        panels=[Panel(store, sentence(store), sections(store)) for store in stores],
        shared=shared,
        samples=samples,
        filters=_filters([sample for _, sample in samples]),
        letters="AB",
    )


def code(text: str) -> Markup:
    """Return code as highlighted markup; it is escaped in any case."""
    cleaned = printable(text)
    marked: str = highlight(cleaned, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    return Markup(marked) if len(marked) <= _MAX_HIGHLIGHTED else escape(cleaned)


def _highlighting() -> str:
    """Return the styles of highlighted code, for light and for dark."""
    light, dark = (HtmlFormatter(style=style).get_style_defs("pre.code") for style in ("default", "github-dark"))
    return f"\n{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _filters(samples: Sequence[Sample]) -> list[tuple[str, str, list[str]]]:
    """Return what the drawn candidates can be filtered by: the attribute, its name, and its values."""
    values = {
        "end": sorted({"accepted" if sample.reason is None else sample.reason for sample in samples}),
        "operator": sorted({sample.operator for sample in samples}),
        "task": sorted({sample.task for sample in samples if sample.task is not None}),
        "generation": list(map(str, sorted({sample.generation for sample in samples}))),
    }
    names = {"end": "accepted, or the reason", "operator": "operator", "task": "task", "generation": "generation"}
    return [(attribute, names[attribute], found) for attribute, found in values.items() if found]
