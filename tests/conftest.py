"""Fixtures that every folder of tests shares: one Spark session with Delta for the whole run."""

import hashlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyspark.sql import SparkSession

from genetic_udfs.config import Config, Spark
from genetic_udfs.runtime.session import open_session
from genetic_udfs.store.tables import Store
from tests.made_store import make_store

PROJECT = Path(__file__).resolve().parent.parent
JARS = sorted((PROJECT / ".cache" / "ivy" / "jars").glob("*.jar"))
# Those of jobs, for their class path; Java leaves one aside that is not for it.
CLASS_DATA = sorted((PROJECT / ".cache" / "class-data").glob("*/spark.jsa"), key=os.path.getmtime)
os.environ["SPARK_DIST_CLASSPATH"] = ":".join(map(str, JARS))
# Java's first compiler alone has room for 48 MB of code by default; then it throws out and repeats, half of the time.
QUICK_JVM = ["-XX:TieredStopAtLevel=1", "-XX:ReservedCodeCacheSize=240m", "-XX:+UseSerialGC"]
# The session that all tests share lives long enough for the second compiler to pay, of what is called most alone. Room
# for what is new, and for classes, so that garbage is collected seldom.
HEAP = "2g"
LASTING_JVM = [
    *("-XX:Tier4InvocationThreshold=25000", "-XX:Tier4MinInvocationThreshold=5000", "-XX:Tier4CompileThreshold=60000"),
    *("-XX:ReservedCodeCacheSize=400m", "-XX:+UseSerialGC"),
    *(f"-Xms{HEAP}", "-Xmn900m", "-XX:MetaspaceSize=600m"),
]
CLASSES_AND_LOG = [
    *(f"-XX:SharedArchiveFile={newest}" for newest in CLASS_DATA[-1:]),
    *("-Xlog:disable", "-Xlog:all=error:stderr"),
]
# Many small jobs: compilers, Java's and Spark's own, and plans that are made again in the middle, would take more time
# than they gain.
FOR_LITTLE_DATA = {
    "spark.driver.extraJavaOptions": " ".join([*QUICK_JVM, *CLASSES_AND_LOG]),
    "spark.sql.codegen.wholeStage": False,
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    "spark.sql.adaptive.enabled": False,
    "spark.sql.codegen.cache.maxEntries": 5000,  # Delta's own encoders are compiled, and soon put out of a hundred
    "spark.sql.lightweightPlanChangeValidation": False,
    "spark.sql.ui.explainMode": "simple",
    # Otherwise Hadoop runs `readlink` for each checksum of Delta's log.
    "spark.sql.streaming.checkpointFileManagerClass": (
        "org.apache.spark.sql.execution.streaming.checkpointing.FileSystemBasedCheckpointFileManager"
    ),
}
# What has one of these starts a JVM, a pool of sandboxes, a supervisor of engines, scripts, or a model in this process.
HEAVY = {"spark", "sandbox", "strongest", "executor", "checkout", "tiny_model"}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fast", action="store_true", help="only tests that need no JVM, no engine and no sandbox")
    parser.addoption("--shuffle", metavar="SEED", help="run the files, and the tests of each, in an order by this seed")


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out the tests that start clusters, unless the command line names them: they take minutes."""
    folder = PROJECT / "tests" / "cluster"
    named = any(Path(argument.partition("::")[0]).resolve().is_relative_to(folder) for argument in config.args)
    return True if collection_path == folder and not named else None


def is_fast(item: pytest.Item) -> bool:
    """Whether a test is of pure functions, parsers, configuration or planning."""
    marks = any(item.get_closest_marker(mark) for mark in ("processes", "slow", "vllm"))
    return not marks and HEAVY.isdisjoint(getattr(item, "fixturenames", ()))


def shuffle(items: list[pytest.Item], seed: str) -> None:
    """Put folders, their files, and the tests of each into an order that the seed alone decides."""

    def place(name: object) -> bytes:
        return hashlib.sha256(f"{seed} {name}".encode()).digest()

    def places(item: pytest.Item) -> tuple[bytes, ...]:
        file = item.path.relative_to(PROJECT)
        return place(file.parent), place(file), place(item.nodeid)

    items.sort(key=places)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Files with slow tests come first, so that no process of pytest-xdist is left alone with one at the end."""
    if config.getoption("--fast"):
        config.hook.pytest_deselected(items=[item for item in items if not is_fast(item)])
        items[:] = filter(is_fast, items)
    if (seed := config.getoption("--shuffle")) is not None:
        shuffle(items, seed)
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    """A local session on 2 cores, with partitions to match the size of test data."""
    conf = {
        "spark.driver.memory": HEAP,
        **FOR_LITTLE_DATA,
        "spark.driver.extraJavaOptions": " ".join([*LASTING_JVM, *CLASSES_AND_LOG]),
        "spark.python.daemon.module": "tests.worker_daemon",
        "spark.ui.enabled": False,
        "spark.log.level": "ERROR",
        "spark.sql.shuffle.partitions": 1,  # more where they are the subject
        "spark.databricks.delta.snapshotPartitions": 1,
        "spark.sql.warehouse.dir": str(tmp_path_factory.mktemp("warehouse")),
    }
    settings = Config.model_validate(
        {
            "store": "unused",
            "seeds": "unused",
            "generations": 1,
            "samples_per_generation": 1,
            "engines": {"any": {"model": "any/model"}},
            "roles": {role: {"engine": "any"} for role in ("instructor", "coder", "judge")},
        }
    ).model_copy(update={"spark": Spark(master="local[2]", conf=conf)})
    session = open_session(settings, "tests")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def made_once(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("made") / "store"
    make_store(spark, str(folder))
    return folder


@pytest.fixture
def made(spark: SparkSession, made_once: Path, tmp_path: Path) -> Store:
    """The store that made_store.py writes down, in a copy that a test may change."""
    return Store(spark, str(shutil.copytree(made_once, tmp_path / "made")))


@pytest.fixture(scope="module", autouse=True)
def empty_catalog() -> Iterator[None]:
    """The tables and views of a file's tests are gone for those of other files, which may share its process."""
    yield
    if (session := SparkSession.getActiveSession()) is not None:
        catalog = session._jsparkSession.sessionState().catalog()
        names = catalog.getTempViewNames().mkString("\n")
        for name in filter(None, names.split("\n")):
            session.catalog.dropTempView(name)
        for name in catalog.listTables("default").mkString("\n").split():
            session.sql(f"DROP TABLE {name}")
