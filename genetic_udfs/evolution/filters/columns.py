"""The filters as column expressions."""

from collections.abc import Sequence
from typing import Final

from pyspark.sql import Column
from pyspark.sql.types import StringType, StructField, StructType

from genetic_udfs.config import Filters
from genetic_udfs.evolution.filters.instruction import Rejection, instruction_rejection
from genetic_udfs.runtime.row_udf import row_udf

_REJECTION: Final = StructType([StructField("reason", StringType()), StructField("detail", StringType())])


def rejection_of(instruction: str, parents: str, task: str, bounds: Filters) -> Column:
    """Return a struct of `reason` and `detail` for the columns of those names; both null where every rule is kept."""

    def find(text: str, parent_texts: Sequence[str], name: str | None) -> Rejection | None:
        return instruction_rejection(text, parent_texts, name, bounds)

    return row_udf(find, _REJECTION)(instruction, f"{parents}.instruction", task)
