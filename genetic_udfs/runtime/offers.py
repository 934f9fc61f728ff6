"""What a cluster has for executors, in a few words, as far as its manager says it."""

from collections.abc import Iterable
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from pyspark.sql import SparkSession

_MIB: Final = 2**10  # in GiB
_YARN_GPU: Final = "yarn.io/gpu"


class Host(NamedTuple):
    """What a worker or a node has: cores, MiB of memory, GPUs."""

    cores: int
    memory: int
    gpus: int


def describe_offer(spark: SparkSession) -> str:
    """Return what the cluster of a session has."""
    master = str(spark.sparkContext.master)
    try:
        if master.startswith("spark://"):
            hosts, applications = _of_standalone(spark, master)
            others = f"; {applications - 1} other applications run there" if applications > 1 else ""
            return describe(master, "workers", hosts) + others
        if master == "yarn":
            return describe("YARN", "nodes", _of_yarn(spark)) + " free"
    except Exception:  # a manager that does not answer; the line goes without
        return f"what {master} has is not known: it did not answer"
    if master.startswith("k8s://"):
        application = spark.sparkContext.applicationId
        return (
            f"`kubectl get pods -l spark-app-selector={application}` and `kubectl describe pod` say what they wait for"
        )
    return f"the master is {master}"


def describe(cluster: str, kind: str, hosts: Iterable[Host]) -> str:
    """Return what the hosts of a cluster have, the largest first."""
    found = sorted(set(hosts := list(hosts)), reverse=True)
    if not found:
        return f"{cluster} has no {kind}"
    each = [f"{cores} cores, {memory / _MIB:.1f} GiB, {gpus} GPUs" for cores, memory, gpus in found[:3]]
    return f"{cluster} has {len(hosts)} {kind} (with {'; '.join(each)}{'; ...' if len(found) > 3 else ''})"


def _of_standalone(spark: SparkSession, master: str) -> tuple[list[Host], int]:
    """Ask the master for its workers; what of them is free it tells its own page alone."""
    jvm: Any = spark._jvm
    message = getattr(getattr(jvm, "org.apache.spark.deploy.DeployMessages$RequestMasterState$"), "MODULE$")
    answer_class = getattr(jvm, "java.lang.Class").forName("org.apache.spark.deploy.DeployMessages$MasterStateResponse")
    tag = getattr(getattr(jvm, "scala.reflect.ClassTag$"), "MODULE$").apply(answer_class)
    environment: Any = spark.sparkContext._jsc.sc().env().rpcEnv()
    for address in urlsplit(master).netloc.split(","):
        host, _, port = address.rpartition(":")
        there = getattr(jvm, "org.apache.spark.rpc.RpcAddress")(host, int(port))
        state = environment.setupEndpointRef(there, "Master").askSync(message, tag)
        if state.status().toString() == "ALIVE":
            break
    hosts = []
    for worker in state.workers():
        gpus = worker.resources().get("gpu")
        hosts.append(Host(worker.cores(), worker.memory(), gpus.get().addresses().size() if gpus.isDefined() else 0))
    return hosts, len(state.activeApps())


def _of_yarn(spark: SparkSession) -> list[Host]:
    jvm: Any = spark._jvm
    gateway: Any = spark.sparkContext._gateway
    client = getattr(jvm, "org.apache.hadoop.yarn.client.api.YarnClient").createYarnClient()
    client.init(spark.sparkContext._jsc.hadoopConfiguration())
    client.start()
    try:
        running = gateway.new_array(getattr(jvm, "org.apache.hadoop.yarn.api.records.NodeState"), 1)
        running[0] = getattr(jvm, "org.apache.hadoop.yarn.api.records.NodeState").RUNNING
        hosts = []
        for node in client.getNodeReports(running):
            has, used = node.getCapability(), node.getUsed()
            cores = has.getVirtualCores() - used.getVirtualCores()
            hosts.append(Host(cores, has.getMemorySize() - used.getMemorySize(), _gpus(has) - _gpus(used)))
        return hosts
    finally:
        client.stop()


def _gpus(resource: Any) -> int:
    found = [each.getValue() for each in resource.getResources() if each.getName() == _YARN_GPU]
    return int(found[0]) if found else 0
