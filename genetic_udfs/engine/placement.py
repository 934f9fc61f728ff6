"""Which engines are awake side by side, and which is evicted for another. Doing it is the supervisor's."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

_WHOLE: Final = 1.0 + 1e-9  # so that 0.3 + 0.6 + 0.1 fits


class LoadedEngine(Protocol):
    """An engine that has, or wants, a part of the memory."""

    @property
    def memory_share(self) -> float:
        """Part of the memory of its GPUs (or of the machine, on a CPU) that it takes when it is awake."""

    @property
    def is_wanted(self) -> bool:
        """Whether somebody has something to ask of it."""

    @property
    def wanted_since(self) -> float:
        """When somebody last began to have something to ask of it."""


Engine = TypeVar("Engine", bound=LoadedEngine)


@dataclass(frozen=True)
class Placement(Generic[Engine]):
    """How one more engine gets its place: which are evicted for it now, or else which are waited for."""

    to_evict: tuple[Engine, ...] = ()
    waited_for: tuple[Engine, ...] = ()


def place_for(share: float, awake: Sequence[Engine]) -> Placement[Engine]:
    """Return how an engine that takes `share` of the memory fits beside those that are awake.

    Those that fit stay. Of the others none is evicted that is wanted, and the longest unwanted go first.
    """
    kept = list(awake)
    leaving: list[Engine] = []
    for engine in sorted((one for one in awake if not one.is_wanted), key=lambda one: one.wanted_since):
        if _sum(kept) + share <= _WHOLE:
            break
        kept.remove(engine)
        leaving.append(engine)
    if kept and _sum(kept) + share > _WHOLE:
        return Placement(waited_for=tuple(kept))
    return Placement(to_evict=tuple(leaving))


def _sum(engines: Sequence[LoadedEngine]) -> float:
    return sum(engine.memory_share for engine in engines)
