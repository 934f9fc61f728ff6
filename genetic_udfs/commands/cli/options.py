"""Arguments and options that several jobs have."""

from pathlib import Path
from typing import Annotated

import typer

from genetic_udfs.commands.choices import TableFormat
from genetic_udfs.sandbox.tiers import DecidedBy

ConfigArgument = Annotated[Path, typer.Argument(help="YAML file, such as conf/local.yaml")]
SetOption = Annotated[list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="overrides a key: seed=7")]
TakeOverOption = Annotated[
    bool, typer.Option("--take-over", help="take the store's lease from the process that has it, which then stops")
]
IdOption = Annotated[str, typer.Option("--id", help="the id column, unique and not null")]
InputOption = Annotated[str, typer.Option("--input", help="a Delta folder, Parquet, or a JSONL file")]
OutputOption = Annotated[str, typer.Option("--output", help="a folder to write to, not there yet")]
OutputFormatOption = Annotated[TableFormat, typer.Option("--format", help="of the output")]
DecidedByOption = Annotated[
    DecidedBy,
    typer.Option("--decided-by", help="`outside`: tests that take a process with the code in it are `unsupported`"),
]
