"""How a role samples: the engine's settings, and what of them is part of a request's identity."""

import json
from typing import Final

from genetic_udfs.config import RoleSettings
from genetic_udfs.engine.chat_completion import MAX_TOP_LOGPROBS, Sampling

# What of a role's settings decides on a reply, beside the prompt.
_SAMPLING: Final = set(RoleSettings.model_fields) - {"engine"}


def sampling_of(settings: RoleSettings, *, is_scored: bool = False) -> Sampling:
    """Return how an engine samples, with the log-probabilities that `yes_probability` reads if it is scored."""
    return Sampling(
        temperature=settings.temperature,
        top_p=settings.top_p,
        max_tokens=settings.max_tokens,
        top_logprobs=MAX_TOP_LOGPROBS if is_scored else 0,
        regex=settings.regex,
        prefill=settings.prefill,
    )


def sampling_key(settings: RoleSettings) -> str:
    """Return how a role samples, as it stands in the ledger and in the identity of a request.

    A prefill that is not set is left out: requests of earlier stores keep their identity.
    """
    given = settings.model_dump(include=_SAMPLING)
    return json.dumps({key: value for key, value in given.items() if key != "prefill" or value is not None})
