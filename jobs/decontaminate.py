"""Tells which rows hold a test item: `./spark-submit.sh jobs/decontaminate.py CONFIG --input ...`."""

from genetic_udfs.commands.cli.decontaminate import decontaminate
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(decontaminate)
