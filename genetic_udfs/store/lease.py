"""The lease of a store: one process at a time writes to it.

Whoever takes the lease adds the next of its numbered records, which Delta's LogStore lets one process do, and replaces
that record again and again as long as it lives. Nobody compares clocks: a holder counts as gone if its record stays as
it is for `LIFETIME` seconds of the watcher's own, or if it ran on this machine and its process is no more. A holder
looks before each commit whether a later record is there, and stops if so. It also stops if it could not replace its
record for a lifetime, by its own clock: another process may have taken the lease then, and engines are not to be asked
for what cannot be committed.
"""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from pyspark.sql import SparkSession

from genetic_udfs.errors import StoreError
from genetic_udfs.runtime.process import ProcessId, this_machine
from genetic_udfs.runtime.stopping import Stopped, cancel_jobs, stop_requested
from genetic_udfs.store.location import resolve_path
from genetic_udfs.store.numbered_log import NumberedLog

LIFETIME: Final = 60.0
LEASE_FOLDER: Final = "_lease"
_RENEWALS: Final = 6  # in a lifetime
_LOOKS: Final = 4  # of a watcher, between two renewals
_BETWEEN_LOOKS: Final = 0.05  # seconds, where a record seems not to be there


class LeaseError(StoreError):
    """Another process writes to the store."""


