"""Lists a store's generations and runs: `./spark-submit.sh jobs/history.py CONFIG`."""

from genetic_udfs.commands.ending import run_job
from genetic_udfs.commands.history import history

if __name__ == "__main__":
    run_job(history)
