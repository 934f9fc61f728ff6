"""The command line of `jobs/decontaminate.py`."""

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


def decontaminate(
    config: ConfigArgument,
    input_: InputOption,
    columns: Annotated[list[str], typer.Option("--column", help="a column of texts; the first one is the problem")],
    id_: IdOption,
    output: OutputOption,
    format_: OutputFormatOption = TableFormat.DELTA,
    overrides: SetOption = None,
) -> None:
    """Write a table's rows with contaminated_by, contaminated_item and contamination_rule, null where clean.

    The test sets are those of the configuration's section `decontamination`.
    """
    from genetic_udfs.commands.decontaminate import DecontaminateOptions, decontaminate

    decontaminate(config, DecontaminateOptions(input_, columns, id_, output, format_), overrides)
