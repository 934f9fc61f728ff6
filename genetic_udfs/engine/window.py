"""The window: how many requests may be in flight at once. Sending them is `client.py`'s."""

import asyncio
import time
from collections import deque
from typing import Final

_COOL_DOWN: Final = 1.0  # seconds: the refusals of one burst count as one


class Window:
    """A semaphore on one asyncio loop whose size can change while it is held.

    Its size is the smaller of a share, granted from outside, and a pace of its own, which falls to half of
    what was in flight when an endpoint refuses and climbs by one for each windowful of answers (TCP's
    additive increase, multiplicative decrease).

    Args:
        share: How many requests may be in flight.
    """

    def __init__(self, share: int) -> None:
        self.in_flight = 0
        self._share = max(1, share)
        self._pace = float("inf")
        self._slowed = -_COOL_DOWN
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def size(self) -> int:
        """How many requests may be in flight now."""
        return max(1, int(min(self._share, self._pace)))

    @property
    def waiting(self) -> int:
        """How many wait for a place."""
        return len(self._waiting)

    def resize(self, share: int) -> None:
        """Set the share; requests above it finish undisturbed."""
        self._share = max(1, share)
        self._wake()

    def refused(self) -> None:
        """An endpoint answered that it is asked too much: halve the pace, once for each burst of refusals.

        Within a burst it falls no lower than to what the endpoint does not refuse.
        """
        if time.monotonic() - self._slowed >= _COOL_DOWN:
            self._slowed = time.monotonic()
            self._pace = max(1.0, self.in_flight / 2)
        else:
            self._pace = max(1.0, min(self._pace, self.in_flight - 1))  # without the one that was refused

    def answered(self) -> None:
        """A request was answered: climb back, if the pace had fallen."""
        if self._pace < self._share:
            self._pace += 1 / self._pace
            self._wake()

    async def enter(self) -> None:
        """Wait for a place and take it."""
        while self.in_flight >= self.size:
            place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(place)
            try:
                await place
            except asyncio.CancelledError:
                self._wake()  # the place may have been offered to this one already
                raise
        self.in_flight += 1

    def leave(self) -> None:
        """Give the place back."""
        self.in_flight -= 1
        self._wake()

    def _wake(self) -> None:
        free = self.size - self.in_flight
        while self._waiting and free > 0:
            place = self._waiting.popleft()
            if not place.done():
                place.set_result(None)
                free -= 1
