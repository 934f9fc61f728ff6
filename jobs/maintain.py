"""Keeps a store's tables fast and small: `./spark-submit.sh jobs/maintain.py CONFIG [--vacuum]`."""

from genetic_udfs.commands.cli.maintain import maintain
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(maintain)
