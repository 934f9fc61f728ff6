"""The command line of `jobs/doctor.py`."""

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def doctor(config: ConfigArgument, overrides: SetOption = None) -> None:
    """Check everything that a run with this configuration needs; each line is printed as soon as it is known."""
    from genetic_udfs.commands.doctor import doctor

    doctor(config, overrides)
