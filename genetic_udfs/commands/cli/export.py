"""The command line of `jobs/export.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.cli.options import ConfigArgument, OutputOption, SetOption
from genetic_udfs.export.formats import ExportFormat, FileType


def export(
    config: ConfigArgument,
    format_: Annotated[
        ExportFormat, typer.Option("--format", help="the columns, as a trainer or a public set has them")
    ],
    output: OutputOption,
    where: Annotated[
        str | None, typer.Option("--where", metavar="SQL", help='such as "fitness > 0.8 AND generation > 1"')
    ] = None,
    generation: Annotated[
        int | None, typer.Option("--generation", min=0, help="pairs up to this generation; the last by default")
    ] = None,
    split: Annotated[
        list[str] | None,
        typer.Option("--split", metavar="NAME=SHARE", help="test=0.02: pairs none of whose ancestors are in train"),
    ] = None,
    shuffle: Annotated[
        int | None,
        typer.Option("--shuffle", metavar="SEED", min=-(2**63), max=2**63 - 1, help="by the pairs' age unless given"),
    ] = None,
    shards: Annotated[
        int | None, typer.Option("--shards", min=1, help="files of train; of 256 MiB of text unless given")
    ] = None,
    file_type: Annotated[FileType, typer.Option("--file-type", help="of the files")] = FileType.PARQUET,
    preference: Annotated[
        bool, typer.Option("--preference", help="chosen and rejected solutions of one instruction instead of pairs")
    ] = False,
    reasoning: Annotated[
        bool, typer.Option("--reasoning", help="with the thoughts before the answers, as trainers read them")
    ] = False,
    overrides: SetOption = None,
) -> None:
    """Write the pairs of a store as a data set: files, a dataset card and a manifest of hashes.

    Pairs that hold an item of HumanEval or of the configuration's test sets are left out.
    """
    from genetic_udfs.commands.export import export
    from genetic_udfs.export.outcome import ExportOptions

    export(
        config,
        ExportOptions(
            format=format_,
            output=output,
            where=where,
            generation=generation,
            split=tuple(split or ()),
            shuffle=shuffle,
            shards=shards,
            file_type=file_type,
            preference=preference,
            reasoning=reasoning,
        ),
        overrides,
    )
