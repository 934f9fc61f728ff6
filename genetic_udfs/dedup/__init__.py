"""Near-duplicates: texts that say the same in almost the same words.

The way of a text, a module a step: `signatures` (MinHash), `bands` (candidate pairs), `verify` (exact similarity),
`survivors` (who is kept). `near_duplicates` is the whole of it; `genetic_udfs.data.text` says what a text's words are.
"""

from genetic_udfs.dedup.near_duplicates import near_duplicates

__all__ = ["near_duplicates"]
