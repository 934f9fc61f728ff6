"""Reads the seed instructions, from which generation 0 is made."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from genetic_udfs.errors import ConfigurationError


@dataclass(frozen=True)
class Seed:
    """One seed: its id (given, or the line's number) and its instruction, taken as it stands."""

    id: str
    instruction: str


def read_seeds(path: str | Path) -> list[Seed]:
    """Read a JSONL file whose rows have `instruction` (text) and optionally `id`; further keys are not read.

    Raises:
        ConfigurationError: naming the line that is malformed, empty, or repeats an id.
    """
    file = Path(path)
    try:
        raw = file.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"seeds: {file}: cannot be read: {error.strerror}") from None
    seeds: list[Seed] = []
    lines_by_id: dict[str, int] = {}
    # Only line feeds part rows: str.splitlines() would also split at U+2028 and form feeds inside a text.
    for number, line in enumerate(raw.split(b"\n"), start=1):
        if not line.strip():
            continue
        seed = _parse(f"seeds: {file}: line {number}", number, line)
        if seed.id in lines_by_id:
            raise ConfigurationError(
                f"seeds: {file}: line {number}: the id {seed.id!r} stands already in line {lines_by_id[seed.id]}"
            )
        lines_by_id[seed.id] = number
        seeds.append(seed)
    if not seeds:
        raise ConfigurationError(f'seeds: {file}: holds no seed; each line is a JSON object with "instruction"')
    return seeds


def _parse(where: str, number: int, line: bytes) -> Seed:
    try:
        row: Any = json.loads(line.decode("utf-8-sig" if number == 1 else "utf-8"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where}: is not UTF-8 text (byte {error.start})") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: is not JSON: {error}") from None
    if not isinstance(row, dict):
        raise ConfigurationError(f'{where}: must be a JSON object, such as {{"instruction": "..."}}')
    instruction = row.get("instruction")
    if not isinstance(instruction, str) or not instruction.strip():
        raise ConfigurationError(f'{where}: "instruction" must be a text that is not blank; keys given: {sorted(row)}')
    identity = row.get("id", f"seed-{number:06d}")
    if not isinstance(identity, str | int) or isinstance(identity, bool) or not str(identity).strip():
        raise ConfigurationError(f'{where}: "id" must be a text or a whole number that is not blank')
    return Seed(id=_well_formed(str(identity)), instruction=_well_formed(instruction))


def _well_formed(text: str) -> str:
    """Replace unpaired surrogates, which JSON can spell and neither Parquet nor UTF-8 can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
