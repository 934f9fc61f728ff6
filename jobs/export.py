"""Writes a store's pairs as a data set: `./spark-submit.sh jobs/export.py CONFIG --format messages --output DIR`."""

from genetic_udfs.commands.cli.export import export
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(export)
