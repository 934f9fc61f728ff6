"""Near-duplicates: texts that say the same in almost the same words.

The way of a text, a module a step: `text` (normal form, hash, shingles), `signatures` (MinHash), `bands` (candidate
pairs), `verify` (exact similarity), `survivors` (who is kept). `near_duplicates` is the whole of it.
"""

from genetic_udfs.dedup.near_duplicates import near_duplicates
from genetic_udfs.dedup.text import content_hash, normalise

__all__ = ["content_hash", "near_duplicates", "normalise"]
