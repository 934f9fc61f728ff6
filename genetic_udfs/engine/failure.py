"""How an `EngineError` raised in a Spark worker reaches the driver in one piece.

Spark turns a worker's exception into text in the middle of two stack traces, one of Python and one of Java.
The message travels between two marks, so that the driver can find it again.
"""

import re
from typing import Final

from genetic_udfs.errors import EngineError

_BEGIN: Final = "<engine-error>"
_END: Final = "</engine-error>"
_MARKED: Final = re.compile(f"{_BEGIN}(.*?){_END}", re.DOTALL)
# Before it Spark says where the task ran; with a local master on the executor `driver`, which goes without saying.
_PLACE: Final = re.compile(r"\(TID \d+\) \((\S+) executor (?!driver)(\S+?)\)")


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
            place = _PLACE.search(str(seen))
            where = f" (on {place[1]}, executor {place[2]})" if place else ""
            return EngineError(f"{first}{where}{newline}{rest}")
        if isinstance(seen, EngineError):
            return seen
        seen = seen.__cause__ or seen.__context__
    return None
