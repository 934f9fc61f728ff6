"""The columns and the rules' names that the stages of decontamination hand to each other."""

from typing import Final

from pyspark.sql.types import (
    DoubleType,
    IntegerType,
    StringType,
    StructField,
    StructType,
)

ID: Final = "id"
TEXT: Final = "text"

CONTAMINATED_BY: Final = "contaminated_by"
CONTAMINATED_ITEM: Final = "contaminated_item"
CONTAMINATION_RULE: Final = "contamination_rule"
TAGS: Final = (CONTAMINATED_BY, CONTAMINATED_ITEM, CONTAMINATION_RULE)

# Values of CONTAMINATION_RULE, in the order in which they are tried.
NGRAM: Final = "ngram"
COVERAGE: Final = "coverage"
CONTAINMENT: Final = "containment"
WHOLE: Final = "whole"
PARAPHRASE: Final = "paraphrase"
PARAPHRASE_UNANSWERED: Final = "paraphrase_unanswered"
RULES: Final = (NGRAM, COVERAGE, CONTAINMENT, WHOLE, PARAPHRASE, PARAPHRASE_UNANSWERED)

# Of a pair of a text and an item near to it. NUMBER is the item's place in the list of items.
NUMBER: Final = "number"
SIMILARITY: Final = "similarity"
PROMPT: Final = "prompt"
TEMPLATE: Final = "template"
SAMPLE: Final = "sample"
REPLY: Final = "reply"

_string, _integer = StringType(), IntegerType()

FOUND: Final = StructType([StructField(ID, _string), *(StructField(tag, _string) for tag in TAGS)])

NEAR: Final = StructType(
    [
        StructField(ID, _string),
        StructField(NUMBER, _integer),
        StructField(SIMILARITY, DoubleType()),
        StructField(PROMPT, _string),
    ]
)
