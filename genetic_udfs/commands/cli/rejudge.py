"""The command line of `jobs/rejudge.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def rejudge(
    config: ConfigArgument,
    generation: Annotated[int, typer.Option("--generation", min=0, help="the generation to judge again")],
    overrides: SetOption = None,
) -> None:
    """Judge a generation's candidates again, such as with --set roles.judge.engine=NAME; nothing of it is changed.

    The verdicts go into the table `verdicts`. How far they agree with the candidates' own is printed.
    """
    from genetic_udfs.commands.rejudge import rejudge

    rejudge(config, generation, overrides)
