"""The command line of `jobs/sql.py`."""

from typing import Annotated

import typer

from genetic_udfs.commands.choices import Format
from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def sql(
    config: ConfigArgument,
    query: Annotated[str, typer.Argument(help='such as "SELECT * FROM population VERSION AS OF 1"')],
    format_: Annotated[Format, typer.Option("--format", help="json is one object a line")] = Format.TABLE,
    overrides: SetOption = None,
) -> None:
    """Run a query on the tables of a store: population, candidates, replies, generations, runs, verdicts, embeddings.

    Views: ancestry, descendants, rejections, costs, by_operator, diversity, judge_calibration, rejudge_calibration; and
    ancestors_of(id), descendants_of(id) as tables. docs/sql.md says what is in them.

    The functions instruct(instruction), solve(instruction) and judge(instruction, response) ask the configuration's
    engines, about the rows of any table.
    """
    from genetic_udfs.commands.sql import sql

    sql(config, query, format_, overrides)
