"""JSON objects, one a line, between the process that has the solution and the tester's."""

import json
import os
from typing import Any, Final

from genetic_udfs.sandbox.values import Malformed

_LONGEST_MESSAGE: Final = 4 << 20


class Messages:
    """Reads messages from a descriptor."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._held = b""

    def next(self) -> dict[str, Any] | None:
        """Return the next message, or None where there is none any more."""
        while b"\n" not in self._held:
            some = os.read(self._descriptor, 65536)
            if not some or len(self._held) > _LONGEST_MESSAGE:
                return None
            self._held += some
        line, self._held = self._held.split(b"\n", 1)
        message = json.loads(line)
        if not isinstance(message, dict):
            raise Malformed("no object")
        return message


def send(descriptor: int, message: dict[str, Any]) -> None:
    """Write a message."""
    rest = memoryview(json.dumps(message).encode() + b"\n")
    while rest:
        rest = rest[os.write(descriptor, rest) :]
