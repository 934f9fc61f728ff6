"""A preview's forecast of a run beside what the run then took: tokens by role.

`python -m benchmarks.forecast` previews `conf/local.yaml` with so many `--slots`, runs it into a store that goes away,
and prints both; with the bundled model that takes some ten minutes on two cores. `--config` and `--set` take another
configuration. A figure is the larger over the smaller of forecast and run, for the role where they differ most.
"""

import argparse
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.processes import PROJECT
from benchmarks.results import Results, at_most, run_figures
from benchmarks.session import delta_jars
from genetic_udfs.commands.evolve import checked_inputs, evolve_with
from genetic_udfs.commands.preview import roles_seen, run_preview
from genetic_udfs.commands.session import job_session
from genetic_udfs.config.file import load_config
from genetic_udfs.evolution.forecast import RoleEngine, RoleForecast, RoleSeen, forecast
from genetic_udfs.store.tables import Store

FACTOR = 1.5


def tokens(results: Results, options: argparse.Namespace) -> None:
    """Tokens by role, forecast and taken."""
    os.environ["SPARK_DIST_CLASSPATH"] = ":".join(delta_jars())  # as spark-submit.sh does
    with tempfile.TemporaryDirectory() as folder:
        config = load_config(options.config, [*options.set, f"store={folder}/store"])
        inputs = checked_inputs(config, None)
        with job_session(config, "forecast") as spark:
            _, seen = run_preview(spark, config, inputs, options.slots)
            found = forecast(config, seen, config.generations)
            if found is None:
                raise SystemExit(f"none of {seen.candidates} candidates passed; preview more slots")
            evolve_with(spark, config, inputs, take_over=False)
            taken = roles_seen(Store(spark, config.store), config.generations)
    print_both(found.roles, taken)
    print(f"{found.slots} slots forecast, nine times in ten {found.low} to {found.high}")
    asked = {"slots": options.slots, "passed": seen.passed, "forecast": [found.slots, found.low, found.high]}
    for what in ("prompt_tokens", "completion_tokens"):
        pairs = {
            " of ".join(names): (getattr(found.roles[names], what), getattr(took, what))
            for names, took in taken.items()
        }
        factors = {role: max(pair) / max(min(pair), 1) for role, pair in pairs.items()}
        name = f"{options.slots} slots: {what.replace('_', ' ')}, larger over smaller of forecast and run"
        results.add(name, [max(factors.values())], at_most(FACTOR), by_role=pairs, **asked)


def print_both(found: Mapping[RoleEngine, RoleForecast], taken: Mapping[RoleEngine, RoleSeen]) -> None:
    table = Table("role", "engine")
    for what in ("requests", "prompt tokens", "output tokens"):
        table.add_column(f"{what}: forecast", justify="right")
        table.add_column("taken", justify="right")
    for role, took in taken.items():
        one = found[role]
        both = [(one.requests, took.requests), (one.prompt_tokens, took.prompt_tokens)]
        both.append((one.completion_tokens, took.completion_tokens))
        table.add_row(*role, *(f"{count:,}" for pair in both for count in pair))
    Console(width=120).print(table)


if __name__ == "__main__":
    run_figures(
        "forecast",
        __doc__,
        {"tokens": tokens},
        slots={"type": int, "default": 48, "help": "of the preview"},
        config={"type": Path, "default": PROJECT / "conf" / "local.yaml", "help": "what is previewed and run"},
        set={"action": "append", "default": [], "metavar": "KEY=VALUE", "help": "changes a key of the configuration"},
    )
