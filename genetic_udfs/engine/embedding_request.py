"""What is asked of an engine that embeds, and the vector in its reply, as plain data."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from genetic_udfs.engine.chat_completion import Reply, encodable
from genetic_udfs.engine.response import whole_number
from genetic_udfs.engine.retry import is_too_long

PATH: Final = "embeddings"
_FORM: Final = np.dtype("<f4")  # what base64 holds, at OpenAI and at vLLM
_SHORTEST: Final = 64  # characters; what is refused of fewer is not refused for its length


def embedding_body(model: str, text: str) -> dict[str, Any]:
    """Return the body of a request for a text's vector; an empty one is sent as a space, as none may be."""
    return {"model": model, "input": encodable(text) or " ", "encoding_format": "base64"}


def shortened(text: str, status: int, refusal: str) -> str | None:
    """Return what to ask instead of a text that is refused for its length, its first half; None for other refusals."""
    is_long = status == 413 or (status in {400, 422, 500} and is_too_long(refusal))
    return text[: len(text) // 2] if is_long and len(text) >= 2 * _SHORTEST else None


def embedding_in(data: Any, *, seconds: float, attempt: int) -> Reply:
    """Return a reply whose text is the vector that an embeddings response holds, in base64.

    Args:
        data: The response's JSON; servers that do not know base64 give a list of numbers.
        seconds: Time from sending to the last byte.
        attempt: How many sendings it took.

    Raises:
        ValueError: The data is no embeddings response, or its vector has no direction.
    """
    try:
        given = data["data"][0]["embedding"]
        octets = base64.b64decode(given, validate=True) if isinstance(given, str) else _vector(given).tobytes()
        length = float(np.linalg.norm(np.frombuffer(octets, _FORM)))
        tokens = (data.get("usage") or {}).get("prompt_tokens")
    except (KeyError, IndexError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"not an embedding: {error!r}") from error
    if not 0 < length < np.inf:
        raise ValueError(f"not an embedding: a vector of length {length}")
    return Reply(
        text=base64.b64encode(octets).decode(),
        prompt_tokens=whole_number(tokens),
        sent_at=datetime.now(UTC) - timedelta(seconds=seconds),
        seconds=seconds,
        attempt=attempt,
    )


def _vector(numbers: Any) -> NDArray[np.float32]:
    vector = np.array(numbers, _FORM)
    if vector.ndim != 1:
        raise ValueError("a list of lists: vectors of tokens, which have to be pooled into one")
    return vector


def vector_in(text: str) -> NDArray[np.float32]:
    """Return the vector of a reply's text, with a length of one."""
    vector = np.frombuffer(base64.b64decode(text), _FORM)
    return vector / np.linalg.norm(vector)
