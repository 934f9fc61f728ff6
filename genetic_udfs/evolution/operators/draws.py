"""Deterministic draws: a number is a hash of what it is for, so partitioning, order and restarts cannot change it.

Spark's `rand()` depends on partitions; these depend on the seed and their labels alone.
"""

from collections.abc import Callable, Mapping
from itertools import accumulate

from pyspark.sql import Column
from pyspark.sql import functions as F


def draw(seed: int, *labels: Column | int | str) -> Column:
    """Return 64 uniform bits (a signed long) for this seed and these labels."""
    return F.xxhash64(F.lit(seed).cast("long"), *(_label(label) for label in labels))


def index_below(bits: Column, count: Column) -> Column:
    """Turn bits into an index of 0..count-1; the bias, count / 2**64, is below notice."""
    return F.pmod(bits, count.cast("long"))


def unit(bits: Column) -> Column:
    """Turn bits into a double in [0, 1)."""
    return F.shiftrightunsigned(bits, 11) / F.lit(float(2**53))


def distinct_indexes(bits_of: Callable[[Column], Column], count: Column, size: int) -> Column:
    """Return `size` different indexes of 0..count-1 as an array, every subset equally likely.

    Robert Floyd's sampling (Bentley and Floyd, "A sample of brilliance", CACM 30(9), 1987): one draw an element,
    no rejection. `bits_of` gives the bits for a step; `count` must be at least `size`.
    """
    tops = F.sequence(count.cast("long") - F.lit(size), count.cast("long") - F.lit(1))

    def add(chosen: Column, top: Column) -> Column:
        pick = F.pmod(bits_of(top), top + 1)
        return F.array_append(chosen, F.when(F.array_contains(chosen, pick), top).otherwise(pick))

    return F.aggregate(tops, F.array().cast("array<bigint>"), add)


def weighted_choice(position: Column, weights: Mapping[str, float]) -> Column:
    """Choose a name by its weight, for a position in [0, 1); names of no weight are never chosen."""
    names = [name for name, weight in weights.items() if weight > 0]
    bounds = list(accumulate(weights[name] for name in names))
    choice = F.lit(names[-1])
    for name, bound in zip(names[-2::-1], bounds[-2::-1], strict=True):
        choice = F.when(position < bound / bounds[-1], name).otherwise(choice)
    return choice


def _label(label: Column | int | str) -> Column:
    column = label if isinstance(label, Column) else F.lit(label)
    # xxhash64 of an int and of a long differ; one width for all makes a label's type irrelevant.
    return column if isinstance(label, str) else column.cast("long")
