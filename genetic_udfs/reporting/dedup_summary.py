"""Formats what a search for near-duplicates found."""

import math

from genetic_udfs.dedup.audit import Audit
from genetic_udfs.dedup.bands import WHOLE_BUCKET
from genetic_udfs.dedup.near_duplicates import NotCompared


def format_not_compared(found: NotCompared) -> str | None:
    """Say what the bound on buckets left out; None where it left out nothing."""
    if not found.buckets:
        return None
    return (
        f"{found.buckets:,} buckets hold more than {WHOLE_BUCKET} texts, which mostly share a preamble only:"
        f" {found.pairs:,} of their pairs were not compared there"
    )


def format_audit(found: Audit) -> str:
    """Say what share of a sample's near-duplicate pairs were found."""
    if found.recall is None:
        return f"Audit: datasketch finds no near-duplicates among {found.texts:,} texts"
    return (
        f"Audit: of {found.pairs:,} near-duplicate pairs that datasketch finds among {found.texts:,} texts,"
        f" {found.caught:,} were found ({math.floor(1000 * found.recall) / 10}%)"
    )
