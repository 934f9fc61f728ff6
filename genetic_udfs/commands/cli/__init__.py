"""The command lines of the scripts in `jobs/`: arguments, options and their help, a file for each job.

A file here imports what does the work when it is to be done, so that `--help` answers at once and needs no Spark.
"""
