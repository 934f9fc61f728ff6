"""The command line of `jobs/history.py`."""

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def history(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Print generations with their versions, counts and costs, and what changed between the runs."""
    from genetic_udfs.commands.history import history

    history(config, overrides)
