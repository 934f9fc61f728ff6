"""What is known on the driver: Java, Python, packages, seeds, models and keys, and whether Spark starts with Delta."""

import os
import re
import subprocess
import sys
from importlib.metadata import version
from typing import Final

from pyspark.sql import SparkSession

from genetic_udfs.commands.checks.finding import Finding, cause_of, failed, ok, skipped, warning
from genetic_udfs.commands.checks.preflight import check_engine, check_seeds
from genetic_udfs.config import Config, Engine
from genetic_udfs.engine.models import BUNDLED
from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.session import open_session
from genetic_udfs.runtime.versions import check_versions

_JAVA: Final = frozenset({17, 21})  # those that Spark 4.2 runs on
_PYTHON: Final = ((3, 11), (3, 12))
_DELTA_JARS: Final = "start through ./spark-submit.sh, which fetches them, or bring them with SPARK_SUBMIT_ARGS"


def java(program: str | None = None) -> Finding:
    """Check the Java that Spark runs on: that of JAVA_HOME, or the one on the PATH."""
    home = os.environ.get("JAVA_HOME")
    program = program or (f"{home}/bin/java" if home else "java")
    fix = "install Java 17 or 21 (Debian, Ubuntu: openjdk-17-jre-headless), or set JAVA_HOME to it"
    try:
        output = subprocess.run([program, "-version"], capture_output=True, text=True, timeout=60, check=False).stderr
    except (OSError, subprocess.TimeoutExpired) as error:
        return failed("Java", f"{program} does not run: {error}", fix)
    found = re.search(r'version "((\d+)[^"]*)"', output)
    if found is None:
        return failed("Java", f"{program} does not tell its version", fix)
    if int(found[2]) not in _JAVA:
        return failed("Java", f"{program} is Java {found[1]}; Spark 4.2 runs on 17 and 21", fix)
    return ok("Java", found[1])


def python(release: tuple[int, int, int] = sys.version_info[:3]) -> Finding:
    """Check the driver's Python."""
    shown = ".".join(map(str, release))
    if release[:2] not in _PYTHON:
        return failed("Python", f"{shown}; 3.11 and 3.12 are supported", "set PYSPARK_PYTHON to one of these")
    return ok("Python", f"{shown}, {sys.executable}")


def packages() -> Finding:
    """Check that pyspark and delta-spark belong together."""
    try:
        check_versions()
    except ConfigurationError as error:
        fix = "install conf/environment.txt, or `pip install .`, into this Python environment"
        return failed("packages", str(error), fix)
    return ok("packages", f"pyspark {version('pyspark')} with delta-spark {version('delta-spark')}")


def seeds(config: Config) -> Finding:
    """Check that there are seeds, and enough of them."""
    try:
        found = check_seeds(config)
    except ConfigurationError as error:
        return failed("seeds", str(error).removeprefix("seeds: "), "name another JSONL file: --set seeds=PATH")
    return ok("seeds", f"{len(found)} in {config.seeds}")


def engine(name: str, settings: Engine) -> Finding:
    """Check an engine's model or its key, as far as the driver knows."""
    what = f"engine {name}: settings"
    try:
        check_engine(name, settings)
    except ConfigurationError as error:
        return failed(what, str(error), _settings_fix(name, settings))
    if settings.url is None:
        return ok(what, f"{settings.model}, served beside the executors")
    key = f", key in {settings.api_key_env}" if settings.api_key_env else ", no key"
    return ok(what, f"{settings.model} at {', '.join(settings.urls)}{key}")


def _settings_fix(name: str, settings: Engine) -> str:
    if settings.url is None:
        return f"--set engines.{name}.model=... a folder with config.json and weights, a name on the hub, or {BUNDLED}"
    key = settings.api_key_env
    return f"export {key}=... before the start; on a cluster set spark.executorEnv.{key} too"


def start_spark(config: Config) -> tuple[SparkSession | None, list[Finding]]:
    """Start Spark, and check its version and Delta's jars.

    Returns:
        The session, None if there is none; without Delta's jars it can run tasks, but not read tables.
    """
    delta = "Delta's jars"
    try:
        spark = open_session(config, "genetic-udfs doctor")
    except Exception as error:  # a wrong master or resource reaches Python as any of several exceptions
        left = SparkSession.getActiveSession()
        if left is None or not isinstance(error, ConfigurationError):
            fix = "check SPARK_HOME, and the section spark of the configuration against docs/cluster.md"
            return None, [failed("Spark", cause_of(error), fix), skipped(delta, "Spark does not start")]
        left.conf.unset("spark.sql.catalog.spark_catalog")  # it names a class that is not there
        return left, [spark_version(left.version, left), failed(delta, "not on Spark's class path", _DELTA_JARS)]
    return spark, [spark_version(spark.version, spark), ok(delta, "on Spark's class path")]


def spark_version(running: str, spark: SparkSession) -> Finding:
    """Check that the Spark which runs is the one that the Python package belongs to."""
    package = version("pyspark")
    if running != package:
        fix = f"set SPARK_HOME to a Spark {package}, or install pyspark=={running} and the delta-spark for it"
        return failed("Spark", f"Spark {running} runs, but the package is pyspark {package}", fix)
    if spark.conf.get("spark.dynamicAllocation.enabled", "false") == "true":
        fix = "set spark.dynamicAllocation.enabled to false and spark.executor.instances to a number"
        return warning("Spark", f"{running}, dynamic allocation is on: an engine ends with its executor", fix)
    return ok("Spark", f"{running} on {spark.sparkContext.master}")
