"""How a role samples: the engine's settings, and what of them is part of a request's identity."""

import json
from collections.abc import Mapping
from typing import Any

from genetic_udfs.config import RoleSettings
from genetic_udfs.engine.chat_completion import MAX_TOP_LOGPROBS, Sampling


def sampling_of(settings: RoleSettings, *, is_scored: bool = False) -> Sampling:
    """Return how an engine samples, with the log-probabilities that `yes_probability` reads if it is scored."""
    return Sampling(top_logprobs=MAX_TOP_LOGPROBS if is_scored else 0, **settings.sampling())


def sampling_key(settings: RoleSettings) -> str:
    """Return how a role samples, as it stands in the ledger and in the identity of a request."""
    sampling = settings.sampling()
    if settings.extra is not None:
        sampling["extra"] = _sorted(settings.extra)
    return json.dumps(sampling)


def _sorted(fields: Mapping[str, Any]) -> Any:
    """Return fields of a request in the order of their names, at any depth: how they are written says nothing."""
    as_sent = json.loads(json.dumps(fields))  # whose names are all texts
    return json.loads(json.dumps(as_sent, sort_keys=True))
