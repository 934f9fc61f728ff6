"""Tells pass@k of an engine on a benchmark: `./spark-submit.sh jobs/evaluate.py CONFIG --benchmark humaneval`."""

from genetic_udfs.commands.cli.evaluate import evaluate
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(evaluate)
