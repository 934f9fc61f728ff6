"""The command line of `jobs/dedup.py`."""

import contextlib
from typing import Annotated, Final

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
    semantic: Annotated[
        str | None,
        typer.Option(
            "--semantic",
            metavar="[COSINE]",
            help="also find texts that say the same in other words, by embeddings as near as this (dedup.semantic)",
        ),
    ] = None,
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
    if rebuild:
        if threshold is not None:
            raise typer.BadParameter("--threshold is not for --rebuild-index, which takes dedup.threshold")
        if semantic is not None:
            raise typer.BadParameter("--semantic is not for --rebuild-index, which is about words")
        from genetic_udfs.commands.dedup import rebuild as rebuild_index

        return rebuild_index(config, overrides, take_over=take_over)
    if take_over:
        raise typer.BadParameter("--take-over is for --rebuild-index; no other search writes to a store")
    if input_ is None or column is None or id_ is None or output is None:
        raise typer.BadParameter("--input, --column, --id and --output must be given")
    from genetic_udfs.commands.dedup import DedupOptions, dedup

    by_meaning, cosine = semantic is not None, _cosine(semantic)
    options = DedupOptions(input_, column, id_, output, against, format_, threshold, by_meaning, cosine)
    dedup(config, options, overrides)


def _cosine(given: str | None) -> float | None:
    """Return the number that follows `--semantic`; None where the configuration's is meant."""
    if given is None or given == _NOT_GIVEN:
        return None
    with contextlib.suppress(ValueError):
        if 0 < (number := float(given)) <= 1:
            return number
    raise typer.BadParameter(f"--semantic {given}: must be a number above 0 and not above 1")


# Stands after `--semantic` where no number does, as Typer knows no option whose value may be left out. No argument that
# a user types can hold it.
_NOT_GIVEN: Final = "\0"
OPTIONAL_VALUES: Final = {"--semantic": _NOT_GIVEN}
