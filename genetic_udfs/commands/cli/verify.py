"""The command line of `jobs/verify.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.cli.options import (
    ConfigArgument,
    DecidedByOption,
    IdOption,
    InputOption,
    OutputFormatOption,
    OutputOption,
    SetOption,
)
from genetic_udfs.sandbox.tiers import DecidedBy


def verify(
    config: ConfigArgument,
    input_: InputOption,
    id_: IdOption,
    code: Annotated[str, typer.Option("--code", help="the column of Python code")],
    tests: Annotated[str, typer.Option("--tests", help="the column of tests: an array, or a text of statements")],
    output: OutputOption,
    format_: OutputFormatOption = TableFormat.DELTA,
    decided_by: DecidedByOption = DecidedBy.TOGETHER,
    overrides: SetOption = None,
) -> None:
    """Write a table's rows with tests_status, tests_decided_by, tests_passed, pass_rate and sandbox_tier."""
    from genetic_udfs.commands.verify import VerifyOptions, verify

    verify(config, VerifyOptions(input_, id_, code, tests, output, format_, decided_by), overrides)
