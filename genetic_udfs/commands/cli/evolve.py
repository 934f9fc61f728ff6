"""The command line of `jobs/evolve.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption, TakeOverOption


def evolve(
    config: ConfigArgument,
    overrides: SetOption = None,
    take_over: TakeOverOption = False,
    fork_from: Annotated[
        str | None,
        typer.Option(
            "--fork-from", metavar="STORE@GENERATION", help="begin with a copy of another store's generations"
        ),
    ] = None,
) -> None:
    """Evolve a population of instruction/solution pairs; running it again goes on where it stopped."""
    from genetic_udfs.commands.evolve import evolve

    evolve(config, overrides, take_over=take_over, fork_from=fork_from)
