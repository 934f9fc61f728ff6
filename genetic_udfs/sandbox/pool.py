"""The zygotes of one process: started when they are needed, probed, replaced when they are lost."""

import atexit
import os
import platform
import signal
from typing import Any, Final

from genetic_udfs.errors import SandboxError
from genetic_udfs.sandbox.host import Run, Zygote, ZygoteLostError
from genetic_udfs.sandbox.preload import Kind
from genetic_udfs.sandbox.probe import check
from genetic_udfs.sandbox.tiers import CONFINED, Limits, Tier

_MISSING: Final = {
    Tier.LANDLOCK_FOLDER: "a folder of a run's own takes root's rights or a user namespace, and Linux 6.2",
    Tier.LANDLOCK: "Landlock comes with Linux 5.13 and later, with `landlock` among `lsm=`, and in containers whose"
    " seccomp profile allows it",
    Tier.NO_FILES: "seccomp filters, prctl and rlimits must be allowed to an ordinary process",
}


class Sandbox:
    """Runs processes confined by the strongest tier that this machine reaches, and no weaker than asked for."""

    def __init__(self, least: Tier, limits: Limits, tier: Tier | None = None) -> None:
        """Begin without zygotes.

        Args:
            least: The weakest tier to accept.
            limits: Of each run.
            tier: The one to have; None for the strongest.
        """
        self.least, self.limits = least, limits
        self._zygotes: dict[Kind, Zygote] = {}
        self._tier = tier
        self._fault = ""

    @property
    def tier(self) -> Tier:
        """The tier of all runs.

        Raises:
            SandboxError: If no tier that is strong enough passes the probe.
        """
        if self._tier is None:
            self._zygote(Kind.BASIC)
        assert self._tier is not None
        return self._tier

    def run(self, kind: Kind, task: dict[str, Any]) -> Run:
        """Run a process, once more if it was not its doing that it ended.

        Args:
            kind: What it needs to have loaded.
            task: What it is to do.

        Raises:
            SandboxError: If the sandbox fails twice.
        """
        run = self._try(kind, task)
        if run is None or _may_be_bad_luck(run, self.limits):
            run = self._try(kind, task) or run
        if run is None:
            raise SandboxError(
                f"the sandbox failed twice in a row: {self._fault}; nothing is known of the code's tests"
            )
        return run

    def close(self) -> None:
        """End all zygotes."""
        while self._zygotes:
            self._zygotes.popitem()[1].close()

    def _try(self, kind: Kind, task: dict[str, Any]) -> Run | None:
        run = Run(task)
        try:
            self._zygote(kind).run(run, self.limits)
        except (ZygoteLostError, OSError) as error:  # the latter where the machine has no more processes or files
            self._fault = str(error)
            self._drop(kind)
            return None
        except BaseException:
            self._drop(kind)  # it may be in the middle of a run whose messages nobody waits for
            raise
        if next(run.reports(), None) == CONFINED:  # nothing that it says after that can take this back
            return run
        self._fault = f"a run could not be confined: {bytes(run.results[:1000]).decode(errors='replace')}"
        return None

    def _drop(self, kind: Kind) -> None:
        if (zygote := self._zygotes.pop(kind, None)) is not None:
            zygote.close()

    def _zygote(self, kind: Kind) -> Zygote:
        zygote = self._zygotes.get(kind)
        if zygote is None or not zygote.is_ours():
            zygote = self._started(kind)
            self._zygotes[kind] = zygote
        return zygote

    def _started(self, kind: Kind) -> Zygote:
        """Start a zygote of the strongest tier, or of the one that others here have."""
        refused: dict[Tier, str] = {}
        for tier in reversed(Tier) if self._tier is None else [self._tier]:
            if not tier.reaches(self.least):
                break
            try:
                zygote = Zygote(kind, tier)
                try:
                    check(zygote)
                except BaseException:
                    zygote.close()
                    raise
            except (SandboxError, ZygoteLostError) as error:
                refused[tier] = str(error)
            else:
                self._tier = tier
                return zygote
        reasons = "; ".join(f"{tier}: {why} ({_MISSING[tier]})" for tier, why in refused.items())
        raise SandboxError(
            f"no code is run: the sandbox needs at least the tier {self.least} and does not reach it on this machine"
            f" (Linux {platform.release()}, {platform.machine()}). {reasons}"
        )


def sandbox_of_this_process(least: Tier, limits: Limits) -> Sandbox:
    """Return the sandbox of this process, which lives as long: a Python worker of Spark does many tasks."""
    key = (os.getpid(), least, limits)
    if key not in _of_this_process:
        while _of_this_process:  # of the process that this one was forked from, or of other limits
            _of_this_process.popitem()[1].close()
        _of_this_process[key] = Sandbox(least, limits)
        atexit.register(_of_this_process[key].close)
    return _of_this_process[key]


_of_this_process: Final[dict[tuple[int, Tier, Limits], Sandbox]] = {}


def _may_be_bad_luck(run: Run, limits: Limits) -> bool:
    """Whether a run was out of time without using it, as on a machine that is too busy, or was killed by none of us."""
    waited = run.killed_for == "wall" and run.cpu_seconds < limits.cpu_seconds / 2
    killed = run.signal == signal.SIGKILL and run.killed_for is None
    return waited or (killed and run.cpu_seconds < limits.cpu_seconds * 0.9)
