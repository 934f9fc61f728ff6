"""Contamination: texts that hold an item of a test set, word for word, changed a little, or in other words.

`items` reads test sets and `prose` says what of an item counts; `preflight` checks what can be known before Spark
starts. `rules` is the hard filter, on `grams`, and `hard_filter` brings it to tables. `embedding`, `nearest` and
`same_problem` find paraphrases. `contamination` is the whole of it. Nothing here drops a row: what was found is told,
with the item and the rule.
"""

from genetic_udfs.commands.checks.test_sets import check_seeds_are_clean, check_test_sets
from genetic_udfs.decontamination.contamination import contamination
from genetic_udfs.decontamination.items import Item, digests, read_items

__all__ = ["Item", "check_seeds_are_clean", "check_test_sets", "contamination", "digests", "read_items"]
