"""All that an error of Spark's says, with the trace, in which alone a failed task's cause may stand."""


def text_of(error: BaseException) -> str:
    """Return an error's message and its Java trace; where the JVM that knows them is gone, what py4j says of that."""
    try:
        return f"{error}\n{getattr(error, '_stackTrace', None) or ''}"
    except Exception as failed:
        return type(failed).__name__ if "Py4J" not in type(failed).__name__ else "Answer from Java side is empty"
