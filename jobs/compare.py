"""Prints two stores side by side: `./spark-submit.sh jobs/compare.py CONFIG OTHER`."""

from genetic_udfs.commands.cli.compare import compare
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(compare)
