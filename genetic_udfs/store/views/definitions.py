"""Which views and functions there are, which tables each reads, and the statements that make them."""

from collections.abc import Collection
from importlib.resources import files
from typing import Final

from genetic_udfs.store.schema import CANDIDATES, GENERATIONS, POPULATION, REPLIES, REPLIES_SCHEMA, VERDICTS

# In an order in which each finds what it reads.
TABLES_READ: Final[dict[str, tuple[str, ...]]] = {
    "ancestry": (POPULATION,),
    "descendants": (POPULATION,),
    "ancestors_of": (POPULATION,),
    "descendants_of": (POPULATION,),
    "rejections": (CANDIDATES,),
    "costs": (REPLIES, POPULATION),
    "by_operator": (CANDIDATES,),
    "diversity": (GENERATIONS,),
    "judge_calibration": (CANDIDATES,),
    "rejudge_calibration": (VERDICTS, CANDIDATES),
}


_OF_REPLIES: Final = "FROM replies\n"


def statements(
    tables: Collection[str], wanted: Collection[str], *, temporary: bool, lacking: Collection[str] = ()
) -> list[str]:
    """Return the SQL that makes the views and functions.

    Args:
        tables: the tables that exist; what reads another is left out.
        wanted: the views and functions that are made if their tables exist.
        temporary: whether the views are the session's own, or stay in the current schema. Functions are always the
            session's: a permanent one would look for its tables in the schema of whoever calls it.
        lacking: columns that `replies` of an older version have not: they are null.
    """
    made = []
    for name, read in TABLES_READ.items():
        if name in wanted and set(read) <= set(tables):
            text = files(__package__).joinpath(f"{name}.sql").read_text(encoding="utf-8")
            if lacking:
                types = {column: REPLIES_SCHEMA[column].dataType.simpleString() for column in sorted(lacking)}
                nulls = "".join(f", CAST(NULL AS {type_}) AS {column}" for column, type_ in types.items())
                text = text.replace(_OF_REPLIES, f"FROM (SELECT *{nulls} FROM replies)\n")
            is_own = temporary or text.startswith("FUNCTION")
            made.append(f"CREATE OR REPLACE {'TEMPORARY ' if is_own else ''}{text}")
    return made
