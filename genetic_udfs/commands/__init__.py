"""What the scripts in `jobs/` do: the command line of each job, and how a job ends."""
