"""The Delta tables of a run: reading, exactly-once appending, the ledger of replies, and scratch space."""
