"""How an `EngineError` raised in a Spark worker reaches the driver in one piece.

Spark turns a worker's exception into text in the middle of two stack traces, one of Python and one of Java.
The message travels between two marks, so that the driver can find it again.
"""

import re
from typing import Final

from genetic_udfs.errors import EngineError
from genetic_udfs.runtime.cluster_errors import TASK_PLACE

_BEGIN: Final = "<engine-error>"
_END: Final = "</engine-error>"
_MARKED: Final = re.compile(f"{_BEGIN}(.*?){_END}", re.DOTALL)


def marked(error: EngineError) -> EngineError:
    """Return an error to raise in a Spark worker, whose message `engine_error_in` can recover."""
    return EngineError(f"{_BEGIN}{error}{_END}")


def engine_error_in(exception: BaseException) -> EngineError | None:
    """Return the `EngineError` that made a Spark job fail; None if there is none.

    It has its own message only, and on a cluster the host at the end of its first line.

    Args:
        exception: What an action raised on the driver.
    """
    seen: BaseException | None = exception
    while seen is not None:
        if found := _MARKED.search(str(seen)):
            first, newline, rest = found.group(1).partition("\n")
            place = TASK_PLACE.search(str(seen))
            # With a local master the executor is the driver, which goes without saying.
            where = "" if place is None or place[2] == "driver" else f" (on {place[1]}, executor {place[2]})"
            return EngineError(f"{first}{where}{newline}{rest}")
        if isinstance(seen, EngineError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
