"""What a function is given to store its intermediate results with."""

from collections.abc import Callable

from pyspark.sql import DataFrame

Checkpoint = Callable[[DataFrame, str], DataFrame]
"""Computes rows and stores them under a name, at once; returns what to read from then on."""
