"""The command line of `jobs/maintain.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def maintain(
    config: ConfigArgument,
    remove: Annotated[
        bool, typer.Option("--vacuum", help="remove unreferenced files; without it they are only counted")
    ] = False,
    hours: Annotated[
        int | None, typer.Option(help="how old such a file must be, in hours; 168 unless given, and no less")
    ] = None,
    forget: Annotated[
        bool,
        typer.Option(
            "--forget-generations", help="files too that only the versions of earlier generations need: those end"
        ),
    ] = False,
    overrides: SetOption = None,
) -> None:
    """Write small files together, and remove unreferenced files; runs and readers go on meanwhile."""
    from genetic_udfs.commands.maintain import maintain

    maintain(config, overrides, remove=remove, hours=hours, forget=forget)
