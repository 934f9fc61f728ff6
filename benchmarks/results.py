"""What every benchmark does: measure the figures it is asked for, print each beside its target, keep it in a file."""

import argparse
import json
import os
import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.processes import PROJECT
from genetic_udfs.store.runs import library_versions

PEERS = ("datasketch", "rensa")


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
            "versions": library_versions(*PEERS),
        }
        with self._file.open("a") as out:
            print(json.dumps(row), file=out)


Figure = Callable[[Results, argparse.Namespace], None]


def run_figures(
    name: str, description: str | None, figures: Mapping[str, Figure], *, unasked: tuple[str, ...] = (), **extra: Any
) -> None:
    """Measure the figures that the command line names, or all; exit 1 if one misses its target.

    Args:
        name: of the benchmark and its file of results.
        description: for `--help`.
        figures: by name.
        unasked: figures that are measured by their names alone.
        extra: further options by name: what `add_argument` takes.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("figures", nargs="*", metavar="FIGURE", help=f"of {', '.join(figures)}")
    parser.add_argument("--repeats", type=int, default=3, help="how often each side is measured")
    parser.add_argument("--results", type=Path, default=PROJECT / "benchmarks" / "results" / f"{name}.jsonl")
    for option, settings in extra.items():
        parser.add_argument(f"--{option}", **settings)
    options = parser.parse_args()
    if unknown := set(options.figures) - figures.keys():
        parser.error(f"no such figure: {', '.join(sorted(unknown))}")
    results = Results(options.results)
    for figure in options.figures or [each for each in figures if each not in unasked]:
        print(f"------  {figure}", flush=True)
        figures[figure](results, options)
    sys.exit(1 if results.missed else 0)


def machine() -> dict[str, Any]:
    """What a figure depends on besides the code; no names of machines or paths."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    model = next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine()
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return {
        "cpu": model,
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(memory / 2**30),
        "load": os.getloadavg()[0],
    }


def _listed(values: list[float]) -> str:
    return ", ".join(f"{value:.4g}" for value in values)
