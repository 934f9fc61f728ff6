"""Evolves a population of instruction/solution pairs: `./spark-submit.sh jobs/evolve.py CONFIG`."""

from genetic_udfs.commands.cli.evolve import OPTIONAL_VALUES, evolve
from genetic_udfs.commands.job_exit import run_job

if __name__ == "__main__":
    run_job(evolve, resumable=True, optional_values=OPTIONAL_VALUES)
