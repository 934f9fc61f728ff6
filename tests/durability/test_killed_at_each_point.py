"""A run that is killed again and again, each time a step further, ends as one that nothing befell.

The kills are simulated in one process: from a point on nothing is committed, kept, renewed or cleaned up any more.
`test_killed_processes.py` kills real ones.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.runtime.stopping import cancel_jobs
from genetic_udfs.store.lease import Lease
from genetic_udfs.store.numbered_log import NumberedLog
from genetic_udfs.store.scratch import Scratch
from tests import scripted_model
from tests.durability import points
from tests.durability.conftest import Undisturbed
from tests.durability.small_run import WAVE, decided, evolve, ledger, population, settings, settle, table
from tests.scripted_server import Answer, Request, ScriptedServer

ROUND_0, ROUND_1 = "generation-1/round-0", "generation-1/round-1"

# In the order in which a run comes by them, one of those that lie between the same two commits; between those of
# `candidates` and the population a driver is killed in `test_killed_processes.py`. "asking ..." is the moment when that
# role gets its second request of a start; up to two waves are in flight then. Beside a wave's commit another wave may
# be; at the others none is.
POINTS: Final = [
    "after append population generation-0",
    "asking instructor",
    f"after append replies {ROUND_0}/coder wave-0",
    f"after record {ROUND_1}/instructor",
    "before append candidates generation-1",
    "after append population generation-1",
    "after append dedup_index generation-1",
    "after append generations generation-1",
]


class Killed(BaseException):
    """What a killed process does not live to see."""


class Fate:
    """Whether the run that is under way has been killed, and where it will be."""

    def __init__(self, patch: Callable[[Any, str, Any], None]) -> None:
        self.point: str | None = None
        self.is_dead = False
        points.watch(self.reached, patch)
        for kind, method in ((Lease, "check"), (NumberedLog, "replace"), (Scratch, "clear")):
            patch(kind, method, self._dying(getattr(kind, method)))

    def reached(self, point: str) -> None:
        self.live()
        if point == self.point:
            self.is_dead = True
            self.live()

    def asked(self, request: Request) -> None:
        """Kill the run from the server's side."""
        if self.point == f"asking {role_of(request)}" and not self.is_dead:
            self._asked = getattr(self, "_asked", 0) + 1
            if self._asked == 2:
                self.is_dead = True
                cancel_jobs()

    @contextmanager
    def meets(self, point: str) -> Iterator[None]:
        self.point, self.is_dead, self._asked = point, False, 0
        with pytest.raises(Killed):
            yield
        self.point, self.is_dead = None, False

    def live(self) -> None:
        if self.is_dead:
            raise Killed

    def _dying(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def method(*args: Any, **kwargs: Any) -> Any:
            self.live()
            return original(*args, **kwargs)

        return method


def role_of(request: Request) -> str:
    if "You review answers" in request.prompt:
        return "judge"
    return "coder" if "Solve the programming problem" in request.prompt else "instructor"


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_run_killed_at_every_point_ends_as_one_that_nothing_befell(
    spark: SparkSession, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, undisturbed: Undisturbed
) -> None:
    fate = Fate(monkeypatch.setattr)

    def answer(request: Request) -> Answer:
        fate.asked(request)
        said = scripted_model.answer(request)
        return Answer(said.text, tops=said.tops, after=0.2)  # so that waves are under way when they are cut

    lost = 0
    with ScriptedServer(answer, model="scripted") as server:
        config = settings(tmp_path, server.url)
        for point in POINTS:
            asked, replies = server.calls.total(), ledger(config)
            with fate.meets(point):
                evolve(spark, config, take_over=True)
            settle(spark, server)
            after = ledger(config)
            assert replies.items() <= after.items(), f"{point}: a reply is lost"
            unpaid = (server.calls.total() - asked) - (len(after) - len(replies))
            least, most = (1, 2 * WAVE) if point.startswith("asking") else (0, WAVE if " wave-" in point else 0)
            assert least <= unpaid <= most, f"{point}: {unpaid} asked in vain"
            lost += unpaid
        (_, row) = evolve(spark, config, take_over=True)
    assert population(config) == population(undisturbed.config)
    assert decided(config) == decided(undisturbed.config)
    assert ledger(config) == ledger(undisturbed.config)
    # Each reply was asked for once, and those that were in flight at a kill once more.
    assert server.calls.total() == undisturbed.requests + lost
    assert (row["accepted"], row["shortfall"]) == (6, 0)
    outcomes = [run["outcome"] for run in sorted(table(config, "runs"), key=lambda run: run["started_at"])]
    assert outcomes == ["killed"] * len(POINTS) + ["finished"]
    assert not list((tmp_path / "store" / "_scratch").glob("*"))
