"""What a failed job says of a store's files: missing, not to be read, or not to be written; as Spark 4.2 says it."""

import pytest
from pyspark.errors import PySparkException

from genetic_udfs.commands.output_table import translate_output_errors
from genetic_udfs.errors import ConfigurationError, StoreError
from genetic_udfs.store.table_errors import table_error_in, translate_table_errors
from genetic_udfs.store.write_errors import write_error_in

FILE = "/store/population/part-00000-aa489f5c-c000.snappy.parquet"
NOT_THERE = (
    f"org.apache.spark.SparkException: [FAILED_READ_FILE.FILE_NOT_EXIST] Encountered error while reading file"
    f" file:{FILE}. File does not exist. It is possible the underlying files have been updated.\n"
)
DENIED = f"{NOT_THERE}Caused by: java.io.FileNotFoundException: {FILE} (Permission denied)"
MISSING = f"{NOT_THERE}Caused by: java.io.FileNotFoundException: File file:{FILE} does not exist"
WRITING = "[TASK_WRITE_FAILED] Task failed while writing rows to file:/out. SQLSTATE: 58030"
NOT_WRITTEN = f"Job aborted due to stage failure: java.io.FileNotFoundException: {FILE} (Permission denied)"
LOG = "java.io.FileNotFoundException: /store/population/_delta_log/.00000000000000000001.json.6b48.tmp"


def failure(text: str, trace: str = "") -> PySparkException:
    error = PySparkException(text)
    error._stackTrace = trace  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize(
    ("error", "of_table", "of_write"),
    [
        (failure(DENIED), "this user may not read a file of this table: part-", None),
        (failure(WRITING, DENIED), "this user may not read a file of this table: part-", None),
        (failure(MISSING), "a file of this table is missing: part-", None),
        (failure(WRITING, MISSING), "a file of this table is missing: part-", None),
        (failure(NOT_WRITTEN), None, "this user may not write there"),
        (failure(f"{LOG} (Permission denied)"), None, "this user may not write there"),
        (failure(WRITING, "java.io.IOException: No space left on device"), None, "the disk is full"),
        (failure("[DIVIDE_BY_ZERO] Division by zero"), None, None),
    ],
)
def test_what_may_not_be_read_is_no_write_error(error: Exception, of_table: str | None, of_write: str | None) -> None:
    found, written = table_error_in(error), write_error_in(error, "/store")
    assert (found is None) == (of_table is None) and (written is None) == (of_write is None)
    if found is not None and of_table is not None:
        assert str(found).startswith(("/store/population: ", "file:/store/population: ")) and of_table in str(found)
    if written is not None and of_write is not None:
        assert of_write in str(written)


def test_an_export_that_may_not_read_its_store_does_not_blame_its_output() -> None:
    with pytest.raises(StoreError, match="may not read"), translate_table_errors(), translate_output_errors("/out"):
        raise failure(WRITING, DENIED)
    with pytest.raises(ConfigurationError, match="/out: cannot be written: the disk is full"), translate_table_errors():  # noqa: SIM117
        with translate_output_errors("/out"):
            raise failure(WRITING, "No space left on device")
