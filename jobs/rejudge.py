"""Judges a past generation anew: `./spark-submit.sh jobs/rejudge.py CONFIG --generation G`."""

from genetic_udfs.commands.cli.rejudge import rejudge
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(rejudge, resumable=True)
