"""The command line of `jobs/evaluate.py`."""

from pathlib import Path
from typing import Annotated

import typer

from genetic_udfs.commands.choices import Benchmark, TableFormat
from genetic_udfs.commands.cli.options import ConfigArgument, SetOption


def evaluate(
    config: ConfigArgument,
    benchmark: Annotated[Benchmark, typer.Option("--benchmark", help="what the engine is measured by")],
    path: Annotated[Path | None, typer.Option("--path", help="the benchmark's JSONL file, for mbpp")] = None,
    engine: Annotated[str | None, typer.Option("--engine", help="an engine's name; the Coder's unless given")] = None,
    samples: Annotated[int, typer.Option("--samples", min=1, help="solutions to generate per problem")] = 1,
    k: Annotated[list[int] | None, typer.Option("--k", min=1, help="which pass@k; 1 unless given")] = None,
    canonical: Annotated[bool, typer.Option("--canonical", help="run the published solutions; asks no engine")] = False,
    output: Annotated[str | None, typer.Option("--output", help="a folder for the solutions, not there yet")] = None,
    format_: Annotated[TableFormat | None, typer.Option("--format", help="of the output; delta unless given")] = None,
    overrides: SetOption = None,
) -> None:
    """Print pass@k of an engine on a benchmark, by its tests in the sandbox."""
    if canonical and engine is not None:
        raise typer.BadParameter(f"--engine {engine}: --canonical asks no engine; leave one of the two out")
    if format_ is not None and output is None:
        raise typer.BadParameter(f"--format {format_}: is of the output, and there is no --output")
    from genetic_udfs.commands.evaluate import EvaluateOptions, evaluate

    ks = tuple(sorted(set(k or [1])))
    options = EvaluateOptions(engine, samples, ks, output, format_ or TableFormat.DELTA)
    evaluate(config, benchmark, options, overrides, path=path, canonical=canonical)