class Lease:
    """The right of this process to write to a store, while the body of `held` runs."""

    def __init__(self, log: NumberedLog, run_id: str, lifetime: float = LIFETIME) -> None:
        """Ask for nothing yet.

        Args:
            log: the records, in the store's folder `LEASE_FOLDER`.
            run_id: who asks.
            lifetime: seconds without a renewal after which a lease counts as given up; the same for all processes.
        """
        self._log, self._run_id, self._lifetime = log, run_id, lifetime
        self._number: int | None = None
        self._renewals = 0
        self._was_abandoned = False
        self._taken = datetime.now(UTC)
        self._lost: LeaseError | None = None
        self._ran_out = False
        self._ended = threading.Event()
        # Where files are replaced in two steps, a record is not there for a moment while it is renewed.
        self._renewing = threading.Lock()

    @property
    def is_lost(self) -> bool:
        """Whether the lease ran out, or another process has taken it, while this one held it."""
        return self._lost is not None

    @property
    def was_abandoned(self) -> bool:
        """Whether the holder before this one never gave it up, so that a commit of its may still be under way."""
        return self._was_abandoned

    @contextmanager
    def held(self, *, take_over: bool = False, on_status: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Hold the lease while the body runs.

        Args:
            take_over: take it from whoever has it, at once.
            on_status: is called if the holder has to be watched for a while.

        Raises:
            LeaseError: if another process has it, saying which.
            StoreError: if the store cannot be read or written.
        """
        taken = self._take(take_over, on_status)
        thread = threading.Thread(target=self._keep, args=[taken], name="lease", daemon=True)
        thread.start()
        try:
            yield
        except Exception as error:
            if self._lost is not None and error is not self._lost:
                raise self._lost from error  # the body failed because its jobs were cancelled
            raise
        finally:
            self._ended.set()
            thread.join()
            if not self.is_lost or self._ran_out:
                with suppress(Exception):  # then others find out by themselves that it is not renewed
                    self._renew(released=True)

    def check(self) -> None:
        """Make sure that the lease is still held: to be called before each commit.

        Raises:
            LeaseError: if another process has taken it, saying which, or it ran out.
            StoreError: if the store cannot be read.
        """
        if self._lost is not None:
            raise self._lost
        with self._renewing:
            latest = self._log.latest()
            record = None if latest is None else self._log.read(latest)
        is_later = latest is not None and (self._number is None or latest > self._number)
        if is_later or (record is not None and record.get("run_id") != self._run_id):
            by = _format_holder(record) if record is not None else "another process"
            self._lost = LeaseError(
                f"{self._log.folder}: {by} has taken the lease over from this run, {self._run_id}, which stops"
                " and writes nothing more; what it had committed is used by the other"
            )
            raise self._lost

    def _take(self, take_over: bool, on_status: Callable[[str], None]) -> float:
        """Add our record as soon as it may be; return when that was begun, on the monotonic clock."""
        latest = self._settled()
        while True:
            if latest is not None and not take_over:
                self._wait_until_free(latest, on_status)
            self._number = 0 if latest is None else latest + 1
            began = time.monotonic()
            if self._log.add(self._number, self._record(released=False)):
                break
            latest = self._settled()  # another process was quicker
        before = None if latest is None else self._log.read(latest)
        self._was_abandoned = before is not None and not before.get("released")
        # Two could have added the same record where the storage has no exclusive write; the later one has it then.
        self.check()
        return began

    def _wait_until_free(self, number: int, on_status: Callable[[str], None]) -> None:
        """Return when the holder of the last record has given up its lease, or is gone.

        Raises:
            LeaseError: as soon as it shows that it is alive.
            Stopped: if this process is asked to stop meanwhile.
        """
        record = self._log.read(number)
        for _ in range(_LOOKS):
            if record is None:  # it may be renewed at this moment
                time.sleep(_BETWEEN_LOOKS)
                record = self._log.read(number)
        if record is None or record.get("released"):
            return
        if record.get("machine") == this_machine():
            if not ProcessId(record["pid"], record["process_started"]).is_alive():
                return
            raise self._refusal(record)
        on_status(
            f"{_format_holder(record)} holds the lease; waiting {self._lifetime:.0f} s to see whether it is renewed"
        )
        deadline = time.monotonic() + self._lifetime
        while time.monotonic() < deadline:
            if stop_requested.wait(self._lifetime / _RENEWALS / _LOOKS):
                raise Stopped("asked to stop while another process held the lease of the store")
            latest = self._log.latest()
            now = self._log.read(number)
            if latest is not None and latest > number:
                return  # another process was quicker, which the next look will find
            if now is not None and now.get("released"):
                return
            if now is not None and now.get("renewals") != record.get("renewals"):
                raise self._refusal(now)

    def _settled(self) -> int | None:
        """Return the number of the last record, whether or not it is renewed at this moment."""
        first = self._log.latest()
        time.sleep(_BETWEEN_LOOKS)
        return max((each for each in (first, self._log.latest()) if each is not None), default=None)

    def _refusal(self, record: dict[str, Any]) -> LeaseError:
        return LeaseError(
            f"{self._log.folder}: the store is being written to by {_format_holder(record)}, which renews its"
            f" lease while it runs (now valid until {record.get('until')}). Wait for it, or stop it, or name another"
            " store; jobs/evolve.py --take-over takes the lease from it, and it stops"
        )

    def _keep(self, renewed: float) -> None:
        while not self._ended.wait(self._lifetime / _RENEWALS):
            began = time.monotonic()
            try:
                self.check()
                self._renew(released=False)
            except LeaseError:
                break
            except Exception as error:  # the store cannot be reached now; perhaps the next time
                # A try that began in time may have failed because this machine slept: there is one more then.
                if began - renewed < self._lifetime:
                    continue
                self._ran_out = True
                self._lost = LeaseError(
                    f"{self._log.folder}: the lease of this run, {self._run_id}, could not be renewed for"
                    f" {self._lifetime:.0f} s, so that another process may have taken it; the run stops and writes"
                    f" nothing more. Start it again when the store can be reached: {error}"
                )
                break
            renewed = began
        while not self._ended.wait(0.5):
            with suppress(Exception):  # Spark is ending already
                cancel_jobs()

    def _renew(self, *, released: bool) -> None:
        assert self._number is not None
        with self._renewing:
            self._renewals += 1
            self._log.replace(self._number, self._record(released=released))

    def _record(self, *, released: bool) -> dict[str, Any]:
        me = ProcessId.of(os.getpid())
        assert me is not None
        now = datetime.now(UTC)
        return {
            "run_id": self._run_id,
            "host": socket.gethostname(),
            "pid": me.pid,
            "process_started": me.started,
            "machine": this_machine(),
            "renewals": self._renewals,
            "released": released,
            # For people: nothing is decided by these.
            "since": _format_time(self._taken),
            "until": _format_time(now if released else now + timedelta(seconds=self._lifetime)),
        }


def lease_of(spark: SparkSession, store: str, run_id: str) -> Lease:
    """Return the lease of a store, which nobody has asked for yet."""
    return Lease(NumberedLog(spark, f"{resolve_path(spark, store)}/{LEASE_FOLDER}"), run_id)


def _format_holder(record: dict[str, Any]) -> str:
    return (
        f"run {record.get('run_id')} (process {record.get('pid')} on {record.get('host')}, since {record.get('since')})"
    )


def _format_time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%d %H:%M:%S UTC")
