"""Sandboxes of each tier, shared by the tests of a module: what one test does must not spoil the next one's."""

from collections.abc import Iterator

import pytest

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import Limits, Tier

# Generous in wall time: the machine may be busy, and what is tried here ends by CPU time or at once.
LIMITS = Limits(cpu_seconds=1, wall_seconds=4.0, memory_mb=256)


def sandbox_of(tier: Tier, limits: Limits = LIMITS) -> Sandbox:
    """Return a sandbox of exactly one tier."""
    sandbox = Sandbox(tier, limits)
    sandbox._tier = tier
    try:
        assert sandbox.tier is tier
    except SandboxError as error:
        pytest.skip(str(error))
    return sandbox


@pytest.fixture(scope="module", params=list(Tier), ids=str)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    made = sandbox_of(request.param)
    yield made
    made.close()


@pytest.fixture(scope="module")
def strongest() -> Iterator[Sandbox]:
    made = Sandbox(Tier.NO_FILES, LIMITS)
    yield made
    made.close()
