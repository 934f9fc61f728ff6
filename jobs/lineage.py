"""Prints where a pair comes from: `./spark-submit.sh jobs/lineage.py CONFIG ID [--descendants]`."""

from genetic_udfs.commands.ending import run_job
from genetic_udfs.commands.lineage import lineage

if __name__ == "__main__":
    run_job(lineage)
