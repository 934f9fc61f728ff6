"""A YARN on this machine: a resource manager and two node managers, each with GPUs, in one JVM.

Its jars are those of Hadoop's mini cluster, which tests/run.sh --cluster fetches; all others are Spark's own. GPUs are
a number that nodes are said to have: nothing isolates containers from each other's.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from py4j.java_gateway import GatewayParameters, JavaGateway, launch_gateway

from tests.cluster.standalone import SPARK_HOME
from tests.conftest import PROJECT, QUICK_JVM

JARS: Final = PROJECT / ".cache" / "yarn"
_NODES: Final = 2
_SETTINGS: Final = {
    "fs.defaultFS": "file:///",
    "yarn.resource-types": "yarn.io/gpu",
    "yarn.nodemanager.resource-type.yarn.io/gpu": "2",
    "yarn.scheduler.capacity.resource-calculator": "org.apache.hadoop.yarn.util.resource.DominantResourceCalculator",
    "yarn.scheduler.capacity.maximum-am-resource-percent": "1.0",
    "yarn.scheduler.minimum-allocation-mb": "128",
    "yarn.scheduler.capacity.root.queues": "default",
    "yarn.scheduler.capacity.root.default.capacity": "100",
    "yarn.nodemanager.resource.cpu-vcores": "4",
    "yarn.nodemanager.vmem-check-enabled": "false",
    "yarn.nodemanager.pmem-check-enabled": "false",
    "yarn.nodemanager.disk-health-checker.enable": "false",
    "yarn.nodemanager.delete.debug-delay-sec": "600",
    "yarn.resourcemanager.hostname": "127.0.0.1",
    "yarn.nodemanager.hostname": "127.0.0.1",
    "yarn.nodemanager.env-whitelist": "JAVA_HOME,PATH",
}


@contextmanager
def yarn(folder: Path) -> Iterator[Path]:
    """Start it in a folder, and stop it in the end; gives the folder for HADOOP_CONF_DIR."""
    folder.mkdir()
    jars = [*JARS.glob("jars/*.jar"), *SPARK_HOME.glob("jars/hadoop-client-*.jar")]
    for name in ("log4j", "slf4j-api", "jcl-over-slf4j", "py4j", "commons-", "guava", "metrics-core", "jackson"):
        jars += SPARK_HOME.glob(f"jars/{name}*.jar")
    settings = folder / "conf"
    settings.mkdir()
    (settings / "log4j2.properties").write_text("rootLogger.level = warn\n")
    class_path = ":".join(map(str, [settings, *jars]))
    with (folder / "log").open("w") as log:
        port, process = launch_gateway(
            classpath=class_path,
            javaopts=["-Xmx768m", *QUICK_JVM],
            die_on_exit=True,
            redirect_stdout=log,
            redirect_stderr=log,
            java_path=f"{java_home()}/bin/java",
            return_proc=True,
            cwd=str(folder),
        )
        gateway = JavaGateway(gateway_parameters=GatewayParameters(port=port, auto_convert=True))
        try:
            _start(gateway.jvm, settings)
            yield settings
        except Exception as error:
            print((folder / "log").read_text()[-4000:])
            raise error
        finally:
            gateway.shutdown()
            _end(process)


def _start(jvm: Any, settings: Path) -> None:
    conf = jvm.org.apache.hadoop.yarn.conf.YarnConfiguration()
    for key, value in _SETTINGS.items():
        conf.set(key, value)
    jvm.org.apache.hadoop.yarn.util.resource.ResourceUtils.resetResourceTypes(conf)
    cluster = jvm.org.apache.hadoop.yarn.server.MiniYARNCluster("genetic", _NODES, 1, 1)
    cluster.init(conf)
    cluster.start()
    if not cluster.waitForNodeManagersToConnect(60_000):
        raise RuntimeError("the node managers did not connect in 60 s")
    out = jvm.java.io.FileOutputStream(str(settings / "yarn-site.xml"))
    cluster.getConfig().writeXml(out)
    out.close()
    (settings / "core-site.xml").write_text(
        "<configuration><property><name>fs.defaultFS</name><value>file:///</value></property></configuration>"
    )


def _end(process: "subprocess.Popen[bytes]") -> None:
    try:
        process.wait(3)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def java_home() -> str:
    """Where containers find Java."""
    return os.environ.get("JAVA_HOME") or str(Path(shutil.which("java") or "java").resolve().parents[1])
