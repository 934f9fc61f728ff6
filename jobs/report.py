"""Writes the report of a store as one HTML file: `./spark-submit.sh jobs/report.py CONFIG --output report.html`."""

from genetic_udfs.commands.cli.report import report
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(report)
