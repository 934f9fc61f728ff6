"""The exact similarity decides."""

from pyspark.sql import SparkSession

from genetic_udfs.dedup import columns as c
from genetic_udfs.dedup.jaccard import verified

Pair = tuple[str, int, str, int, bool, bool]
TEN = "a b c d e f g h i j"
NINE_OF_TEN = "a b c d e f g h i z"


def test_candidates_are_duplicates_from_the_threshold_on(spark: SparkSession) -> None:
    """With 1-word shingles TEN and NINE_OF_TEN share 9 of 11 words, and 7 of 10 is 0.7 exactly."""
    texts = [
        ("ten", False, TEN),
        ("nine", True, NINE_OF_TEN),
        ("seven", True, "a b c d e f g"),
        ("six", True, "a b c d e f"),
        ("none", True, None),
        ("blank", True, " "),
        ("empty", True, ""),
        ("copy", True, TEN.upper()),
        ("nine", False, "another text of the same id"),
    ]
    pairs: list[Pair] = [
        ("nine", 1, "ten", 0, False, False),
        ("seven", 2, "ten", 0, False, False),
        ("six", 3, "ten", 0, False, False),
        ("six", 3, "nine", 1, True, False),
        ("none", 4, "ten", 0, False, False),
        ("blank", 4, "empty", 4, True, False),
        ("copy", 5, "ten", 0, False, True),
        ("copy", 5, "nine", 0, False, False),
    ]
    found = verified(
        spark.createDataFrame(pairs, c.PAIRS),
        spark.createDataFrame(texts, "id string, is_new boolean, text string"),
        threshold=0.7,
        words=1,
    )
    assert found.schema == c.LINKS
    assert sorted((row.later_id, row.earlier_id, row.similarity, row.is_exact) for row in found.collect()) == [
        ("copy", "ten", 1.0, True),
        ("nine", "ten", 9 / 11, False),
        ("seven", "ten", 0.7, False),
    ]


def test_texts_of_exact_pairs_are_not_looked_at(spark: SparkSession) -> None:
    pairs: list[Pair] = [("b", 1, "a", 0, False, True)]
    no_texts = spark.createDataFrame([], "id string, is_new boolean, text string")
    found = verified(spark.createDataFrame(pairs, c.PAIRS), no_texts, 0.7, 3).collect()
    assert [(row.later_id, row.similarity) for row in found] == [("b", 1.0)]
