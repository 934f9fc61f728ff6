"""Runs code of any table against its tests: `./spark-submit.sh jobs/verify.py CONFIG --input ...`."""

from genetic_udfs.commands.cli.verify import verify
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(verify)
