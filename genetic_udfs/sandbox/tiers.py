"""How strongly code is confined, who decides on it, and what a run of it may use."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

CONFINED: Final = {"confined": True}
"""What a run says once it has given everything up, before any code is run."""

OUTPUT_KB: Final = 4096
"""What a run may write to stdout and stderr together."""
RESULT_KB: Final = 1024
"""What it may send back."""


class Tier(StrEnum):
    """What confines a run, each reaching what those before do.

    Every tier has the seccomp allowlist, resource limits and no privileges.

    `NO_FILES` opens no file at all, so only modules that are loaded already can be imported. `LANDLOCK` reads the
    standard library and installed packages, and nothing else. `LANDLOCK_FOLDER` writes, too, to an empty folder in
    memory that is its own. That comes last since more tests can be decided with it, and nothing else can be reached.
    """

    NO_FILES = "no_files"
    LANDLOCK = "landlock"
    LANDLOCK_FOLDER = "landlock_folder"

    def reaches(self, least: "Tier") -> bool:
        """Whether this is the tier `least` or one after it."""
        order = list(Tier)
        return order.index(self) >= order.index(least)


class DecidedBy(StrEnum):
    """Who says how a test ended: what the code cannot reach, or the process that it shares with the test."""

    OUTSIDE = "outside"
    TOGETHER = "together"


@dataclass(frozen=True)
class Limits:
    """What one process of a candidate may use.

    Attributes:
        cpu_seconds: CPU time of all its threads.
        wall_seconds: Time from its fork to its end.
        memory_mb: Address space beyond what the interpreter and its loaded modules have.
    """

    cpu_seconds: int = 2
    wall_seconds: float = 3.0
    memory_mb: int = 512
