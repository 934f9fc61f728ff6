"""The command line of `jobs/compare.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def compare(
    config: ConfigArgument,
    other: Annotated[str, typer.Argument(help="another YAML file, a store's folder, or catalog:SCHEMA")],
    overrides: SetOption = None,
) -> None:
    """Print the stores of two configurations side by side; Spark settings and --set apply to the first."""
    from genetic_udfs.commands.compare import compare

    compare(config, other, overrides)
