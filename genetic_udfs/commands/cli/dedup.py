"""The command line of `jobs/dedup.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.commands.cli.options import ConfigArgument, OutputFormatOption, SetOption, TakeOverOption


def dedup(
    config: ConfigArgument,
    input_: Annotated[str | None, typer.Option("--input", help="a Delta folder, Parquet, or a JSONL file")] = None,
    column: Annotated[str | None, typer.Option("--column", help="the column of texts")] = None,
    id_: Annotated[str | None, typer.Option("--id", help="the id column, unique and not null")] = None,
    output: Annotated[str | None, typer.Option("--output", help="a folder to write to, not there yet")] = None,
    against: Annotated[
        str | None, typer.Option("--against", help="a table with the same two columns, whose rows come first")
    ] = None,
    threshold: Annotated[float | None, typer.Option("--threshold", help="the minimum Jaccard similarity")] = None,
    format_: OutputFormatOption = TableFormat.DELTA,
    rebuild: Annotated[
        bool, typer.Option("--rebuild-index", help="rebuild the index of the store's population")
    ] = False,
    take_over: TakeOverOption = False,
    overrides: SetOption = None,
) -> None:
    """Write a table's rows with duplicate_of, the id of the row that is kept instead, and similarity; null where kept.

    Of near-duplicates the one with the smallest id is kept, by number or by text as the column has it.
    """
    from genetic_udfs.commands.dedup import dedup

    dedup(
        config,
        overrides,
        input_=input_,
        column_=column,
        id_=id_,
        output=output,
        against=against,
        threshold=threshold,
        format_=format_,
        rebuild=rebuild,
        take_over=take_over,
    )
