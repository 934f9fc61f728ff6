"""The report as one HTML page below 5 MB: styles and script inlined, texts of models escaped, nothing fetched."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from importlib.resources import files
from typing import Final

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

from genetic_udfs.data.text import printable
from genetic_udfs.errors import StoreError
from genetic_udfs.reporting.report.charts import Table
from genetic_udfs.reporting.report.figures import (
    CODE_LETTERS,
    CONFIGURATION_LETTERS,
    RELATIVE_LETTERS,
    TEXT_LETTERS,
    Relative,
    Sample,
    StoreFigures,
)
from genetic_udfs.reporting.report.section import Section
from genetic_udfs.reporting.report.sections import sections, sentence

MAX_BYTES: Final = 5_000_000
GENERATOR: Final = '<meta name="generator" content="genetic-udfs report">'
# Markup of highlighted code may be many times the code; beyond this it is shown plain.
_MAX_HIGHLIGHTED: Final = 16_000
# What is left of the longest texts, tried one after another until the page is small enough.
_SHARES: Final = (1.0, 0.5, 0.25, 0.125)
_LETTERS: Final = "AB"  # of stores


@dataclass(frozen=True)
class Panel:
    """A store in the page: its figures, the sentence on it and its sections."""

    store: StoreFigures
    sentence: str
    sections: Sequence[Section]


def page(stores: Sequence[StoreFigures], shared: Table | None = None) -> str:
    """Return the report of a store, or of two side by side; long texts are cut until it is below `MAX_BYTES`.

    Args:
        stores: the figures.
        shared: of two stores, what is compared of them.

    Raises:
        StoreError: if it is not, however short they are.
    """
    size = 0
    for kept in _SHARES:
        text = _rendered([_shortened(store, kept) for store in stores], shared, kept)
        if (size := len(text.encode())) < MAX_BYTES:
            return text
    roots = " and ".join(store.root for store in stores)
    raise StoreError(
        f"{roots}: the report would have {size / 1e6:.1f} MB, of {MAX_BYTES / 1e6:g} at most, with all texts of"
        " candidates cut short: the names of operators, models or test items are too long; jobs/sql.py reads the tables"
    )


def _rendered(stores: Sequence[StoreFigures], shared: Table | None, kept: float) -> str:
    """Return the page; `kept` is the share of the longest texts that it shows."""
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
        filters=_filters(samples),
        letters=_LETTERS,
        lengths=(f"{round(TEXT_LETTERS * kept):,}", f"{round(CODE_LETTERS * kept):,}"),
    )


def _shortened(store: StoreFigures, kept: float) -> StoreFigures:
    """Return figures whose texts are cut at a share of their usual bounds."""
    texts, codes, of_relatives = (round(most * kept) for most in (TEXT_LETTERS, CODE_LETTERS, RELATIVE_LETTERS))

    def cut(one: Relative) -> Relative:
        return replace(one, instruction=one.instruction[:of_relatives], parents=tuple(map(cut, one.parents)))

    samples = [
        replace(
            sample,
            detail=sample.detail and sample.detail[:texts],
            instruction=sample.instruction[:texts],
            code=sample.code[:codes],
            parents=tuple(map(cut, sample.parents)),
        )
        for sample in store.samples
    ]
    return replace(store, configuration=store.configuration[: round(CONFIGURATION_LETTERS * kept)], samples=samples)


def code(text: str, language: str | None) -> Markup:
    """Return code as highlighted markup, if its language is known; it is escaped in any case."""
    cleaned = printable(text)
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False)
    except ClassNotFound:
        lexer = get_lexer_by_name("text", stripnl=False)
    marked: str = highlight(cleaned, lexer, HtmlFormatter(nowrap=True))
    return Markup(marked) if len(marked) <= _MAX_HIGHLIGHTED else escape(cleaned)


def _highlighting() -> str:
    """Return the styles of highlighted code, for light and for dark."""
    light, dark = (HtmlFormatter(style=style).get_style_defs("pre.code") for style in ("default", "github-dark"))
    return f"\n{light}\n@media screen and (prefers-color-scheme: dark) {{\n{dark}\n}}\n"


def _filters(drawn: Sequence[tuple[int, Sample]]) -> list[tuple[str, str, list[str]]]:
    """Return what the drawn candidates of stores can be filtered by: the attribute, its name, and its values."""
    stores, samples = sorted({_LETTERS[number] for number, _ in drawn}), [sample for _, sample in drawn]
    values = {
        "store": stores if len(stores) > 1 else [],
        "end": sorted({"accepted" if sample.reason is None else sample.reason for sample in samples}),
        "operator": sorted({sample.operator for sample in samples}),
        "task": sorted({sample.task for sample in samples if sample.task is not None}),
        "generation": list(map(str, sorted({sample.generation for sample in samples}))),
    }
    names = {"end": "accepted, or the reason"}
    return [(attribute, names.get(attribute, attribute), found) for attribute, found in values.items() if found]
