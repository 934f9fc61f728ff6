"""Which rows of a store are pairs, what goes with them, and which texts of them have to be free of test items."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from pyspark.errors import AnalysisException, PySparkException
from pyspark.sql import Column, DataFrame
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, DataType, StringType, StructType

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.export.formats import MODEL, REJECTED_CODE, REJECTED_ID, REJECTED_RESPONSE
from genetic_udfs.runtime.identifier import quoted
from genetic_udfs.store.presence import last_generation
from genetic_udfs.store.schema import CANDIDATES, REPLIES
from genetic_udfs.store.tables import Store

# Classes of SQL's states that are about what a condition says: how many rows a subquery gives, values that an
# expression cannot work on, a function from outside, names and rules, and what `raise_error` raises.
_OF_CONDITIONS: Final = ("21", "22", "39", "42", "P0")
# Always free of test items, whichever columns are written.
_ALWAYS: Final = ("instruction", "response", "code", REJECTED_RESPONSE, REJECTED_CODE)


def chosen_generation(store: Store, wanted: int | None) -> int:
    """Return the generation that is exported: the one that is wanted, or the last that is finished.

    Raises:
        StoreError: if the store has none, or the seeds alone.
        ConfigurationError: if it has not that one.
    """
    last = last_generation(store)
    if wanted is not None and wanted > last:
        raise ConfigurationError(f"--generation {wanted}: is not finished; {store.root} has 1 to {last}")
    return last if wanted is None else wanted


def pairs_of(population: DataFrame) -> DataFrame:
    """Return the population without the seeds, which have no solutions."""
    return population.filter(F.col("generation") > 0)


def selected(rows: DataFrame, where: str | None) -> DataFrame:
    """Return the rows of which an SQL condition is true.

    Raises:
        ConfigurationError: if it is no condition, or names a column that is not there.
    """
    if where is None:
        return rows
    try:
        found = rows.where(where)
        _ = found.schema  # makes Spark look at it
        return found
    except AnalysisException as error:
        text = str(error).partition(";\n")[0].strip()
        raise ConfigurationError(f"--where: {text}\nIt has the columns {', '.join(rows.columns)}") from None


@contextmanager
def reading_where(where: str | None) -> Iterator[None]:
    """Raise a `ConfigurationError` where the body fails because of what the condition says."""
    try:
        yield
    except PySparkException as error:
        if where is None or not (error.getSqlState() or "").startswith(_OF_CONDITIONS):
            raise
        raise ConfigurationError(f"--where: {str(error).strip().splitlines()[0]}") from None


def texts_of(columns: Mapping[str, str], rows: DataFrame) -> list[Column]:
    """Return the texts of rows that must not hold a test item: instruction, solution, and whatever else is written.

    Args:
        columns: the columns that are written, each with the SQL expression that makes it.
        rows: pairs, with `id`.

    Returns:
        Columns that hold text; what holds several texts is one.
    """
    read = {word for how in columns.values() for word in re.findall(r"\w+", how)}
    read.update(field.name for field in rows.schema if quoted(field.name) in columns.values())
    found = []
    for place, field in enumerate(rows.schema):
        is_read = field.name in read.union(_ALWAYS) and field.name not in ("id", REJECTED_ID)
        if is_read and _holds_text(field.dataType):
            found.append(_text_in(F.col(quoted(field.name)), field.dataType).alias(f"text_{place}"))
    return found


def _holds_text(kind: DataType) -> bool:
    if isinstance(kind, ArrayType):
        return _holds_text(kind.elementType)
    if isinstance(kind, StructType):
        return any(_holds_text(field.dataType) for field in kind.fields)
    return isinstance(kind, StringType)


def _text_in(value: Column, kind: DataType) -> Column:
    """Return all text of a value of a type that holds some, as one."""
    if isinstance(kind, ArrayType):
        texts = F.transform(value, lambda each: F.coalesce(_text_in(each, kind.elementType), F.lit("")))
        return F.array_join(texts, "\n")
    if isinstance(kind, StructType):
        fields = [field for field in kind.fields if _holds_text(field.dataType)]
        return F.concat_ws("\n", *(_text_in(value.getField(field.name), field.dataType) for field in fields))
    return value


def with_model(pairs: DataFrame, store: Store) -> DataFrame:
    """Add the model that wrote each pair's solution; null where the ledger does not know it."""
    requests = store.read(CANDIDATES).select(F.col("id"), F.col("coder_request").alias("request_id"))
    answers = store.read(REPLIES).filter(F.col("error").isNull())  # a request that failed is asked again
    models = answers.groupBy("request_id").agg(F.min_by("model", "sent_at").alias(MODEL))
    known = requests.join(models, "request_id").select("id", MODEL)
    return pairs.drop(MODEL).join(known, "id", "left")
