"""Checks everything that a run needs before it starts: `./spark-submit.sh jobs/doctor.py CONFIG`."""

from genetic_udfs.commands.cli.doctor import doctor
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(doctor)
