"""Turns a configuration into arguments of spark-submit: `python -m genetic_udfs.launch JOB CONFIG [--set a.b=c ...]`.

It runs before any JVM does, so whatever can be found wrong in a configuration is found here, in a second or two.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from genetic_udfs.config import Config
from genetic_udfs.config_file import load_config
from genetic_udfs.errors import GeneticUdfsError
from genetic_udfs.preflight import check_versions, preflight

# The doctor tells by itself what is missing. The others read tables, for which neither seeds nor models need be there.
_JOBS_WITH_ENGINES: Final = {"evolve.py", "rejudge.py"}
_JOBS_THAT_CHECK: Final = {"doctor.py"}


def submit_arguments(config: Config) -> list[str]:
    """Return `--master` and `--conf` arguments for the `spark` section, in the order given there."""
    arguments = ["--master", config.spark.master] if config.spark.master else []
    for key, value in config.spark.properties().items():
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
        print("usage: python -m genetic_udfs.launch JOB CONFIG [--set key=value ...]", file=sys.stderr)
        return 2
    job, file, *options = arguments
    try:
        config = load_config(file, overrides_in(options))
        if Path(job).name in _JOBS_WITH_ENGINES:
            preflight(config)
        elif Path(job).name not in _JOBS_THAT_CHECK:
            check_versions()
    except GeneticUdfsError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    print("\n".join(submit_arguments(config)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
