"""Charts as SVG: bars, stacked bars and lines, each with a sentence and its table, in colours of the page's style.

They need no script, follow light and dark, and read out as the table beside them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

from markupsafe import Markup

# Of the drawing, in its own units; it scales with the page.
_WIDTH: Final = 700
_LABEL: Final = 230
_VALUE: Final = 120
_ROW: Final = 26
_BAR: Final = 16
_COLUMNS: Final = 180  # height of upright bars, and of lines
_AXIS: Final = 44  # what the values of lines are written in
_LABELS: Final = 10  # written below lines
MAX_SERIES: Final = 8
_LABEL_LETTERS: Final = 30


@dataclass(frozen=True)
class Table:
    """The figures of a chart: the headings, and the cells of each row, texts all."""

    headings: Sequence[str]
    rows: Sequence[Sequence[str]]


@dataclass(frozen=True)
class Chart:
    """A drawing, what it shows in a sentence, its table, and the names of its colours in their order."""

    title: str
    text: str
    drawing: Markup
    table: Table
    legend: Sequence[str] = ()


class Point(NamedTuple):
    """A value, and the ends of its interval."""

    value: float
    low: float
    high: float


def bars(title: str, text: str, values: Mapping[str, float], shown: Mapping[str, str], heading: str) -> Chart:
    """Return horizontal bars.

    Args:
        title: of the chart.
        text: what it shows.
        values: by label; none is negative.
        shown: the value as it is written, by label.
        heading: what the labels are.
    """
    top = max(values.values(), default=0.0) or 1.0
    parts = []
    for place, (label, value) in enumerate(values.items()):
        parts.append(_row(place, label, [(0, value / top)], shown[label]))
    drawing = _drawing(title, text, len(values) * _ROW, parts)
    return Chart(title, text, drawing, Table((heading, "value"), [(label, shown[label]) for label in values]))


def stacked(title: str, text: str, rows: Mapping[str, Mapping[str, int]], heading: str) -> Chart:
    """Return horizontal bars of equal length, each split by its shares.

    Args:
        title: of the chart.
        text: what it shows.
        rows: counts by series, by label. Of more series than there are colours the smallest are one.
        heading: what the labels are.
    """
    totals: dict[str, int] = {}
    for counts in rows.values():
        for series, count in counts.items():
            totals[series] = totals.get(series, 0) + count
    first = next(iter(totals), None)  # has the first colour whatever its size
    order = sorted(totals, key=lambda series: (series != first, -totals[series], series))
    rest = len(order) - MAX_SERIES + 1
    colours = order if len(order) <= MAX_SERIES else [*order[: MAX_SERIES - 1], f"{rest} others"]
    parts = []
    for place, (label, counts) in enumerate(rows.items()):
        total = sum(counts.values()) or 1
        shares = [counts.get(series, 0) / total for series in order]
        if len(order) > MAX_SERIES:
            shares = [*shares[: MAX_SERIES - 1], sum(shares[MAX_SERIES - 1 :])]
        parts.append(_row(place, label, list(enumerate(shares)), f"{sum(counts.values()):,}"))
    table = Table(
        (heading, *order),
        [(label, *(f"{counts.get(series, 0):,}" for series in order)) for label, counts in rows.items()],
    )
    return Chart(title, text, _drawing(title, text, len(rows) * _ROW, parts), table, colours)


def histogram(title: str, text: str, series: Mapping[str, Sequence[int]], heading: str) -> Chart:
    """Return upright bars of counts over the interval from 0 to 1, those of each series upon each other.

    Args:
        title: of the chart.
        text: what it shows.
        series: counts by bin, by the name of the series; all have as many bins.
        heading: what is counted over.
    """
    bins = len(next(iter(series.values())))
    heights = [sum(counts[at] for counts in series.values()) for at in range(bins)]
    top, width = max(heights) or 1, _WIDTH / bins
    parts = []
    for at in range(bins):
        base = float(_COLUMNS)
        for colour, counts in enumerate(series.values()):
            height = counts[at] / top * (_COLUMNS - 20)
            base -= height
            parts.append(_rectangle(colour, at * width + 1, base, width - 2, height))
        if heights[at]:
            middle = at * width + width / 2
            parts.append(
                Markup('<text x="{:.1f}" y="{:.1f}" class="tick mid">{}</text>').format(
                    middle, base - 4, _short(heights[at])
                )
            )
    for at in range(0, bins + 1, bins // 4 or 1):
        anchor = "start" if at == 0 else "end" if at == bins else "mid"
        parts.append(
            Markup('<text x="{:.1f}" y="{}" class="tick {}">{:g}</text>').format(
                at * width, _COLUMNS + 16, anchor, at / bins
            )
        )
    rows = [
        (f"{at / bins:g} to {(at + 1) / bins:g}", *(f"{counts[at]:,}" for counts in series.values()))
        for at in range(bins)
    ]
    drawing = _drawing(title, text, _COLUMNS + 20, parts)
    legend = list(series) if len(series) > 1 else ()
    return Chart(title, text, drawing, Table((heading, *series), rows), legend)


def lines(
    title: str, text: str, series: Mapping[str, Sequence[Point | None]], labels: Sequence[str], heading: str
) -> Chart:
    """Return a line for each series, from 0 to the highest value, with an upright bar for each interval.

    Args:
        title: of the chart.
        text: what it shows.
        series: points by the name of the series, one for each label; None is a gap.
        labels: in their order.
        heading: what the labels are.
    """
    top = max((point.high for points in series.values() for point in points if point), default=0.0) or 1.0
    step = (_WIDTH - _AXIS - 20) / max(len(labels) - 1, 1)
    parts = [_scale(top), _labels(labels, step)]
    for colour, points in enumerate(series.values()):
        places = [
            point and (_AXIS + 10 + at * step, *(_COLUMNS - value / top * (_COLUMNS - 10) for value in point))
            for at, point in enumerate(points)
        ]
        for before, after in pairwise(places):
            if before and after:
                parts.append(_line(f"line c{colour}", before[0], before[1], after[0], after[1]))
        for place in filter(None, places):
            parts.append(_line(f"line c{colour}", place[0], place[2], place[0], place[3]))
            parts.append(Markup('<circle class="c{}" cx="{:.1f}" cy="{:.1f}" r="4"/>').format(colour, *place[:2]))
    rows = [
        (label, *(f"{point.value:.3f}" if point else "-" for point in points))
        for label, *points in zip(labels, *series.values(), strict=True)
    ]
    drawing = _drawing(title, text, _COLUMNS + 20, parts)
    return Chart(title, text, drawing, Table((heading, *series), rows), list(series))


def _scale(top: float) -> Markup:
    """Draw three lines across, with the values that they stand for."""
    parts = []
    for value in (0.0, top / 2, top):
        y = _COLUMNS - value / top * (_COLUMNS - 10)
        parts.append(_line("grid", _AXIS, y, _WIDTH, y))
        parts.append(Markup('<text x="{}" y="{:.1f}" class="tick end">{:.2f}</text>').format(_AXIS - 6, y + 4, value))
    return Markup("").join(parts)


def _labels(labels: Sequence[str], step: float) -> Markup:
    """Write labels below lines, as many as there is room for."""
    parts = []
    for at in range(0, len(labels), -(-len(labels) // _LABELS) or 1):
        parts.append(
            Markup('<text x="{:.1f}" y="{}" class="tick mid">{}</text>').format(
                _AXIS + 10 + at * step, _COLUMNS + 16, _cut(labels[at])
            )
        )
    return Markup("").join(parts)


def _line(style: str, x1: float, y1: float, x2: float, y2: float) -> Markup:
    return Markup('<line class="{}" x1="{:.1f}" y1="{:.1f}" x2="{:.1f}" y2="{:.1f}"/>').format(style, x1, y1, x2, y2)


def _row(place: int, label: str, shares: Sequence[tuple[int, float]], shown: str) -> Markup:
    """Draw a bar of parts, each a colour and a share of the width, between its label and its value."""
    y, room = place * _ROW, _WIDTH - _LABEL - _VALUE
    parts = [Markup('<text x="{}" y="{}" class="end">{}</text>').format(_LABEL - 8, y + 17, _cut(label))]
    x = float(_LABEL)
    for colour, share in shares:
        parts.append(_rectangle(colour, x, y + 5, share * room, _BAR))
        x += share * room
    parts.append(Markup('<text x="{:.1f}" y="{}">{}</text>').format(x + 8, y + 17, shown))
    return Markup("").join(parts)


def _rectangle(colour: int, x: float, y: float, width: float, height: float) -> Markup:
    if width <= 0 or height <= 0:
        return Markup("")
    return Markup('<rect class="c{}" x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
        colour, x, y, width, height
    )


def _drawing(title: str, text: str, height: int, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {}" role="img" aria-label="{}">{}</svg>').format(
        _WIDTH, height + 4, f"{title}. {text}", Markup("").join(parts)
    )


def _cut(label: str) -> str:
    return label if len(label) <= _LABEL_LETTERS else f"{label[: _LABEL_LETTERS - 1]}…"


def _short(number: int) -> str:
    for size, unit in ((1_000_000, "M"), (1_000, "k")):
        if number >= size:
            return f"{number / size:.3g}{unit}"
    return str(number)
