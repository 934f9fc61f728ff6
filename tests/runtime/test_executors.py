"""What is said of executors: none, lost ones, new ones; and of what the cluster has for them."""

from pyspark import SparkConf
from pyspark.sql import SparkSession

from genetic_udfs.runtime.executors import ExecutorWatch, wanted
from genetic_udfs.runtime.offers import Host, describe, describe_offer


def watch() -> ExecutorWatch:
    return ExecutorWatch("2 cores", lambda: "YARN has no nodes")


def test_while_none_comes_it_is_said_every_15_s() -> None:
    watched, said = watch(), {}
    for second in range(0, 40, 2):
        if lines := watched.lines(frozenset(), float(second)):
            said[second] = lines
    assert said == {
        16: ["no executor for 16 s; each requests 2 cores; YARN has no nodes"],
        32: ["no executor for 32 s; each requests 2 cores; YARN has no nodes"],
    }


def test_those_that_come_at_first_are_no_news() -> None:
    watched = watch()
    assert watched.lines(frozenset(), 0.0) == watched.lines(frozenset({"a:1", "b:1"}), 2.0) == []


def test_one_that_is_lost_and_one_that_comes_are_a_line_each() -> None:
    watched = watch()
    watched.lines(frozenset({"a:1", "b:1"}), 0.0)
    assert watched.lines(frozenset({"a:1"}), 2.0) == ["lost executor b:1: 1 left; their tasks are run again"]
    assert watched.lines(frozenset({"a:1"}), 90.0) == []
    assert watched.lines(frozenset({"a:1", "c:7"}), 92.0) == ["executor c:7 came: 2 now"]


def test_many_that_are_lost_at_once_are_one_line() -> None:
    watched = watch()
    watched.lines(frozenset(f"{name}:1" for name in "abcde"), 0.0)
    assert watched.lines(frozenset(), 2.0) == [
        "lost executors a:1, b:1, c:1 and 2 more: none is left; their tasks are run again"
    ]
    assert watched.lines(frozenset(), 17.0) == ["no executor for 15 s; each requests 2 cores; YARN has no nodes"]


def test_what_an_executor_is_to_have_is_what_spark_was_asked_for() -> None:
    conf = SparkConf(loadDefaults=False)
    assert wanted(conf) == "the cores of a worker, 1g of memory"
    for key, value in {"cores": "8", "memory": "16g", "memoryOverhead": "32g", "resource.gpu.amount": "2"}.items():
        conf.set(f"spark.executor.{key}", value)
    assert wanted(conf) == "8 cores, 16g of memory (and 32g beside the JVM on YARN and Kubernetes), 2 GPUs"


def test_what_a_cluster_has_is_said_by_kinds_of_hosts() -> None:
    assert describe("YARN", "nodes", []) == "YARN has no nodes"
    hosts = [Host(2, 2048, 1), Host(2, 2048, 1), Host(4, 1024, 0)]
    assert describe("YARN", "nodes", hosts) == (
        "YARN has 3 nodes (with 4 cores, 1.0 GiB, 0 GPUs; 2 cores, 2.0 GiB, 1 GPUs)"
    )


def test_a_master_that_says_nothing_is_named(spark: SparkSession) -> None:
    assert describe_offer(spark) == "the master is local[2]"
