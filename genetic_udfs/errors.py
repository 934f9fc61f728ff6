"""The errors a user can meet, each with the exit code that a job ends with.

A message says what was wrong, where, and what to do. Foreign exceptions become one of these at the edge where
they arise; whatever else escapes is a defect of this project.
"""


class GeneticUdfsError(Exception):
    """Base of every error that is addressed to the user."""

    exit_code = 1


class ConfigurationError(GeneticUdfsError):
    """The configuration, the seeds or the installed versions are not fit for a run; found before Spark starts."""

    exit_code = 2


class StoreError(GeneticUdfsError):
    """The tables under `store` cannot serve this run: another configuration, another writer, or damage."""


class EngineError(GeneticUdfsError):
    """An engine cannot serve requests any more: it does not start, is refused by its endpoint, or keeps dying."""
