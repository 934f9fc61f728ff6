"""Runs SQL on a store's tables: `./spark-submit.sh jobs/sql.py CONFIG "SELECT ... FROM population"`."""

from genetic_udfs.commands.cli.sql import sql
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(sql)
