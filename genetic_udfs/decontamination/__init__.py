"""Contamination: texts that hold an item of a test set, word for word, changed a little, or in other words.

`items` reads test sets and `prose` says what of an item counts. `rules` is the hard filter, on `grams`, and
`hard_filter` brings it to tables. `nearest` and `same_problem` find paraphrases. `contamination` is the whole of it.
Nothing here drops a row: what was found is reported, with the item and the rule.
"""

from genetic_udfs.decontamination.contamination import contamination
from genetic_udfs.decontamination.items import BenchmarkItem, digests, read_items

__all__ = ["BenchmarkItem", "contamination", "digests", "read_items"]
