"""The command `genetic-udfs`, which pip installs: each job of `jobs/` by its name, where Spark is there already."""

import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any, Final

from genetic_udfs.commands.job_exit import run_job

# What each does, for the list of them; whatever else `--help` tells comes from the job's own file.
JOBS: Final = {
    "evolve": "make generations of instruction/solution pairs",
    "doctor": "check a configuration, the machines and the engines before a long run",
    "sql": "query a store's tables",
    "history": "list generations, their costs and what changed between runs",
    "lineage": "print a pair's ancestors or descendants",
    "compare": "put two stores side by side",
    "report": "write what came of a run as one HTML file",
    "export": "write pairs as a data set that trainers read",
    "rejudge": "ask another judge about a generation",
    "maintain": "compact tables and remove unreferenced files",
    "dedup": "find near-duplicates in any table",
    "decontaminate": "find items of test sets in any table",
    "verify": "run code of any table against its tests",
    "evaluate": "measure pass@k of an engine",
}
# Those that continue what was stopped when they are started again.
_RESUMABLE: Final = {"evolve", "rejudge"}


def main() -> None:
    """Run the job that the first argument names; without one, list them."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    asks = name in {"-h", "--help"}
    if name not in JOBS:
        usage = ["usage: genetic-udfs JOB CONFIG ...; `genetic-udfs JOB --help` tells more", ""]
        usage += [f"  {job:<14}{does}" for job, does in JOBS.items()]
        print("\n".join(usage), file=sys.stdout if asks else sys.stderr)
        sys.exit(0 if asks else 2)
    sys.argv[:2] = [f"genetic-udfs {name}"]
    module = import_module(f"genetic_udfs.commands.cli.{name}")
    command: Callable[..., Any] = getattr(module, name)
    optional = getattr(module, "OPTIONAL_VALUES", None)
    run_job(command, resumable=name in _RESUMABLE, optional_values=optional)
