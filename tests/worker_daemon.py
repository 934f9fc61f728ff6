"""Spark's daemon of Python workers, with what a worker imports already there: in tests workers are many, and do little.

Spark's own imports nothing before it forks, as a library may start threads. Those of ours start one, of the allocator
of pyarrow, which lives through a fork. Jobs in processes of their own have Spark's own daemon; one of the doctor's has
this one.
"""

import gc

from pyspark.daemon import manager

import genetic_udfs.evolution.generation  # noqa: F401 - what a generation's functions need, pandas and pyarrow with it

if __name__ == "__main__":
    gc.freeze()  # a worker collects garbage after each task: it would look at all that is imported, and copy it
    manager()
