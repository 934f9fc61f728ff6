"""The command line of `jobs/verify.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.cli.options import (
    ConfigArgument,
    IdOption,
    InputOption,
    OutputFormatOption,
    OutputOption,
    SetOption,
)


def verify(
    config: ConfigArgument,
    input_: InputOption,
    id_: IdOption,
    code: Annotated[str, typer.Option("--code", help="the column of Python code")],
    tests: Annotated[str, typer.Option("--tests", help="the column of tests: an array, or a text of statements")],
    output: OutputOption,
    format_: OutputFormatOption = TableFormat.DELTA,
    overrides: SetOption = None,
) -> None:
    """Write a table's rows with tests_status, tests_passed, pass_rate and sandbox_tier; null where code is null."""
    from genetic_udfs.commands.verify import Task, verify

    verify(config, Task(input_, id_, code, tests, output, format_), overrides)
