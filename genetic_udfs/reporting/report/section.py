"""What a part of the report is made of."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from genetic_udfs.reporting.report.charts import Chart, Table

# Generations that tables and charts show; of more, the last.
GENERATIONS: Final = 40


@dataclass(frozen=True)
class Section:
    """A part of the report, under a heading: sentences, then charts, then tables with their titles."""

    id: str
    heading: str
    texts: Sequence[str] = ()
    charts: Sequence[Chart] = ()
    tables: Sequence[tuple[str, Table]] = ()
