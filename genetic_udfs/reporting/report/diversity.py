"""The report's part on how diverse each generation is, and how new."""

from collections.abc import Sequence

from genetic_udfs.reporting.amounts import format_number
from genetic_udfs.reporting.report.charts import Chart, Point, Table, lines
from genetic_udfs.reporting.report.figures import Distance, Diversity
from genetic_udfs.reporting.report.section import GENERATIONS, Section

_ID, _HEADING = "diversity", "Diversity and novelty"


def diversity_section(found: Sequence[Diversity]) -> Section:
    """Return the part; it is empty where nothing was measured."""
    if not found:
        return Section(_ID, _HEADING)
    texts = [
        f"Of up to {max(one.sample for one in found):,} instructions of each generation; generation 0 are the seeds."
        " Cosine distances between embeddings, to the nearest other of the sample and to the nearest of a sample of all"
        " earlier ones, with the interval of the mean by the bootstrap, and their 5th percentile; that of the share of"
        " distinct 3-grams is by the jackknife."
    ]
    if not any(one.model for one in found):
        texts.append("There was no model to embed instructions, so no distances.")
    shown = found[-GENERATIONS:]
    return Section(_ID, _HEADING, texts, [_chart(shown)], [("Diversity of each generation", _table(shown))])


def _chart(found: Sequence[Diversity]) -> Chart:
    series = {
        "distinct 3-grams": [_point(one.distinct_3, one.distinct_3_low, one.distinct_3_high) for one in found],
        "nearest other": [_mean(one.nearest_other) for one in found],
        "nearest earlier": [_mean(one.nearest_earlier) for one in found],
    }
    measured = {name: points for name, points in series.items() if any(points)}
    text = "The share of distinct 3-grams, and mean distances where a model could embed; bars are intervals of 95%."
    labels = [str(one.generation) for one in found]
    return lines("Diversity and novelty by generation", text, measured, labels, "generation")


def _point(value: float | None, low: float | None, high: float | None) -> Point | None:
    if value is None:
        return None
    return Point(value, value if low is None else low, value if high is None else high)


def _mean(found: Distance | None) -> Point | None:
    return None if found is None else Point(found.mean, found.low, found.high)


def _table(found: Sequence[Diversity]) -> Table:
    headings = ("generation", "distinct 3-grams", "nearest other", "5%", "nearest earlier", "5%")
    descent = ("seeds' topics with descendants", "Gini of offspring by seed", "entropy of lineages, bits")
    rows = [
        (
            str(one.generation),
            _share(one.distinct_3, one.distinct_3_low, one.distinct_3_high),
            *_distance(one.nearest_other),
            *_distance(one.nearest_earlier),
            format_number(one.topics, ".0%"),
            format_number(one.gini, ".2f"),
            format_number(one.lineage_entropy, ".1f"),
        )
        for one in found
    ]
    return Table((*headings, *descent), rows)


def _share(share: float | None, low: float | None, high: float | None) -> str:
    said = format_number(share, ".1%")
    return said if low is None or high is None else f"{said} ({low:.1%} to {high:.1%})"


def _distance(found: Distance | None) -> tuple[str, str]:
    if found is None:
        return "-", "-"
    return f"{found.mean:.3f} ({found.low:.3f} to {found.high:.3f})", f"{found.p5:.3f}"
