"""What a run of millions of pairs takes, worked out from measured constants: `python -m benchmarks.scale_model`.

Prints the tables of docs/scale.md. Every constant is an option, so that one's own measurements can be put in:
`--pairs 1e6 --candidates-per-pair 3 --model mine:8:12000` (name, GPUs of an engine, its output tokens a second).
"""

import argparse
import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table


@dataclass(frozen=True)
class Constants:
    """What the model rests on; how each was come by stands in docs/scale.md."""

    pairs: float = 7.5e6
    generations: float = 3
    candidates_per_pair: float = 2.0
    slots_per_candidate: float = 0.75
    solved_share: float = 0.85
    instructor_tokens: float = 150
    coder_tokens: float = 400
    judge_tokens: float = 60
    prompt_tokens_per_request: float = 600
    core_seconds_per_candidate: float = 0.0034
    bytes_per_pair: float = 9_000
    shuffle_bytes_per_candidate: float = 12_000
    executor_cores: float = 16
    executors: float = 16
    seconds_between_stages: float = 60
    rounds_per_generation: float = 4
    stages_per_round: float = 3


@dataclass(frozen=True)
class Model:
    """A size of model: its name, the GPUs of one engine, and the output tokens a second of that engine."""

    name: str
    gpus: float
    tokens_per_second: float


MODELS: Final = (
    Model("7B, one GPU", 1, 8_000),
    Model("32B, four GPUs", 4, 6_000),
    Model("8x22B, eight GPUs", 8, 5_000),
)


@dataclass(frozen=True)
class Scale:
    """What a run takes, whatever the model."""

    candidates: float
    requests: dict[str, float]
    output_tokens: float
    prompt_tokens: float
    core_hours: float
    store_bytes: float
    shuffle_bytes: float


def scale(of: Constants) -> Scale:
    """Return what a run takes in requests, tokens, core hours outside of engines, and bytes."""
    candidates = of.pairs * of.candidates_per_pair
    requests = {
        "instructor": candidates * of.slots_per_candidate,
        "coder": candidates * of.solved_share,
        "judge": candidates * of.solved_share,
    }
    tokens = {"instructor": of.instructor_tokens, "coder": of.coder_tokens, "judge": of.judge_tokens}
    return Scale(
        candidates=candidates,
        requests=requests,
        output_tokens=sum(requests[role] * tokens[role] for role in requests),
        prompt_tokens=sum(requests.values()) * of.prompt_tokens_per_request,
        core_hours=candidates * of.core_seconds_per_candidate / 3600,
        store_bytes=of.pairs * of.bytes_per_pair,
        shuffle_bytes=candidates * of.shuffle_bytes_per_candidate,
    )


def hours(of: Constants, model: Model) -> tuple[float, float, float]:
    """Return the hours that a run takes, its GPU hours, and the share of the hours in which GPUs wait.

    GPUs wait while stages on the CPU run, on all cores of all executors, and while the last requests of a stage end.
    """
    found = scale(of)
    answering = found.output_tokens / (model.tokens_per_second * of.executors) / 3600
    computing = found.core_hours / (of.executor_cores * of.executors)
    tails = of.generations * of.rounds_per_generation * of.stages_per_round * of.seconds_between_stages / 3600
    total = answering + computing + tails
    return total, total * model.gpus * of.executors, (computing + tails) / total


def print_tables(of: Constants, models: Sequence[Model]) -> None:
    """Print both tables."""
    found, console = scale(of), Console(width=100, highlight=False)
    what = Table("what", title=f"{of.pairs:,.0f} accepted pairs", title_justify="left")
    what.add_column("", justify="right")
    for name, value in (
        ("candidates", f"{found.candidates:,.0f}"),
        *((f"requests: {role}", f"{number:,.0f}") for role, number in found.requests.items()),
        ("output tokens", f"{found.output_tokens / 1e9:,.1f} billion"),
        ("prompt tokens", f"{found.prompt_tokens / 1e9:,.1f} billion"),
        ("CPU core hours outside of engines", f"{found.core_hours:,.0f}"),
        ("store", f"{found.store_bytes / 1e9:,.0f} GB"),
        ("shuffled", f"{found.shuffle_bytes / 1e9:,.0f} GB"),
    ):
        what.add_row(name, value)
    console.print(what)
    took = Table("model", title=f"on {of.executors:g} executors, an engine each", title_justify="left")
    for column in ("tokens/s of an engine", "hours", "GPU hours", "GPUs wait"):
        took.add_column(column, justify="right")
    for model in models:
        total, gpu_hours, waiting = hours(of, model)
        took.add_row(
            escape(model.name),
            f"{model.tokens_per_second:,.0f}",
            f"{total:,.0f}",
            f"{gpu_hours:,.0f}",
            f"{waiting:.1%}",
        )
    console.print(took)


def _model(text: str) -> Model:
    try:
        name, gpus, tokens = text.rsplit(":", 2)
    except ValueError:
        name = ""
    if not name.strip():
        raise argparse.ArgumentTypeError(f"{text!r} is not of the form NAME:GPUS:TOKENS_PER_SECOND")
    return Model(name, _positive(gpus), _positive(tokens))


def _number(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number from 0 on")
    return number


def _positive(text: str) -> float:
    if (number := _number(text)) == 0:
        raise argparse.ArgumentTypeError("0 is too few")
    return number


def _share(text: str) -> float:
    if (share := _positive(text)) > 1:
        raise argparse.ArgumentTypeError(f"{text!r} is more than all, which is 1")
    return share


# How constants are read of which not every number from 0 on makes sense.
_READ: Final = {
    "solved_share": _share,
    **dict.fromkeys(("pairs", "generations", "executor_cores", "executors", "coder_tokens"), _positive),
}


def main() -> None:
    """Print what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for each in fields(Constants):
        read = _READ.get(each.name, _number)
        parser.add_argument(f"--{each.name.replace('_', '-')}", type=read, default=each.default, help="%(default)s")
    parser.add_argument(
        "--model", type=_model, action="append", help="NAME:GPUS:TOKENS_PER_SECOND; several may be given"
    )
    options = vars(parser.parse_args())
    models = options.pop("model") or MODELS
    print_tables(Constants(**options), models)


if __name__ == "__main__":
    main()
