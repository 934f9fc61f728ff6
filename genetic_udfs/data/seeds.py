"""Reads the seed instructions, from which generation 0 is made."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genetic_udfs.data.jsonl import identity, note_id, read_objects, well_formed
from genetic_udfs.errors import ConfigurationError


@dataclass(frozen=True)
class Seed:
    """One seed: its id (given, or the line's number), its instruction, taken as it stands, and its topic if any."""

    id: str
    instruction: str
    topic: str | None = None


def read_seeds(path: str | Path, where: Mapping[str, str] | None = None) -> list[Seed]:
    """Read a JSONL file, plain or gzipped, whose rows have `instruction` (text), and perhaps `id` and `topic`.

    Args:
        path: the file.
        where: which rows are seeds: for a field, the regular expression that the whole of it matches. A row that has
            no such field is none. Further fields are not read.

    Raises:
        ConfigurationError: naming the line that is malformed, empty, or repeats an id; or that nothing is a seed.
    """
    file = Path(path)
    patterns = {name: re.compile(pattern, re.DOTALL) for name, pattern in (where or {}).items()}
    seeds: list[Seed] = []
    fields: set[str] = set()
    lines_by_id: dict[str, int] = {}
    for place, number, row in read_objects(file, "seeds"):
        seed = _seed(place, number, row)
        note_id(lines_by_id, seed.id, number, place, "id")
        fields |= row.keys()
        if all(row.get(name) is not None and pattern.fullmatch(_text(row[name])) for name, pattern in patterns.items()):
            seeds.append(seed)
    if not lines_by_id:
        raise ConfigurationError(f'seeds: {file}: holds no seed; each line is a JSON object with "instruction"')
    if unknown := sorted(patterns.keys() - fields):
        raise ConfigurationError(f"seeds_where: {file} has no {', '.join(unknown)}, but {', '.join(sorted(fields))}")
    if not seeds:
        raise ConfigurationError(f"seeds_where: matches none of the {len(lines_by_id)} rows of {file}")
    return seeds


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _seed(where: str, number: int, row: dict[str, Any]) -> Seed:
    instruction = row.get("instruction")
    if not isinstance(instruction, str) or not instruction.strip():
        raise ConfigurationError(f'{where}: "instruction" must be a text that is not blank; keys given: {sorted(row)}')
    name = identity(row.get("id", f"seed-{number:06d}"), f'{where}: "id"')
    topic = row.get("topic")
    named = well_formed(topic) if isinstance(topic, str) and topic.strip() else None
    return Seed(id=name, instruction=well_formed(instruction), topic=named)
