"""Turns a configuration into arguments of spark-submit.

`python -m genetic_udfs.commands.launch JOB CONFIG [--set a.b=c ...]`

It runs before any JVM does, so whatever can be found wrong in a configuration is found here, in a second or two.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from genetic_udfs.config import Config
from genetic_udfs.config.file import load_config
from genetic_udfs.errors import GeneticUdfsError
from genetic_udfs.runtime.versions import check_versions

# The doctor reports by itself what is missing. The others read tables, and need neither seeds nor models.
_JOBS_WITH_ENGINES: Final = {"evolve.py", "rejudge.py"}
_JOBS_THAT_CHECK: Final = {"doctor.py"}
# They ask many small questions. Where one machine does all, Spark would take longer to compile code for each of them
# than to go without (a fifth of the CPU time of history.py), and nobody looks at its pages meanwhile.
_JOBS_OF_SECONDS: Final = {"compare.py", "history.py", "lineage.py"}
_FOR_SECONDS: Final = {"spark.ui.enabled": "false", "spark.sql.codegen.factoryMode": "NO_CODEGEN"}


def submit_arguments(config: Config, job: str) -> list[str]:
    """Return `--master` and `--conf` arguments: what suits a job, then the `spark` section in the order given there."""
    master = config.spark.master or ""
    arguments = ["--master", master] if master else []
    suited = _FOR_SECONDS if job in _JOBS_OF_SECONDS and master.startswith("local") else {}
    for key, value in {**suited, **config.spark.properties()}.items():
        arguments += ["--conf", f"{key}={value}"]
    return arguments


def overrides_in(options: Sequence[str]) -> list[str]:
    """Return the values of every `--set` among a job's options; other options are the job's own business."""
    values = []
    for position, option in enumerate(options):
        if option == "--set" and position + 1 < len(options):
            values.append(options[position + 1])
        elif option.startswith("--set="):
            values.append(option.removeprefix("--set="))
    return values


def main(arguments: Sequence[str]) -> int:
    """Print the arguments one a line; return the exit code."""
    if len(arguments) < 2:
        print("usage: python -m genetic_udfs.commands.launch JOB CONFIG [--set key=value ...]", file=sys.stderr)
        return 2
    job, file, *options = arguments
    try:
        config = load_config(file, overrides_in(options))
        if Path(job).name in _JOBS_WITH_ENGINES:
            from genetic_udfs.commands.checks.preflight import (
                preflight,  # it reads models and seeds; other jobs start without
            )

            preflight(config)
        elif Path(job).name not in _JOBS_THAT_CHECK:
            check_versions()
    except GeneticUdfsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(submit_arguments(config, Path(job).name)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
