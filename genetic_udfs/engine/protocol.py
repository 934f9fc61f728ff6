"""What feeders and the supervisor say to each other over the control socket: one JSON object a line.

A feeder sends a request; then `{"lost": epoch}` when requests of that epoch fail, and `{"idle": bool}` when it
has had nothing to ask for long, and when it has again. It hears `{"note": text}` while it waits, `{"ready":
...}` whenever a server is up or its share of the engine's window changes, `{"gone": epoch}` when a server is
stopped or put to sleep, and `{"failed": text}` when there will be none. One feeder of each engine hears what its
server says of itself, `{"server": name, "metrics": {...}}`. Its open connection is its lease.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Self

from genetic_udfs.config import Engine


@dataclass(frozen=True)
class EngineRequest:
    """The engine that a feeder wants.

    Args:
        name: The engine's name in the configuration, for messages.
        engine: Its settings; a local model's path must be absolute.
        window: How many requests all feeders of the engine together may have in flight.
    """

    name: str
    engine: Engine
    window: int

    def key(self) -> str:
        """Return what two requests have in common when one server can serve both."""
        of_clients = {
            "start_timeout",
            "request_timeout",
            "url",
            "api_key_env",
            "feeders",
            "reasoning",
            "max_tokens_field",
            "price",
            "gpu_hour",
        }
        parts = self.engine.model_dump(mode="json", exclude=of_clients)
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]

    def to_line(self) -> bytes:
        """Return the request as it is sent."""
        return line({"name": self.name, "engine": self.engine.model_dump(mode="json"), "window": self.window})

    @classmethod
    def from_line(cls, data: bytes) -> Self:
        """Read a request; raises ValueError if it is none."""
        fields = json.loads(data)
        return cls(str(fields["name"]), Engine.model_validate(fields["engine"]), int(fields["window"]))


@dataclass(frozen=True)
class Ready:
    """Where a server is, in which of its lives, and how many requests this feeder may have in flight."""

    socket: str
    epoch: int
    share: int


def line(message: dict[str, Any]) -> bytes:
    """Return a message as it is sent."""
    return json.dumps(message).encode() + b"\n"
