"""The columns that the stages of near-duplicate search hand to each other."""

from typing import Final

from pyspark.sql.types import (
    ArrayType,
    BinaryType,
    BooleanType,
    DataType,
    DoubleType,
    LongType,
    StringType,
    StructField,
    StructType,
)

ID: Final = "id"
RANK: Final = "rank"
TEXT: Final = "text"

# False for what is kept already. A text is known by (IS_NEW, ID), and (IS_NEW, RANK, ID) is the order in which
# texts are kept; RANK is 0 where IS_NEW is false.
IS_NEW: Final = "is_new"

CONTENT_HASH: Final = "content_hash"
BANDS: Final = "bands"

# The least of the shingles' hashes, by a function that the bands do not know. Two texts of similarity s share it with
# probability s, so the texts with the smallest keys are a sample that has near-duplicates whole, not torn apart.
SAMPLE_KEY: Final = "sample_key"

# All keys of a text: those of its bands, and that of its content. The text's normal form, compressed.
KEYS: Final = "keys"
PACKED: Final = "packed"

# A text's embedding, as `embedding.landmarks` packs it.
VECTOR: Final = "vector"

# A bucket's members share KEY. IS_EXACT marks the buckets of equal content, whose pairs need no further check.
KEY: Final = "key"
IS_EXACT: Final = "is_exact"
SIZE: Final = "size"
NEW: Final = "new"

# Pairs of a bucket above the bound that are not compared because of it.
SKIPPED: Final = "skipped"

# A pair's later text is always a new one; its earlier one comes before it in the order.
LATER_ID: Final = "later_id"
LATER_RANK: Final = "later_rank"
LATER_TEXT: Final = "later_text"
EARLIER_ID: Final = "earlier_id"
EARLIER_RANK: Final = "earlier_rank"
EARLIER_IS_NEW: Final = "earlier_is_new"
EARLIER_TEXT: Final = "earlier_text"

DUPLICATE_OF: Final = "duplicate_of"
SIMILARITY: Final = "similarity"
METHOD: Final = "method"

_string, _long, _boolean, _double = StringType(), LongType(), BooleanType(), DoubleType()


def _struct(columns: dict[str, DataType]) -> StructType:
    return StructType([StructField(name, data_type) for name, data_type in columns.items()])


SIGNED: Final = _struct(
    {
        ID: _string,
        RANK: _long,
        IS_NEW: _boolean,
        CONTENT_HASH: _string,
        BANDS: ArrayType(_long),
        SAMPLE_KEY: _long,
    }
)
INDEXED: Final = _struct(
    {ID: _string, CONTENT_HASH: _string, KEYS: ArrayType(_long), SAMPLE_KEY: _long, PACKED: BinaryType()}
)
TEXTS: Final = _struct({ID: _string, IS_NEW: _boolean, TEXT: _string})
EMBEDDED: Final = _struct({ID: _string, RANK: _long, VECTOR: BinaryType()})

_PAIR: Final[dict[str, DataType]] = {
    LATER_ID: _string,
    LATER_RANK: _long,
    EARLIER_ID: _string,
    EARLIER_RANK: _long,
    EARLIER_IS_NEW: _boolean,
    IS_EXACT: _boolean,
}
PAIRS: Final = _struct(_PAIR)

# A row is a pair (KEY and SKIPPED are null), or says of one bucket what of it is skipped (the rest is null).
PAIRS_AND_SKIPPED: Final = _struct({**_PAIR, KEY: _long, SKIPPED: _long})

LINKS: Final = _struct({**_PAIR, SIMILARITY: _double})

DROPPED: Final = _struct({ID: _string, DUPLICATE_OF: _string, SIMILARITY: _double, METHOD: _string})
