"""The command line of `jobs/evolve.py`."""

import math
from typing import Annotated, Final

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
    preview: Annotated[
        int | None,
        typer.Option(
            "--preview",
            metavar="[SLOTS]",
            min=1,
            help="show one round, of 8 slots or so many, and a forecast; keep nothing",
        ),
    ] = None,
    explain: Annotated[
        bool, typer.Option("--explain", help="print stages, engines and what is done already; ask no model")
    ] = False,
    tokens_per_second: Annotated[
        float | None,
        typer.Option(
            "--tokens-per-second", min=0.1, help="output tokens/s that a forecast reckons with, too, beside those seen"
        ),
    ] = None,
) -> None:
    """Evolve a population of instruction/solution pairs; running it again goes on where it stopped."""
    if (preview is not None or explain) and (take_over or fork_from is not None or (preview is not None and explain)):
        raise typer.BadParameter("--preview and --explain stand alone: they write to no store")
    if tokens_per_second is not None and not math.isfinite(tokens_per_second):
        raise typer.BadParameter(f"--tokens-per-second {tokens_per_second}: must be a finite number of 0.1 or more")
    if explain:
        from genetic_udfs.commands.explain import explain as explain_run

        return explain_run(config, overrides, tokens_per_second=tokens_per_second)
    if preview is not None:
        from genetic_udfs.commands.preview import preview as preview_run

        return preview_run(config, preview, overrides, tokens_per_second=tokens_per_second)
    if tokens_per_second is not None:
        raise typer.BadParameter("--tokens-per-second is for --preview and --explain")
    from genetic_udfs.commands.evolve import evolve

    evolve(config, overrides, take_over=take_over, fork_from=fork_from)


# What stands for the value of an option that is given without one.
OPTIONAL_VALUES: Final = {"--preview": "8"}
