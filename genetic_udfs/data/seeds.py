"""Reads the seed instructions, from which generation 0 is made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genetic_udfs.data.jsonl import identity, read_objects, well_formed
from genetic_udfs.errors import ConfigurationError


@dataclass(frozen=True)
class Seed:
    """One seed: its id (given, or the line's number) and its instruction, taken as it stands."""

    id: str
    instruction: str


def read_seeds(path: str | Path) -> list[Seed]:
    """Read a JSONL file, plain or gzipped, whose rows have `instruction` (text) and optionally `id`.

    Further keys are not read.

    Raises:
        ConfigurationError: naming the line that is malformed, empty, or repeats an id.
    """
    file = Path(path)
    seeds: list[Seed] = []
    lines_by_id: dict[str, int] = {}
    for where, number, row in read_objects(file, "seeds"):
        seed = _seed(where, number, row)
        if seed.id in lines_by_id:
            raise ConfigurationError(f"{where}: the id {seed.id!r} stands already in line {lines_by_id[seed.id]}")
        lines_by_id[seed.id] = number
        seeds.append(seed)
    if not seeds:
        raise ConfigurationError(f'seeds: {file}: holds no seed; each line is a JSON object with "instruction"')
    return seeds


def _seed(where: str, number: int, row: dict[str, Any]) -> Seed:
    instruction = row.get("instruction")
    if not isinstance(instruction, str) or not instruction.strip():
        raise ConfigurationError(f'{where}: "instruction" must be a text that is not blank; keys given: {sorted(row)}')
    name = identity(row.get("id", f"seed-{number:06d}"), f'{where}: "id"')
    return Seed(id=name, instruction=well_formed(instruction))
