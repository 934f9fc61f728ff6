"""Lists a store's generations and runs: `./spark-submit.sh jobs/history.py CONFIG`."""

from genetic_udfs.commands.cli.history import history
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(history)
