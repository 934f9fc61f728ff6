"""What an option may be where it is one of a few words. Nothing heavy is imported here: command lines read it."""

from enum import StrEnum


class Format(StrEnum):
    """How the rows of a query are printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"


class TableFormat(StrEnum):
    """How a table is written."""

    DELTA = "delta"
    PARQUET = "parquet"


class Benchmark(StrEnum):
    """What an engine can be measured by."""

    HUMAN_EVAL = "humaneval"
    MBPP = "mbpp"
