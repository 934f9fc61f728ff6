"""`jobs/evolve.py` in a process that can be made to end by SIGKILL, with its JVM, at a point.

`python -m tests.durability.driver CONFIG [--kill-at POINT]`; the point "within append population generation-1" is when
the first file of that commit is written, and the commit is not.
"""

import os
import signal
import sys
import threading
from pathlib import Path
from typing import Any

import yaml

from genetic_udfs.commands.cli.evolve import evolve
from genetic_udfs.commands.job_exit import run_job
from tests.durability import points


def main() -> None:
    if "--kill-at" in sys.argv:
        place = sys.argv.index("--kill-at")
        point = sys.argv[place + 1]
        del sys.argv[place : place + 2]
        population = Path(yaml.safe_load(Path(sys.argv[1]).read_text())["store"]) / "population"
        points.watch(lambda reached: arrive(reached, point, population))
    run_job(evolve, resumable=True)


def arrive(reached: str, point: str, population: Path) -> None:
    if reached == point:
        die()
    if point.startswith("within ") and reached == point.replace("within", "before"):
        threading.Thread(target=die_at_a_new_file, args=[population], daemon=True).start()


def die_at_a_new_file(folder: Path) -> None:
    before = set(folder.glob("*.parquet"))
    while set(folder.glob("*.parquet")) == before:
        pass
    die()


def die(*_: Any) -> None:
    os.killpg(0, signal.SIGKILL)  # the JVM is in the group, too


if __name__ == "__main__":
    main()
