"""Draws the candidates that a report shows, and finds their parents and these parents' parents."""

from collections.abc import Mapping, Sequence
from typing import Any

from pyspark.sql import DataFrame, Row
from pyspark.sql import functions as F

from genetic_udfs.config import PYTHON
from genetic_udfs.reporting.labels import operator_label
from genetic_udfs.reporting.report.figures import (
    CODE_LETTERS,
    PARENTS,
    RELATIVE_LETTERS,
    TEXT_LETTERS,
    Relative,
    Sample,
)
from genetic_udfs.store.schema import ACCEPTED


def drawn_samples(population: DataFrame, candidates: DataFrame, number: int) -> list[Sample]:
    """Return so many accepted pairs and rejected candidates, the same of the same store: by a hash of their ids.

    Args:
        population: where their parents are.
        candidates: of which they are drawn.
        number: of each kind.
    """
    code = F.coalesce("code", "raw_reply", "response")
    language = F.when(F.col("code").isNotNull(), F.coalesce("language", F.lit(PYTHON))).alias("language")
    shown = candidates.select(
        *("id", "generation", "operator", "task", "reason", "fitness", "pass_rate", "parents", "status"),
        F.substring("detail", 1, TEXT_LETTERS).alias("detail"),
        F.substring("instruction", 1, TEXT_LETTERS).alias("instruction"),
        F.substring(code, 1, CODE_LETTERS).alias("code"),
        language,
    )
    drawn: list[Row] = []
    for is_drawn in (F.col("status") == ACCEPTED, F.col("status") != ACCEPTED):
        drawn += shown.filter(is_drawn).orderBy(F.xxhash64("id"), "id").limit(number).collect()
    relatives = _relatives(population, drawn)
    return [_sample(row, relatives) for row in drawn]


def _sample(row: Row, relatives: Mapping[str, Any]) -> Sample:
    parents, not_shown = _parents(relatives, row["parents"] or [], PARENTS)
    return Sample(
        id=row["id"],
        generation=row["generation"],
        operator=row["operator"],
        task=row["task"],
        reason=row["reason"],
        detail=row["detail"],
        fitness=row["fitness"],
        pass_rate=row["pass_rate"],
        instruction=row["instruction"] or "",
        code=row["code"] or "",
        language=row["language"],
        parents=parents,
        not_shown=not_shown,
    )


def _relatives(population: DataFrame, drawn: Sequence[Row]) -> dict[str, Any]:
    """Return, by id, the parents of the drawn candidates and these parents' parents, as many as are shown."""
    found: dict[str, Any] = {}
    children: Sequence[Row] = drawn
    for most in PARENTS:
        wanted = {parent for row in children for parent in (row["parents"] or [])[:most]}
        ids = [(id_,) for id_ in sorted(wanted - found.keys())]
        if not ids:
            break
        named = F.broadcast(population.sparkSession.createDataFrame(ids, "id string"))
        rows = population.join(named, "id", "left_semi").select(
            *("id", "generation", "operator", "task", "parents"),
            F.substring("instruction", 1, RELATIVE_LETTERS).alias("instruction"),
        )
        children = rows.collect()
        found |= {row["id"]: row for row in children}
    return found


def _parents(
    rows: Mapping[str, Any], parents: Sequence[str], levels: Sequence[int]
) -> tuple[tuple[Relative, ...], int]:
    """Return the first parents, so many on each of the levels above, and how many more there are."""
    shown = [parent for parent in parents[: levels[0]] if parent in rows] if levels else []
    return tuple(_relative(rows, parent, levels[1:]) for parent in shown), len(parents) - len(shown)


def _relative(rows: Mapping[str, Any], id_: str, levels: Sequence[int]) -> Relative:
    row = rows[id_]
    parents, not_shown = _parents(rows, row["parents"] or [], levels)
    return Relative(
        id=id_,
        generation=row["generation"],
        made_by=operator_label(row["operator"], row["task"]),
        instruction=row["instruction"] or "",
        parents=parents,
        not_shown=not_shown,
    )
