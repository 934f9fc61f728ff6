"""The Delta tables of a run: columns and versions of them, exactly-once appending, the ledger of replies, the lease.

And scratch space, integrity, maintenance, and what is wrong with a table's files in the user's terms.
"""
