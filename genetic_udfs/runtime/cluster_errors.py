"""What goes wrong between a driver and its cluster, as an error of ours in place of Java's trace."""

import os
import re
import socket
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

from genetic_udfs.errors import ClusterError, ConfigurationError
from genetic_udfs.runtime.error_text import text_of

_CONNECT: Final = 5.0  # seconds
# Where a task ran: its host and its executor, which is `driver` with a local master.
TASK_PLACE: Final = re.compile(r"\(TID \d+\) \((\S+) executor (\S+?)\)")
_NO_PYTHON: Final = re.compile(r'Cannot run program "([^"]+)"[^:\n]*: (?:error=\d+, )?([^\n]*)')
_OTHER_PYTHON: Final = re.compile(r"Python in worker has different version:? (\S+?) than that in driver:? (\d+\.\d+)")
_NO_MODULE: Final = re.compile(r"(?:ModuleNotFoundError|ImportError): No module named '([\w.]+)'")
_LOST: Final = re.compile(r"ExecutorLostFailure \(executor (\S+)[^)]*\) Reason: ([^\n]*)")
_ENDED: Final = re.compile(
    r"(Master removed our application[^\n]*|All masters are unresponsive[^\n]*"
    r"|YARN application has exited unexpectedly[^\n]*|Max number of executor failures[^\n]*)"
)
_SAME: Final = "driver and executors need the same environment (docs/cluster.md)"


def cluster_error_in(exception: BaseException) -> ClusterError | None:
    """Return why executors could not run a job, where it is their fault and not the job's; else None.

    Args:
        exception: What an action raised on the driver.
    """
    text = text_of(exception)
    place = TASK_PLACE.search(text)
    where = f" on {place[1]} (executor {place[2]})" if place else ""
    if found := _NO_PYTHON.search(text):
        return ClusterError(
            f"executors cannot run {found[1]}{where}: {found[2].strip()}; PYSPARK_PYTHON has to name a Python that is"
            " there on every host"
        )
    if found := _OTHER_PYTHON.search(text):
        return ClusterError(
            f"executors have Python {found[1].rstrip(',.')}{where}, the driver has {found[2]}; {_SAME}: PYSPARK_PYTHON"
            " names theirs"
        )
    if found := _NO_MODULE.search(text):
        return ClusterError(f"the package {found[1]} is missing from the executors' Python{where}; {_SAME}")
    if "Job aborted" in text and (found := _LOST.search(text)):
        return ClusterError(
            f"executors were lost again and again, the last one{where or f' (executor {found[1]})'}:"
            f" {found[2].strip()}; their logs say more (on YARN: yarn logs -applicationId ...)"
        )
    if found := _ENDED.search(text):
        return ClusterError(f"the cluster ended the application: {found[1].strip()}; the executors' logs say more")
    return None


def check_master(conf: Mapping[str, str]) -> None:
    """Check what Spark would look for in vain, or wait for a minute long.

    Args:
        conf: Spark's configuration.

    Raises:
        ConfigurationError: naming the master, and what to do.
    """
    master = conf.get("spark.master") or ""
    if master == "yarn" and not (os.environ.get("HADOOP_CONF_DIR") or os.environ.get("YARN_CONF_DIR")):
        raise ConfigurationError(
            "spark.master yarn: HADOOP_CONF_DIR is not set; export the folder with the cluster's core-site.xml and"
            " yarn-site.xml"
        )
    images = ("spark.kubernetes.container.image", "spark.kubernetes.executor.container.image")
    if master.startswith("k8s://") and not any(conf.get(key) for key in images):
        raise ConfigurationError(
            f"spark.master {master}: no image is named for the executors; set spark.kubernetes.container.image"
            " (conf/kubernetes/Dockerfile makes one)"
        )
    if master.startswith("spark://"):
        faults = [fault for address in urlsplit(master).netloc.split(",") if (fault := _unreachable(address))]
        if len(faults) == len(urlsplit(master).netloc.split(",")):
            raise ConfigurationError(
                f"spark.master {master}: no master answers there ({'; '.join(faults)}); start it (docs/cluster.md,"
                " Standalone), or correct --master"
            )


def _unreachable(address: str) -> str:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), _CONNECT):
            return ""
    except (OSError, ValueError) as error:
        return f"{address}: {error}"
