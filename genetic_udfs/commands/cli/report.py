"""The command line of `jobs/report.py`."""

from pathlib import Path
from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def report(
    config: ConfigArgument,
    output: Annotated[Path, typer.Option("--output", help="the file; an earlier report is replaced")] = Path(
        "report.html"
    ),
    compare: Annotated[
        str | None,
        typer.Option("--compare", metavar="OTHER", help="another YAML file, a store's folder, or catalog:SCHEMA"),
    ] = None,
    overrides: SetOption = None,
) -> None:
    """Write what came of a run as one HTML file: acceptance, reasons, fitness, tokens, duplicates, drawn pairs."""
    from genetic_udfs.commands.report import report

    report(config, output, compare, overrides)
