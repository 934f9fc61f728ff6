"""A SparkSession with Delta, and what this project needs of Spark whatever the configuration says."""

import logging
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

from py4j.java_gateway import JavaClass, JavaMember, JavaPackage, JVMView
from py4j.protocol import Py4JError, Py4JJavaError
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession
from pyspark.traceback_utils import SCCallSiteSync

from genetic_udfs.config import Config
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.cluster_errors import check_master

# Keys that name how many GPUs an executor and a task get.
GPUS_OF_EXECUTOR: Final = "spark.executor.resource.gpu.amount"
GPUS_OF_TASK: Final = "spark.task.resource.gpu.amount"
_EXTENSIONS: Final = "spark.sql.extensions"
# Speculation would ask a model twice. The console bar and a live display write over each other.
_REQUIRED: Final = {
    _EXTENSIONS: "io.delta.sql.DeltaSparkSessionExtension",
    "spark.sql.catalog.spark_catalog": "org.apache.spark.sql.delta.catalog.DeltaCatalog",
    "spark.speculation": "false",
    "spark.ui.showConsoleProgress": "false",
}
# A population's ancestry has more levels and rows than Spark lets a recursive query have by default (100, a million).
_DEFAULTS: Final = {
    "spark.sql.cteRecursionLevelLimit": "100000",
    "spark.sql.cteRecursionRowLimit": "-1",
    # Else each function of a column tells the JVM where this package calls it: three calls more, and a tenth of the
    # time of a small generation. Errors of SQL text, which is the user's, show their place without it.
    "spark.python.sql.dataFrameDebugging.enabled": "false",
}
# PySpark's loggers of failed queries, which write 10 kB of JSON before the same error is raised.
_REPEATING: Final = ("SQLQueryContextLogger", "DataFrameQueryContextLogger")

# The properties of a thread by which Spark names what it starts: in its lists, and where it shows all of the stack.
_CALL_SITE: Final = ("callSite.short", "callSite.long")

# What Hadoop takes for a part of a pattern in a path.
_GLOB: Final = re.compile(r"[\[\]{}*?\\]")

# With Spark's 10,000 rows a batch, none is asked about, and none reported as done, before so many are there.
FEW_ROWS_A_BATCH: Final = {"spark.sql.execution.arrow.maxRecordsPerBatch": "32"}


def open_session(config: Config, name: str = "genetic-udfs") -> SparkSession:
    """Start Spark with Delta as a configuration says, or take the session that spark-submit prepared.

    Args:
        config: its `spark` has the master and Spark's keys.
        name: of the application.

    Raises:
        ConfigurationError: if no master is named anywhere, or Delta's jars are not on the class path.
    """
    if (config.spark.master or "").startswith("local"):
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)  # else workers would run whatever python3 is on PATH
    for logger in _REPEATING:
        logging.getLogger(logger).setLevel(logging.CRITICAL)
    settings = _settings(config)
    check_master(settings)
    builder = SparkSession.builder.appName(name)
    for key, value in (_DEFAULTS | settings | _REQUIRED).items():
        builder = builder.config(key, value)
    extensions = settings.get(_EXTENSIONS)
    if extensions is not None and _REQUIRED[_EXTENSIONS] not in extensions:
        builder = builder.config(_EXTENSIONS, f"{_REQUIRED[_EXTENSIONS]},{extensions}")
    try:
        spark = builder.getOrCreate()
    except PySparkException as error:
        raise ConfigurationError(f"spark: Spark does not start: {error}") from None
    try:
        java_class(spark, "java.lang.Thread").currentThread().getContextClassLoader().loadClass(_REQUIRED[_EXTENSIONS])
    except Py4JJavaError as error:
        if "ClassNotFoundException" not in str(error.java_exception):
            raise
        raise ConfigurationError(
            "Delta's jars are not on Spark's class path; start through ./spark-submit.sh, give spark-submit --packages"
            " io.delta:delta-spark_4.2_2.13:4.4.0, or set spark.conf: {spark.jars.packages:"
            " io.delta:delta-spark_4.2_2.13:4.4.0}"
        ) from None
    spark._jvm.__class__ = _RememberingView
    SCCallSiteSync._spark_stack_depth += 1  # else PySpark takes the names of `named_jobs` away at each `collect`
    _name_jobs(spark.sparkContext, name, name)
    return spark


@contextmanager
def named_jobs(name: str) -> Iterator[None]:
    """Give the jobs and stages that the body starts in this thread a name, for Spark's pages and its event log.

    Spark's own name of each is the place in its code, for which it walks the stack at every step of a plan: a twentieth
    of what the driver computes in a small generation.
    """
    context = SparkContext._active_spark_context
    if context is None:
        yield
        return
    before = [context.getLocalProperty(key) for key in _CALL_SITE]
    _name_jobs(context, name, name)
    try:
        yield
    finally:
        with suppress(Py4JError, OSError):  # not in place of the error with which a job ends whose JVM is gone
            _name_jobs(context, *before)


