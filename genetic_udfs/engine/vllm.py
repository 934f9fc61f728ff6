"""vLLM's server as a command line and an environment, from an engine's settings. Nothing is started here."""

import importlib.metadata
import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from genetic_udfs.config import MEMORY_SHARE, Engine
from genetic_udfs.runtime.process import python_path

SERVED_MODEL: Final = "engine"
"""The name under which every server of our own serves its model."""

_GIB: Final = 2**30
_FAST_BFLOAT16: Final = {"avx512_bf16", "amx_bf16"}
# What Spark sets for its Python workers, and what would bend a server that inherits it.
_NOT_INHERITED: Final = {
    "OMP_NUM_THREADS",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHASHSEED",
    "PYTHON_WORKER_FACTORY_SECRET",
    "VLLM_API_KEY",  # an endpoint's, maybe; the server would want it from our own feeders
}


@dataclass(frozen=True)
class Machine:
    """What the command depends on besides the settings.

    Args:
        cpu_build: Whether vLLM's CPU build is installed here.
        cpu_flags: The CPU's features, as /proc/cpuinfo names them.
        memory: Bytes of memory.
        gpus: Addresses of the GPUs that Spark gave to the task.
    """

    cpu_build: bool
    cpu_flags: frozenset[str]
    memory: int
    gpus: tuple[str, ...] = ()

    @classmethod
    def here(cls, gpus: Sequence[str] = ()) -> "Machine":
        """Return this machine."""
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
        return cls(_is_cpu_build(), _cpu_flags(), memory, tuple(gpus))


@dataclass(frozen=True)
class Command:
    """A process to start: its arguments, its whole environment, and whether it can be put to sleep."""

    arguments: list[str]
    environment: dict[str, str]
    sleeps: bool = False


def command(engine: Engine, model: str, socket: str, machine: Machine, inherited: Mapping[str, str]) -> Command:
    """Return how to start a vLLM server.

    Args:
        engine: The engine's settings.
        model: A folder or the name of a model on the hub.
        socket: The Unix socket to serve on.
        machine: Where the server will run.
        inherited: The environment to start from; it gets PYTHONPATH from this process's `sys.path`, because a
            Spark worker may have the package from a zip file.
    """
    # `vllm serve` needs the metadata of a distribution named vllm, which the CPU build has not.
    program = [sys.executable, "-m", "vllm.entrypoints.openai.api_server"]
    return Command(
        program + arguments(engine, model, socket, machine),
        environment(engine, model, machine, inherited),
        sleeps(engine, machine),
    )


def arguments(engine: Engine, model: str, socket: str, machine: Machine) -> list[str]:
    """Return the server's arguments; `args` of the configuration come last and win over defaults."""
    given = {name.removeprefix("no-") for name in engine.flags}
    flags: dict[str, bool | int | float | str] = {
        "model": model,
        "served-model-name": SERVED_MODEL,
        "uds": socket,
        "dtype": dtype(engine, machine),
        "max-num-seqs": engine.max_num_seqs,
    }
    if engine.batched_tokens is not None:
        # vLLM's own default for servers is a quarter of that for batches: short waits, less throughput.
        flags["max-num-batched-tokens"] = engine.batched_tokens
    if engine.known_length is not None:
        flags["max-model-len"] = engine.known_length
    if engine.embeds:
        flags["runner"] = "pooling"
    defaults: dict[str, bool | int | float | str] = {"disable-uvicorn-access-log": True}
    if is_eager(engine, machine):
        defaults["enforce-eager"] = True
    if sleeps(engine, machine):
        # Without its CUDA graphs a sleeper leaves more of the memory to the others.
        defaults |= {"enable-sleep-mode": True, "sleep-mode-offload-cudagraph": True}
    if len(machine.gpus) > 1 and not given & {"pipeline-parallel-size", "data-parallel-size"}:
        defaults["tensor-parallel-size"] = len(machine.gpus)
    flags |= {name: value for name, value in defaults.items() if name not in given}
    flags |= engine.flags
    line: list[str] = []
    for name, value in flags.items():
        line += [f"--{name}" if value else f"--no-{name}"] if isinstance(value, bool) else [f"--{name}", str(value)]
    return line


def environment(engine: Engine, model: str, machine: Machine, inherited: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of the server; `env` of the configuration comes last."""
    kept = {name: value for name, value in inherited.items() if name not in _NOT_INHERITED}
    kept["PYTHONPATH"] = python_path()
    kept["VLLM_NO_USAGE_STATS"] = "1"
    if Path(model).is_dir():
        kept["HF_HUB_OFFLINE"] = "1"
    if machine.cpu_build:
        if is_eager(engine, machine):
            # Else single functions are compiled all the same, as when log-probabilities are first asked for.
            kept.setdefault("TORCH_COMPILE_DISABLE", "1")
        # By default one core is left out and the cache takes nearly all memory: both are for machines without
        # Spark.
        kept["VLLM_CPU_NUM_OF_RESERVED_CPU"] = "0"
        if not {"kv-cache-memory-bytes", MEMORY_SHARE} & engine.flags.keys():
            kept.setdefault("VLLM_CPU_KVCACHE_SPACE", str(min(16, max(1, machine.memory // (8 * _GIB)))))
    else:
        kept["VLLM_WORKER_MULTIPROC_METHOD"] = "spawn"
    if sleeps(engine, machine):
        kept["VLLM_SERVER_DEV_MODE"] = "1"  # else the server has no /sleep
    if machine.gpus:
        kept["CUDA_VISIBLE_DEVICES"] = ",".join(machine.gpus)  # Spark assigns GPUs, but does not set this
    return kept | engine.env


def is_eager(engine: Engine, machine: Machine) -> bool:
    """Whether the server compiles nothing: by default on a CPU, where compiling takes minutes and gains little."""
    compiles = engine.flags.get("no-enforce-eager", not machine.cpu_build)
    return bool(engine.flags.get("enforce-eager", not compiles))


def sleeps(engine: Engine, machine: Machine) -> bool:
    """Whether the server can be put to sleep: its weights wait in the host's memory while another has the GPUs."""
    return not machine.cpu_build and bool(engine.flags.get("enable-sleep-mode", engine.sleep))


def dtype(engine: Engine, machine: Machine) -> str:
    """Return the data type to compute in.

    `auto` is the model's own, except on CPUs without bfloat16 instructions, where vLLM compiled for minutes
    and then crawled: there it is float32.
    """
    if engine.dtype != "auto" or not machine.cpu_build:
        return engine.dtype
    return "bfloat16" if machine.cpu_flags & _FAST_BFLOAT16 else "float32"


def _is_cpu_build() -> bool:
    for name in ("vllm-cpu", "vllm"):
        try:
            release = importlib.metadata.version(name)
            return name == "vllm-cpu" or "cpu" in release
        except importlib.metadata.PackageNotFoundError:
            continue
    return False


@cache
def _cpu_flags() -> frozenset[str]:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return frozenset()
    return frozenset(next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), []))
