"""The columns of a reply, as the engine's UDF gives it back for one request.

`sent_at` and `seconds` (to the last token) are those of the sending that was answered, `attempt` says which it was.
With `error` set, there is no text. `reasoning` is what the model thought before it answered, null where it did not;
`text` is without it. `reasoning_tokens` are those of `completion_tokens` that it took, null where they are not counted.
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
    "reasoning": StringType(),
    "reasoning_tokens": LongType(),
}
REPLY: Final = StructType([StructField(name, data_type) for name, data_type in REPLY_FIELDS.items()])
