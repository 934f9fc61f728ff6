"""What keeps a store from being written to, in the user's terms instead of a trace of Spark's."""

import contextlib
import re
from collections.abc import Iterator
from typing import Final

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.error_text import text_of
from genetic_udfs.store.table_errors import DENIED, FAILED_READ

_CAUSES: Final = {
    r"No space left on device|Disk quota exceeded": "the disk is full; make room",
    r"Read-only file system": "it is read-only; make it writable",
    DENIED.pattern: "this user may not write there; change its permissions",
}


def write_error_in(error: BaseException, root: str) -> StoreError | None:
    """Return the error to show if a store could not be written to.

    Args:
        error: what Spark, or the store's lease, raised.
        root: the store.
    """
    remedy = remedy_in(error)
    if remedy is None:
        return None
    return StoreError(
        f"store: {root} cannot be written to: {remedy}, and start again (it may also be the disk of Spark's"
        " spark.local.dir). All that was committed is there, and the run goes on from it"
    )


def remedy_in(error: BaseException) -> str | None:
    """Return what to do about an error that says that something cannot be written; None for any other error.

    A file that may not be read says "Permission denied", too; it is `table_errors`'.
    """
    text = text_of(error)
    if FAILED_READ.search(text) is not None:
        return None
    return next((remedy for pattern, remedy in _CAUSES.items() if re.search(pattern, text)), None)


@contextlib.contextmanager
def translate_write_errors(root: str) -> Iterator[None]:
    """Raise a `StoreError` for what goes wrong in the body because the store cannot be written to."""
    try:
        yield
    except Exception as error:
        raise write_error_in(error, root) or error from None
