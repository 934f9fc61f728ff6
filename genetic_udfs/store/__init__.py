"""The Delta tables of a run: reading, exactly-once appending, the ledger of replies, the lease, and scratch space."""
