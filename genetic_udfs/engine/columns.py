"""The columns of a reply, as the engine's UDF gives it back for one request.

`sent_at` and `seconds` (to the last token) are those of the sending that was answered, `attempt` says which it was.
With `error` set, there is no text.
"""

from typing import Final

from pyspark.sql.types import DoubleType, IntegerType, LongType, StringType, StructField, StructType, TimestampType

REPLY_FIELDS: Final = {
    "text": StringType(),
    "finish_reason": StringType(),
    "prompt_tokens": LongType(),
    "completion_tokens": LongType(),
    "sent_at": TimestampType(),
    "seconds": DoubleType(),
    "yes_probability": DoubleType(),
    "error": StringType(),
    "attempt": IntegerType(),
}
REPLY: Final = StructType([StructField(name, data_type) for name, data_type in REPLY_FIELDS.items()])
