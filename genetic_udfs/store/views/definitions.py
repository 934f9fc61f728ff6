"""Which views and functions there are, what each reads, and the statements that make them."""

import re
from collections.abc import Collection, Mapping
from importlib.resources import files
from typing import Final

from pyspark.sql.types import StructType

from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, VERDICTS

# The tables and views that each reads, in an order in which it finds them.
TABLES_READ: Final[dict[str, tuple[str, ...]]] = {
    "ancestry": (POPULATION,),
    "descendants": ("ancestry", POPULATION),
    "ancestors_of": (POPULATION,),
    "descendants_of": (POPULATION,),
    "rejections": (CANDIDATES,),
    "costs": (REPLIES, POPULATION),
    "by_operator": (CANDIDATES,),
    "diversity": (GENERATIONS,),
    "judge_calibration": (CANDIDATES,),
    "rejudge_calibration": (VERDICTS, CANDIDATES),
}


def statements(
    tables: Collection[str], wanted: Collection[str], *, temporary: bool, older: Mapping[str, str] = {}
) -> list[str]:
    """Return the SQL that makes the views and functions.

    Args:
        tables: the tables that exist; what reads another is left out.
        wanted: the views and functions that are made if their tables exist.
        temporary: whether the views are the session's own, or stay in the current schema. Functions are always the
            session's: a permanent one would look for its tables in the schema of whoever calls it.
        older: what is selected of tables of an older version (`all_columns`).
    """
    made, there = [], set(tables)
    for name, read in TABLES_READ.items():
        if name in wanted and there.issuperset(read):
            there.add(name)
            text = files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
            for table in set(read) & set(older):
                text = re.sub(rf"\b(FROM|JOIN) {table}\b", rf"\1 (SELECT {older[table]} FROM {table})", text)
            is_own = temporary or text.startswith("FUNCTION")
            made.append(f"CREATE OR REPLACE {'TEMPORARY ' if is_own else ''}{text}")
    return made


def all_columns(schema: StructType, there: Collection[str]) -> str:
    """Return what SQL selects of a table for all columns of its schema: those that are not there are null.

    They are named one by one, so that a view that stays is right when the table gets the others.
    """
    return ", ".join(
        field.name if field.name in there else f"CAST(NULL AS {field.dataType.simpleString()}) AS {field.name}"
        for field in schema
    )
