"""Near-duplicates: texts that say the same in almost the same words; and in others, by `semantic`.

A module a step: `signatures` and `signing` (MinHash), `bands` (candidate pairs), `indexed` (those among kept texts),
`jaccard` (exact similarity), `survivors` (who is kept). `near_duplicates` is the whole of it, `audit` samples what it
misses; `genetic_udfs.data.text` says what a text's words are.
"""

from genetic_udfs.dedup.near_duplicates import near_duplicates

__all__ = ["near_duplicates"]
