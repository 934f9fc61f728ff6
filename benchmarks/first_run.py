"""What the pairs of README's first command are worth, by the marks of a person who has read each of them.

`python -m benchmarks.first_run [FIGURE...]` counts the marks. `list --list FOLDER` adds the pairs of a store of
`conf/local.yaml` to the file with the marks, to be read and marked: `problem` (it asks for something that can be done
and checked), `right` (its solution does that for all arguments that were tried by hand, three at least), `different`
(from all others of its run), and for a mutation `changed` (its parent, as its task says). What is not marked does not
count.
"""

import argparse
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

import yaml
from deltalake import DeltaTable

from benchmarks.processes import PROJECT
from benchmarks.results import Figure, Results, Target, at_least, run_figures
from genetic_udfs.config.operators import MUTATION
from genetic_udfs.store.schema import POPULATION, RUNS, SEED

MARKED: Final = PROJECT / "benchmarks" / "results" / "first_run_pairs.jsonl"
MARKS: Final = ("problem", "right", "different", "changed")
_SHOWN: Final = ("id", "generation", "operator", "task", "instruction", "code", "agreement", "fitness")


def pairs_of(store: Path) -> list[dict[str, Any]]:
    """Return the pairs of a store, without marks, in the order in which they were accepted, and their run's seed."""
    rows = DeltaTable(store / POPULATION).to_pyarrow_table().sort_by("ordinal").to_pylist()
    started = DeltaTable(store / RUNS).to_pyarrow_table(columns=["configuration"]).to_pylist()
    seed = yaml.safe_load(started[0]["configuration"])["seed"]
    texts = {row["id"]: row["instruction"] for row in rows}
    return [
        {
            "seed": seed,
            **{name: row[name] for name in _SHOWN},
            "parents": [texts[parent] for parent in row["parents"]],
            **{name: None for name in MARKS if name != "changed" or row["operator"] == MUTATION},
            "why": "",
        }
        for row in rows
        if row["operator"] != SEED
    ]


def add_to(file: Path, pairs: list[dict[str, Any]]) -> int:
    """Append the pairs that the file has not, and return their number."""
    known = {pair["id"] for pair in read(file)}
    new = [pair for pair in pairs if pair["id"] not in known]
    with file.open("a") as out:
        for pair in new:
            print(json.dumps(pair, ensure_ascii=False), file=out)
    return len(new)


def read(file: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []


def by_run(pairs: list[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    runs: dict[int, list[dict[str, Any]]] = {}
    for pair in pairs:
        runs.setdefault(pair["seed"], []).append(pair)
    return runs


def marked(mark: str) -> Callable[[list[dict[str, Any]]], float]:
    """Return what gives the share of a run's pairs that have a mark."""
    return lambda pairs: sum(pair[mark] is True for pair in pairs) / len(pairs)


def changed_share(pairs: list[dict[str, Any]]) -> float:
    """Return the share of mutations that changed their parent as their task says; 0 without a mutation."""
    mutations = [pair for pair in pairs if pair["operator"] == MUTATION]
    return sum(pair["changed"] is True for pair in mutations) / max(len(mutations), 1)


def _figure(name: str, of: Callable[[list[dict[str, Any]]], float], target: Target) -> Figure:
    def measure(results: Results, options: argparse.Namespace) -> None:
        runs = by_run(read(options.marks))
        if not runs:
            raise SystemExit(f"{options.marks}: holds no pairs yet; --list a store first")
        results.add(name, [of(pairs) for pairs in runs.values()], target, pairs=[len(pairs) for pairs in runs.values()])

    return measure


def list_pairs(results: Results, options: argparse.Namespace) -> None:
    """Add the pairs of a store to the file with the marks."""
    if options.list is None:
        raise SystemExit("list: --list names the folder of a store")
    print(f"{add_to(options.marks, pairs_of(options.list))} pairs added to {options.marks}")


FIGURES: Final[Mapping[str, Figure]] = {
    "problems": _figure("share of problems that are a problem", marked("problem"), at_least(20 / 24)),
    "right": _figure("share of solutions that are right", marked("right"), at_least(10 / 24)),
    "different": _figure("share of different problems", marked("different"), at_least(20 / 24)),
    "changed": _figure("share of mutations that changed their parent", changed_share, at_least(0.5)),
    "list": list_pairs,
}

if __name__ == "__main__":
    run_figures(
        "first_run",
        __doc__,
        FIGURES,
        unasked=("list",),
        list={"type": Path, "metavar": "FOLDER", "help": "of a store whose pairs are to be read"},
        marks={"type": Path, "default": MARKED, "help": "the file with the marks"},
    )
