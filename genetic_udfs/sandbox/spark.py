"""Code that is run, as columns: how each of its tests ended, or what calls returned. A worker runs one at a time."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, Final

import pyarrow as pa
from pyspark.sql import Column
from pyspark.sql import functions as F
from pyspark.sql.functions import arrow_udf
from pyspark.sql.pandas.types import to_arrow_type
from pyspark.sql.types import ArrayType, DataType, DoubleType, IntegerType, StringType, StructField, StructType

from genetic_udfs.sandbox.outcomes import answers, examine
from genetic_udfs.sandbox.pool import Sandbox, sandbox_of_this_process
from genetic_udfs.sandbox.tiers import DecidedBy, Limits, Tier

if TYPE_CHECKING:  # a worker has no use for it
    from genetic_udfs.config import Sandbox as Settings

CODE_STATUS: Final = "code_status"
TESTS_STATUS: Final = "tests_status"
TESTS_MESSAGE: Final = "tests_message"
TESTS_DECIDED_BY: Final = "tests_decided_by"
TESTS_PASSED: Final = "tests_passed"
PASS_RATE: Final = "pass_rate"
SANDBOX_TIER: Final = "sandbox_tier"

OUTCOME: Final = StructType(
    [
        StructField(CODE_STATUS, StringType()),
        StructField(TESTS_STATUS, ArrayType(StringType())),
        StructField(TESTS_MESSAGE, ArrayType(StringType())),
        StructField(TESTS_DECIDED_BY, ArrayType(StringType())),
        StructField(TESTS_PASSED, IntegerType()),
        StructField(PASS_RATE, DoubleType()),
        StructField(SANDBOX_TIER, StringType()),
    ]
)
"""What becomes of some code: how running it alone ended, how each test did, in their order, what is known of that, and
who says so (`outside` or `together`; null where it is `unsupported`); how many were passed, their share (null without a
test), and what the code was confined by."""

_NOTHING: Final[dict[str, Any]] = dict.fromkeys(OUTCOME.fieldNames())


def outcome_of(code: Column | str, tests: Column | str | None, settings: "Settings") -> Column:
    """Run code and its tests in the sandbox of the worker that has the row.

    Args:
        code: Python source; a row without is not run, and its outcome has nulls alone.
        tests: An array of tests. Where it is empty or null, or there is none, the code is run without, so that
            `code_status` says whether it can be run at all.
        settings: Of the whole job. On a machine that does not reach `least_tier` it fails with `SandboxError`, and runs
            nothing.

    Returns:
        A struct as `OUTCOME`. Spark computes it once for each row, wherever its fields are used.
    """
    suite = F.lit(None).cast("array<string>") if tests is None else tests
    decided_by = DecidedBy(settings.decided_by)

    def outcome(sandbox: Sandbox, code: str | None, suite: list[str | None] | None) -> dict[str, Any]:
        if code is None:
            return _NOTHING
        outcome = examine(sandbox, code, [test or "" for test in suite or ()], decided_by)
        return {
            CODE_STATUS: outcome.code.name,
            TESTS_STATUS: [test.name for test in outcome.tests],
            TESTS_MESSAGE: [test.message for test in outcome.tests],
            TESTS_DECIDED_BY: [test.decided_by for test in outcome.tests],
            TESTS_PASSED: outcome.tests_passed,
            PASS_RATE: outcome.pass_rate,
            SANDBOX_TIER: outcome.tier,
        }

    return _column(outcome, OUTCOME, code, suite, settings)


def answers_of(code: Column | str, calls: Column | str, settings: "Settings") -> Column:
    """Return what calls of some code's functions return, as `outcomes.answers` does; null of null."""

    def answered(sandbox: Sandbox, code: str | None, calls: list[str] | None) -> list[str | None] | None:
        return None if code is None or calls is None else answers(sandbox, code, calls)

    return _column(answered, ArrayType(StringType()), code, calls, settings)


def _column(
    of: Callable[[Sandbox, Any, Any], Any],
    kind: DataType,
    code: Column | str,
    texts: Column | str,
    settings: "Settings",
) -> Column:
    arrow, least = to_arrow_type(kind), Tier(settings.least_tier)
    limits = Limits(settings.cpu_seconds, settings.wall_seconds, settings.memory_mb)

    def computed(batches: Iterator[tuple[pa.Array, pa.Array]]) -> Iterator[pa.Array]:
        sandbox = sandbox_of_this_process(least, limits)
        for codes, several in batches:
            rows = zip(_texts(codes, pa.large_binary()), _texts(several, pa.list_(pa.large_binary())), strict=True)
            yield pa.array([of(sandbox, *row) for row in rows], arrow)

    udf: Any = arrow_udf(computed, kind)  # type: ignore[call-overload]
    column: Column = udf.asNondeterministic()(code, texts)
    return column


def _texts(values: pa.Array, as_bytes: pa.DataType) -> Iterator[Any]:
    """Yield texts, or lists of texts; bytes that are no UTF-8 are replaced, since Spark checks no encoding."""
    for value in values.cast(as_bytes).to_pylist():
        if isinstance(value, list):
            yield [None if each is None else each.decode("utf-8", "replace") for each in value]
        else:
            yield None if value is None else value.decode("utf-8", "replace")
