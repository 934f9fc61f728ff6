"""What is wrong with the files of a table, in the user's terms instead of a trace of Spark's."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from py4j.protocol import Py4JJavaError
from pyspark.errors import PySparkException

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.error_text import text_of

# Of a file that is there and may not be read Spark says that it does not exist, and Java that permission is denied.
FAILED_READ: Final = re.compile(r"FAILED_READ_FILE")
DENIED: Final = re.compile(r"Permission denied|AccessDenied|AccessControlException")
_MISSING_DATA: Final = re.compile(r"(?:FAILED_READ_FILE\.FILE_NOT_EXIST|DELTA_FILE_NOT_FOUND|FileNotFoundException)")
_MISSING_LOG: Final = re.compile(
    r"DELTA_(?:LOG_FILE_NOT_FOUND|MISSING_TRANSACTION_LOG|STATE_RECOVER_ERROR|VERSIONS_NOT_CONTIGUOUS|TRUNCATED_TRANSACTION"
    r"_LOG|MISSING_PART_FILES|NO_COMMITS_FOUND|EMPTY_DIRECTORY|MISSING_DELTA_TABLE)[A-Z_]*"
    r"|Did not get the (?:first|last) delta file version: \d+"
)
_DATA_FILE: Final = re.compile(r"(?:\w+:/+|/)[^\s'\"]+?\.(?:parquet|json)\b")


def table_error_in(error: BaseException, table: str = "") -> StoreError | None:
    """Return the error to show if files of a Delta table are the cause of one of Spark's.

    Args:
        error: what Spark raised.
        table: the path of the table that was read, if it is known; else it follows from that of the file.
    """
    text = text_of(error)
    if (found := _MISSING_LOG.search(text)) is not None:
        where = table or "a table of the store"
        return StoreError(
            f"{where}: files of its _delta_log are missing or damaged ({found[0]}); put the folder back as it was, from"
            " a backup: nothing else says which files are the table's"
        )
    if _MISSING_DATA.search(text) is None:
        return None
    file = found[0] if (found := _DATA_FILE.search(text)) is not None else "one of its files"
    where = table or file.rpartition("/")[0]
    if DENIED.search(text) is not None:
        if FAILED_READ.search(text) is None:
            return None  # it cannot be written
        return StoreError(
            f"{where}: this user may not read a file of this table: {file.rpartition('/')[2]}; change its permissions"
        )
    return StoreError(
        f"{where}: a file of this table is missing: {file.rpartition('/')[2]}; put it"
        " back from a backup. Versions that do not need it can be read; jobs/history.py CONFIG lists those that cannot"
    )


@contextlib.contextmanager
def translate_table_errors(table: str = "") -> Iterator[None]:
    """Raise a `StoreError` where the body fails because of files of a table; see `table_error_in`."""
    try:
        yield
    except (PySparkException, Py4JJavaError) as error:
        known = table_error_in(error, table)
        if known is None:
            raise
        raise known from None
