"""The errors a user can meet, each with the exit code that a job ends with.

A message says what was wrong, where, and what to do. Foreign exceptions become one of these at the edge where
they arise; whatever else escapes is a defect of this project.
"""


class GeneticUdfsError(Exception):
    """Base of every error that is addressed to the user."""

    exit_code = 1


class ConfigurationError(GeneticUdfsError):
    """The configuration, the seeds, the installed versions or a query are at fault, not the run."""

    exit_code = 2


class BudgetReached(GeneticUdfsError):
    """The replies have taken what `budget` allows; what was asked for is kept, and a larger budget goes on."""

    exit_code = 3


class StoreError(GeneticUdfsError):
    """The tables under `store` are not there, are damaged, or clash with the catalog's."""


class ClusterError(GeneticUdfsError):
    """The cluster cannot run the job: no master, executors that have no Python, lack packages, or are lost at once."""


class EngineError(GeneticUdfsError):
    """An engine cannot serve requests any more: it does not start, is refused by its endpoint, or keeps dying."""


class SandboxError(GeneticUdfsError):
    """Code cannot be run as safely as is asked for, or the sandbox itself fails; never the fault of what is run."""
