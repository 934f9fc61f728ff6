"""A standalone cluster of pyspark's own classes on this machine: a master and workers that have GPUs by a script."""

import os
import signal
import socket
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pyspark

from tests.cluster.environment import discovery_script
from tests.conftest import QUICK_JVM
from tests.engine.conftest import eventually

SPARK_HOME: Final = Path(pyspark.__file__).parent
_PATIENCE: Final = 1200.0
_OWN_MOUNTS: Final = ("unshare", "--mount", "--propagation", "private")


@dataclass
class Standalone:
    """The cluster: where its master is, its workers' processes."""

    folder: Path
    hidden: Path | None = None
    url: str = ""
    processes: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def start_master(self) -> None:
        port = free_port()
        self._start("master", "org.apache.spark.deploy.master.Master", "--port", str(port), "--webui-port", "0")
        self._wait("master", "New state: ALIVE")
        self.url = f"spark://127.0.0.1:{port}"

    def start_worker(self, name: str, *gpus: str, cores: int = 1) -> None:
        """Start a worker, or one that was killed again."""
        script = discovery_script(self.folder / f"{name}-gpus.sh", *gpus)
        resources = {
            "spark.worker.resource.gpu.amount": len(gpus),
            "spark.worker.resource.gpu.discoveryScript": script,
        }
        options = " ".join(f"-D{key}={value}" for key, value in resources.items()) if gpus else ""
        work = self.folder / name
        work.mkdir(exist_ok=True)
        self._start(
            name,
            "org.apache.spark.deploy.worker.Worker",
            *("--cores", str(cores), "--memory", "2g", "--port", "0", "--webui-port", "0", "--work-dir", str(work)),
            self.url,
            SPARK_WORKER_OPTS=options,
        )

    def wait_for_workers(self, names: Sequence[str]) -> None:
        for name in names:
            self._wait(name, "Successfully registered with master")

    def executors_of(self, worker: str) -> list[int]:
        """The JVMs of executors that run in a worker's folder."""
        found = []
        for entry in Path("/proc").iterdir():
            try:
                cwd = (entry / "cwd").readlink() if entry.name.isdigit() else None
                is_java = cwd is not None and (entry / "comm").read_text().strip() == "java"
            except OSError:
                continue
            if is_java and cwd is not None and cwd.is_relative_to(self.folder / worker):
                found.append(int(entry.name))
        return found

    def kill(self, name: str) -> None:
        """End a worker and its executors as a machine that loses its power would."""
        executors = self.executors_of(name)
        self.processes.pop(name).kill()
        for executor in executors:
            os.kill(executor, signal.SIGKILL)

    def stop(self) -> None:
        for process in self.processes.values():
            process.terminate()
        for process in self.processes.values():
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text(errors="replace")

    def _start(self, name: str, main: str, *arguments: str, **environment: str) -> None:
        inherited = {
            key: value
            for key, value in os.environ.items()
            if not key.startswith(("SPARK", "PYSPARK")) and key != "PYTHONPATH"
        }
        with (self.folder / f"{name}.log").open("wb") as log:
            self.processes[name] = subprocess.Popen(
                [
                    *self._wrapper(name),
                    str(SPARK_HOME / "bin" / "spark-class"),
                    main,
                    "--host",
                    "127.0.0.1",
                    *arguments,
                ],
                env={
                    **inherited,
                    "SPARK_HOME": str(SPARK_HOME),
                    "SPARK_LOCAL_IP": "127.0.0.1",
                    "SPARK_LOCAL_DIRS": str(self.folder / "local"),
                    "SPARK_DAEMON_JAVA_OPTS": " ".join(QUICK_JVM),
                    "SPARK_DAEMON_MEMORY": "256m",
                    "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
                    **environment,
                },
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    def _wrapper(self, name: str) -> list[str]:
        """Return what has a worker and its executors see an empty folder in place of the hidden one, if that can be."""
        if name == "master" or self.hidden is None or not can_hide():
            return []
        return [*_OWN_MOUNTS, "sh", "-c", 'mount -t tmpfs tmpfs "$0" && exec "$@"', str(self.hidden)]

    def _wait(self, name: str, words: str) -> None:
        process = self.processes[name]
        eventually(lambda: words in self.log(name) or process.poll() is not None, _PATIENCE)
        assert words in self.log(name), self.log(name)


def can_hide() -> bool:
    """Whether a process may have mounts of its own here."""
    return subprocess.run([*_OWN_MOUNTS, "true"], capture_output=True).returncode == 0


@contextmanager
def standalone(
    folder: Path, workers: dict[str, Sequence[str]], *, cores: int = 1, hidden: Path | None = None
) -> Iterator[Standalone]:
    """Start a cluster, and stop it in the end.

    Args:
        folder: For logs and the workers' folders; its path must be short, as sockets are made below it.
        workers: The addresses of each worker's GPUs, by its name.
        cores: Of each worker.
        hidden: A folder that the driver alone sees.
    """
    cluster = Standalone(folder, hidden)
    try:
        cluster.start_master()
        for name, gpus in workers.items():
            cluster.start_worker(name, *gpus, cores=cores)
        cluster.wait_for_workers([*workers])
        yield cluster
    finally:
        cluster.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
