"""Prints where a pair comes from: `./spark-submit.sh jobs/lineage.py CONFIG ID [--descendants]`."""

from genetic_udfs.commands.cli.lineage import lineage
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(lineage)
