"""The filters as column expressions."""

import pandas as pd
from pyspark.sql import Column
from pyspark.sql.functions import pandas_udf
from pyspark.sql.types import StringType, StructField, StructType

from genetic_udfs.config import Filters
from genetic_udfs.filters.instruction import Rejection, instruction_rejection

_REJECTION = StructType([StructField("reason", StringType()), StructField("detail", StringType())])
_NONE = (None, None)


def rejection_of(instruction: str, parents: str, task: str, bounds: Filters) -> Column:
    """Return a struct of `reason` and `detail` for the columns of those names; both null where every rule is kept."""

    @pandas_udf(_REJECTION)
    def find(instructions: pd.Series, parent_texts: pd.Series, tasks: pd.Series) -> pd.DataFrame:
        found: list[Rejection | tuple[None, None]] = [
            instruction_rejection(text or "", list(parent_text), task, bounds) or _NONE
            for text, parent_text, task in zip(instructions, parent_texts, tasks, strict=True)
        ]
        return pd.DataFrame(found, columns=["reason", "detail"])

    return find(instruction, f"{parents}.instruction", task)
