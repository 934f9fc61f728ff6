"""Sandboxes of each tier, shared by the tests of a module: what one test does must not spoil the next one's."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.tiers import Limits, Tier

# Generous: the machine may be busy, and most of what is tried here ends at once.
LIMITS = Limits(cpu_seconds=20, wall_seconds=120.0, memory_mb=256)
# For what ends by a limit alone: by that of CPU time, or, where it uses none, by that of time.
LOOPING = replace(LIMITS, cpu_seconds=1)
SLEEPING = replace(LIMITS, wall_seconds=1.0)


def sandbox_of(tier: Tier, limits: Limits = LIMITS) -> Sandbox:
    """Return a sandbox of exactly one tier."""
    sandbox = Sandbox(tier, limits, tier)
    try:
        sandbox._zygote(Kind.BASIC)
    except SandboxError as error:
        pytest.skip(str(error))
    return sandbox


@contextmanager
def limited(sandbox: Sandbox, limits: Limits) -> Iterator[None]:
    """Have a sandbox's runs keep to other limits while the body runs."""
    usual, sandbox.limits = sandbox.limits, limits
    try:
        yield
    finally:
        sandbox.limits = usual


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
