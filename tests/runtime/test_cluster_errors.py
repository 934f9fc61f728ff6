"""What goes wrong between driver and cluster is one line that says where and what to do."""

import socket

import pytest

from genetic_udfs.errors import ConfigurationError
from genetic_udfs.runtime.cluster_errors import check_master, cluster_error_in

# As Spark 4.2 says it.
_ABORTED = (
    "An error occurred while calling z:org.apache.spark.api.python.PythonRDD.collectAndServe.\n"
    ": org.apache.spark.SparkException: Job aborted due to stage failure: Task 0 in stage 0.0 failed 4 times, most"
    " recent failure: Lost task 0.3 in stage 0.0 (TID 3) (10.0.0.7 executor 1): "
)
_FRAMES = "\n\tat java.base/java.lang.ProcessBuilder.start(ProcessBuilder.java:1143)\n"


@pytest.mark.parametrize(
    ("cause", "says"),
    [
        (
            'java.io.IOException: Cannot run program "/nowhere/python": error=2, No such file or directory',
            ["cannot run /nowhere/python on 10.0.0.7 (executor 1): No such file or directory", "PYSPARK_PYTHON"],
        ),
        (
            "org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n"
            "pyspark.errors.exceptions.base.PySparkRuntimeError: [PYTHON_VERSION_MISMATCH] Python in worker has"
            " different version: 3.12 than that in driver: 3.11, PySpark cannot run with different minor versions.",
            ["executors have Python 3.12 on 10.0.0.7 (executor 1), the driver has 3.11", "PYSPARK_PYTHON"],
        ),
        (
            "org.apache.spark.api.python.PythonException: Traceback (most recent call last):\n"
            "ModuleNotFoundError: No module named 'pandas'",
            ["the package pandas is missing", "on 10.0.0.7 (executor 1)", "docs/cluster.md"],
        ),
        (
            "ExecutorLostFailure (executor 1 exited caused by one of the running tasks) Reason: Container marked as"
            " failed: container_1 on host: 10.0.0.7. Exit status: 137. Diagnostics: Killed by external signal",
            ["lost again and again", "on 10.0.0.7 (executor 1)", "Exit status: 137", "yarn logs"],
        ),
    ],
)
def test_an_executors_fault_names_its_host_and_what_to_do(cause: str, says: list[str]) -> None:
    error = cluster_error_in(RuntimeError(_ABORTED + cause + _FRAMES))
    assert error is not None
    for words in says:
        assert words in str(error)
    assert "\n" not in str(error)


def test_a_cluster_that_ends_the_application_is_quoted() -> None:
    text = "SparkContext has been shutdown: Master removed our application: FAILED\n\tat a.b(C.java:1)"
    assert str(cluster_error_in(RuntimeError(text))) == (
        "the cluster ended the application: Master removed our application: FAILED; the executors' logs say more"
    )


@pytest.mark.parametrize("text", ["[DIVIDE_BY_ZERO] Division by zero", _ABORTED + "java.lang.OutOfMemoryError"])
def test_what_is_the_jobs_own_fault_is_not_the_clusters(text: str) -> None:
    assert cluster_error_in(RuntimeError(text)) is None


def test_a_master_that_nobody_is_at_is_refused_and_one_of_two_is_enough() -> None:
    with socket.create_server(("127.0.0.1", 0)) as there, socket.create_server(("127.0.0.1", 0)) as closed:
        port, free = there.getsockname()[1], closed.getsockname()[1]
        closed.close()
        check_master({"spark.master": f"spark://127.0.0.1:{free},127.0.0.1:{port}"})
        with pytest.raises(ConfigurationError, match=r"no master answers there .*refused"):
            check_master({"spark.master": f"spark://127.0.0.1:{free}"})


@pytest.mark.parametrize("master", ["spark://nobody", "spark://127.0.0.1:x", "spark://"])
def test_an_address_that_is_none_is_refused_likewise(master: str) -> None:
    with pytest.raises(ConfigurationError, match="no master answers there"):
        check_master({"spark.master": master})


def test_yarn_needs_its_configuration_and_kubernetes_an_image(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HADOOP_CONF_DIR", "YARN_CONF_DIR"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(ConfigurationError, match="HADOOP_CONF_DIR is not set"):
        check_master({"spark.master": "yarn"})
    monkeypatch.setenv("YARN_CONF_DIR", "/etc/hadoop/conf")
    check_master({"spark.master": "yarn"})
    with pytest.raises(ConfigurationError, match=r"set spark\.kubernetes\.container\.image"):
        check_master({"spark.master": "k8s://https://a"})
    check_master({"spark.master": "k8s://https://a", "spark.kubernetes.container.image": "i"})
    check_master({"spark.master": "local[2]"})
    check_master({})
