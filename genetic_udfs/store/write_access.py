"""The right to write to a store, as every job that does so takes it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from genetic_udfs.store.lease import Lease
from genetic_udfs.store.schema import CANDIDATES, REPLIES
from genetic_udfs.store.schema_version import refuse_newer
from genetic_udfs.store.tables import Store


@contextmanager
def write_access(
    store: Store,
    lease: Lease,
    run_id: str,
    *,
    take_over: bool = False,
    on_status: Callable[[str], None] = lambda _: None,
) -> Iterator[None]:
    """Hold the lease of a store while the body runs, past what a holder that vanished may still be about to commit.

    Args:
        store: the store.
        lease: its lease.
        run_id: who writes.
        take_over: take the lease from whoever has it.
        on_status: is called if the holder has to be watched for a while.

    Raises:
        LeaseError: if another process has it, saying which.
        StoreError: if the store cannot be read or written, or a newer version of this software has written to it.
    """
    with lease.held(take_over=take_over, on_status=on_status):
        refuse_newer(store)
        if lease.was_abandoned:
            for table in (REPLIES, CANDIDATES):
                store.fence(table, run_id)
        yield