def _name_jobs(context: SparkContext, *names: str | None) -> None:
    for key, value in zip(_CALL_SITE, names, strict=True):
        context.setLocalProperty(key, value)  # type: ignore[arg-type]


class _Remembering:
    """Keeps what a name in the JVM stands for; py4j asks each time, and Java then looks into every jar of Spark's.

    That was a sixth of what the driver's Python does while it plans a small generation.
    """

    def __getattr__(self, name: str) -> Any:
        found = super().__getattr__(name)  # type: ignore[misc]
        if type(found) in _REMEMBERING:
            found.__class__ = _REMEMBERING[type(found)]
        if isinstance(found, JavaClass | JavaMember | JavaPackage):  # and not the value of a field
            self.__dict__[name] = found
        return found


class _RememberingView(_Remembering, JVMView):  # type: ignore[misc]
    pass


class _RememberingPackage(_Remembering, JavaPackage):  # type: ignore[misc]
    pass


class _RememberingClass(_Remembering, JavaClass):  # type: ignore[misc]
    pass


_REMEMBERING: Final = {JavaPackage: _RememberingPackage, JavaClass: _RememberingClass}


def _settings(config: Config) -> dict[str, str]:
    """Return Spark's settings: the configuration's, and over these what spark-submit was given, as its JVM knows."""
    own = config.spark.properties() | ({"spark.master": config.spark.master} if config.spark.master else {})
    if "PYSPARK_GATEWAY_PORT" not in os.environ:
        return own
    SparkContext._ensure_initialized()
    return own | dict(SparkConf().getAll())


def small_batches(spark: SparkSession) -> AbstractContextManager[None]:
    """Hand rows to Python a few at a time in queries that the body runs, whose rows take seconds: engines, the sandbox.

    All other queries have Spark's own batches, with which functions that take microseconds a row are fast.
    """
    return spark_settings(spark, FEW_ROWS_A_BATCH)


@contextmanager
def spark_settings(spark: SparkSession, settings: Mapping[str, str]) -> Iterator[None]:
    """Give a session other settings while the body runs."""
    before = {key: spark.conf.get(key, None) for key in settings}
    for key, value in settings.items():
        spark.conf.set(key, value)
    try:
        yield
    finally:
        for key, old in before.items():
            if old is None:
                spark.conf.unset(key)
            else:
                spark.conf.set(key, old)


def java_class(spark: SparkSession, name: str) -> Any:
    """Return a class of the driver's JVM by its full name.

    An attribute for each part of the name would look for a class `org`, then `org.apache`, in every jar of Spark's.
    """
    return getattr(spark._jvm, name)


def file_system(spark: SparkSession, path: str) -> tuple[Any, Any]:
    """Return Hadoop's file system of a path, and the path as Hadoop's object."""
    there = java_class(spark, "org.apache.hadoop.fs.Path")(path)
    return there.getFileSystem(spark._jsparkSession.sessionState().newHadoopConf()), there


def literal_path(path: str) -> str:
    """Return a path as the pattern that only it matches; all of Spark's readers but Delta's take patterns."""
    return _GLOB.sub(r"\\\g<0>", path)


def setting(spark: SparkSession, key: str) -> str | None:
    """Return what the application was started with under a key; `getConf` would copy all keys to find one."""
    value = spark.sparkContext._conf.get(key)
    return None if value is None else str(value)


def task_slots(spark: SparkSession) -> int:
    """Return how many tasks the executors that have registered so far can run at once, by their cores and GPUs."""
    cores = spark.sparkContext.defaultParallelism
    gpus, each = setting(spark, GPUS_OF_EXECUTOR), setting(spark, GPUS_OF_TASK)
    cores_each = int(setting(spark, "spark.executor.cores") or 0)
    if not (gpus and each and cores_each):
        return cores
    return max(1, cores // cores_each) * min(cores_each, max(1, int(float(gpus) / float(each))))


def executor_cores(spark: SparkSession) -> int:
    """Return how many tasks an executor can run at once; of those that have registered, where no setting says it."""
    slots = task_slots(spark)
    if not (given := int(setting(spark, "spark.executor.cores") or 0)):
        return max(1, slots // max(1, executors(spark)))
    return max(1, slots // max(1, spark.sparkContext.defaultParallelism // given))


def executors(spark: SparkSession) -> int:
    """Return how many executors have registered so far; with a local master the driver is the only one."""
    if spark.sparkContext._jsc.isLocal():
        return 1
    return len(spark.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) - 1  # Spark counts the driver, too
