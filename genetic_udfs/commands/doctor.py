"""`jobs/doctor.py`: checks, before a long run, everything that the run needs, and says what to do about the rest.

Exit codes: 0 nothing failed, 1 something did, 2 the configuration cannot be read.
"""

import threading
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import closing
from pathlib import Path

import typer
from pyspark.sql import SparkSession

from genetic_udfs.commands.checks import driver, engines, executors, sandbox, storage
from genetic_udfs.commands.checks.finding import Finding, Status, cause_of, failed, skipped
from genetic_udfs.commands.checks.reach import Reached, reach
from genetic_udfs.commands.checks.visit import versions
from genetic_udfs.commands.job_exit import install_signal_handlers
from genetic_udfs.config import Config, Engine
from genetic_udfs.config.file import load_config
from genetic_udfs.data.text import printable
from genetic_udfs.engine.failure import engine_error_in
from genetic_udfs.engine.gpus import AMOUNT, TASK_AMOUNT
from genetic_udfs.runtime.cluster_errors import cluster_error_in
from genetic_udfs.runtime.executors import wanted, watch_executors
from genetic_udfs.runtime.offers import describe_offer
from genetic_udfs.runtime.stopping import Stopped, shutting_down, stop_requested


def doctor(config: Path, overrides: list[str] | None = None) -> None:
    """Check everything that a run with this configuration needs; each line is printed as soon as it is known."""
    settings = load_config(config, overrides or [])
    counts: Counter[Status] = Counter()
    with closing(examine(settings)) as findings:
        for finding in findings:
            if stop_requested.is_set():
                shutting_down.set()
                raise Stopped("asked to stop")
            print(printable(str(finding)), flush=True)
            counts[finding.status] += 1
    print(", ".join(f"{counts[status]} {status}" for status in Status))
    if counts[Status.FAILED]:
        raise typer.Exit(1)


def examine(config: Config) -> Generator[Finding, None, None]:
    """Make all checks, in this order; what cannot be checked after a failure is skipped, all else goes on."""
    java = driver.java()
    yield java
    yield driver.python()
    yield driver.packages()
    yield driver.seeds(config)
    faults = {}
    for name, engine in config.engines.items():
        finding = driver.engine(name, engine)
        if finding.status is Status.FAILED:
            faults[name] = "its settings failed"
        yield finding
    if java.status is Status.FAILED:
        yield from without_spark(config, "Java is not in order")
        return
    _announce("Spark: starting")
    spark, findings = driver.start_spark(config)
    install_signal_handlers()
    yield from findings
    if spark is None:
        yield from without_spark(config, "Spark does not start")
        return
    ended = threading.Event()
    threading.Thread(target=watch_executors, args=[spark, _announce, ended], name="watch", daemon=True).start()
    try:
        yield from with_spark(spark, config, faults, has_delta=findings[-1].status is Status.OK)
    finally:
        ended.set()
        spark.stop()


def with_spark(spark: SparkSession, config: Config, faults: dict[str, str], *, has_delta: bool) -> Iterator[Finding]:
    """Make the checks that need Spark.

    Args:
        spark: The session.
        config: The configuration.
        faults: Why an engine, by name, cannot be asked; more are added here.
        has_delta: Whether tables can be read and written.
    """
    used = config.used_engines()
    _announce("executors: waiting for them")
    try:
        reached = reach(spark, used)
    except Exception as error:
        yield _unreached(error, spark)
        yield from without_executors(config, "no executor can be used")
        return
    yield executors.all_reached(reached)
    for number, seen in enumerate(reached.visits, start=1):
        yield executors.place(number, seen)
    yield from _executors_findings(spark, used, reached, faults)
    if has_delta:
        _announce("store: writing a table")
        yield storage.is_writable(spark, config.store)
    else:
        yield skipped("store", "Delta's jars are missing")
    yield storage.space(spark, config.store)
    if config.runs_code:
        _announce("sandbox: trying in every task slot what no code may do")
        yield sandbox.reaches_tier(spark, config.sandbox)
    for name, engine in used.items():
        if name in faults:
            yield skipped(f"engine {name}: answers", faults[name])
            continue
        if engine.url is None:
            _announce(f"engine {name}: starting on {len(reached.visits)} executors, at most {engine.start_timeout} s")
        yield engines.answers(spark, config, name, len(reached.visits))


def _executors_findings(
    spark: SparkSession, used: dict[str, Engine], reached: Reached, faults: dict[str, str]
) -> Iterator[Finding]:
    """Check what each executor has, and note why engines cannot be asked."""
    served = {name: engine for name, engine in used.items() if engine.url is None}
    conf, visits = spark.sparkContext.getConf(), reached.visits
    amounts = conf.get(AMOUNT), conf.get(TASK_AMOUNT)
    for finding, fault in (
        (executors.gpus(*amounts, served, visits), "the check of the GPUs failed"),
        (executors.same_versions(versions(), visits), ""),
        (executors.package(visits), "this package is not in order"),
        (executors.vllm(served, visits), "vLLM is not in order"),
    ):
        yield finding
        if finding.status is Status.FAILED and fault:
            for name in served:
                faults.setdefault(name, fault)
    for name, engine in used.items():
        findings = []
        if engine.url is None:
            findings.append(executors.has_model(name, visits))
        else:
            findings.append(executors.is_reachable(name, engine, visits))
            if engine.api_key_env is not None:
                findings.append(executors.has_key(name, engine, visits))
        for finding in findings:
            yield finding
            if finding.status is Status.FAILED:
                faults.setdefault(name, "a check of it above failed")


def _unreached(error: Exception, spark: SparkSession) -> Finding:
    """Return why no task could run."""
    known = engine_error_in(error) or cluster_error_in(error)
    text = str(known or (error if isinstance(error, TimeoutError) else cause_of(error)))
    fix = "make the executors' Python environment that of the driver: PYSPARK_PYTHON, --py-files (docs/cluster.md)"
    if isinstance(error, TimeoutError):
        text += f"; each executor requests {wanted(spark.sparkContext.getConf())}; {describe_offer(spark)}"
        fix = (
            "ask for what one host has free: spark.executor.cores, .memory, .resource.gpu.amount; wait for other"
            " applications to end, or look at the logs of executors that do not start"
        )
    return failed("executors", text, fix)


def without_spark(config: Config, because: str) -> Iterator[Finding]:
    """Say what was not checked because there is no Spark."""
    yield skipped("executors", because)
    yield from without_executors(config, because)


def without_executors(config: Config, because: str) -> Iterator[Finding]:
    """Say what was not checked because no task runs."""
    of_engines = []
    for name, engine in config.used_engines().items():
        of_engines.append(f"engine {name}: {'model' if engine.url is None else 'reachable'}")
        if engine.url is not None and engine.api_key_env is not None:
            of_engines.append(f"engine {name}: key")
    for name in (
        *("GPUs", "versions", "package", "vLLM"),
        *of_engines,
        *("store", "store's disk"),
        *(["sandbox"] if config.runs_code else []),
        *(f"engine {name}: answers" for name in config.used_engines()),
    ):
        yield skipped(name, because)


def _announce(what: str) -> None:
    print(f"{'...':<10}{what}", flush=True)
