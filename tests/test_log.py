"""conf/log4j2.properties: what of Spark's own log a person gets to see."""

import pytest
from pyspark.errors import PySparkException
from pyspark.sql import SparkSession

from tests.conftest import PROJECT


@pytest.mark.parametrize(
    ("logger", "message", "is_shown"),
    [
        ("executor.Executor", "Exception in task 0.0 in stage 0.0 (TID 0)", False),
        ("executor.Executor", "Exit as unable to send heartbeats to driver more than 60 times", True),
        ("storage.DiskBlockObjectWriter", "Uncaught exception while reverting partial writes to file", True),
        ("network.client.TransportClientFactory", "Exception while bootstrapping client after 5 ms", True),
        ("network.client.TransportResponseHandler", "Still have 2 requests outstanding when connection is", False),
        ("network.server.TransportRequestHandler", "Error sending result RpcResponse to /10.0.0.1; closing", False),
        ("rpc.netty.Inbox", "An error happened while processing message in the inbox for MapOutputTracker", True),
        ("scheduler.TaskSchedulerImpl", "Exception in statusUpdate", True),
        ("scheduler.TaskSchedulerImpl", "Lost executor 1 on 10.0.0.1: Command exited with code 137", False),
        ("scheduler.TaskSetManager", "Stage 2 contains a task of very large size (4095 KiB). The maximum", False),
        ("scheduler.TaskSetManager", "Lost task 1.0 in stage 0.0 (TID 1): ExecutorLostFailure (executor 1", False),
        ("scheduler.TaskSetManager", "Task 1 in stage 0.0 failed 4 times; aborting job", True),
    ],
)
def test_errors_are_shown_but_for_those_of_a_lost_executor_and_those_that_repeat_another(
    spark: SparkSession, logger: str, message: str, is_shown: bool
) -> None:
    log4j = spark._jvm.org.apache.logging.log4j
    context = log4j.core.LoggerContext("test", None, str(PROJECT / "conf" / "log4j2.properties"))
    context.start()
    settings = context.getConfiguration().getLoggerConfig(f"org.apache.spark.{logger}")
    said = log4j.message.SimpleMessage(message)
    event = log4j.core.impl.Log4jLogEvent.newBuilder().setLevel(log4j.Level.ERROR).setMessage(said).build()
    passes = settings.getLevel().isLessSpecificThan(log4j.Level.ERROR) and not settings.isFiltered(event)
    context.stop()
    assert passes == is_shown


def test_a_query_that_fails_is_not_logged_beside_the_error_that_it_raises(
    spark: SparkSession, capfd: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(PySparkException):
        spark.range(1).where("nosuch > 0.1")
    assert not capfd.readouterr().err
