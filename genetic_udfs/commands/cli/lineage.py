"""The command line of `jobs/lineage.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def lineage(
    config: ConfigArgument,
    pair: Annotated[str, typer.Argument(metavar="ID", help="of a pair, a seed, or a rejected candidate")],
    descendants: Annotated[bool, typer.Option("--descendants", help="its descendants instead")] = False,
    levels: Annotated[int | None, typer.Option(min=1, help="how many steps to go; all by default")] = None,
    overrides: SetOption = None,
) -> None:
    """Print the tree of a pair back to its seeds, with operator, task and models."""
    from genetic_udfs.commands.lineage import lineage

    lineage(config, pair, overrides, descendants=descendants, levels=levels)
