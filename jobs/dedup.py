"""Tells near-duplicates in any table: `./spark-submit.sh jobs/dedup.py CONFIG --input FILE --column TEXT ...`."""

from genetic_udfs.commands.cli.dedup import OPTIONAL_VALUES, dedup
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(dedup, optional_values=OPTIONAL_VALUES)
