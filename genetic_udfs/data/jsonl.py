"""Reads files of JSON objects, one a line: seeds and test sets. What the objects must hold is their readers' matter."""

import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from genetic_udfs.errors import ConfigurationError

_GZIP: Final = b"\x1f\x8b"


def read_objects(file: Path, key: str) -> Iterator[tuple[str, int, dict[str, Any]]]:
    """Yield the objects of a JSONL file, plain or gzipped; blank lines are left out.

    Args:
        file: On the driver.
        key: The YAML key that names the file, for errors.

    Yields:
        What to call a line in an error, its number (from 1), and its object.

    Raises:
        ConfigurationError: naming the key, the file, and the line that is malformed.
    """
    # Only line feeds part rows: str.splitlines() would also split at U+2028 and form feeds inside a text.
    for number, line in enumerate(_bytes(file, key).split(b"\n"), start=1):
        if line.strip():
            where = f"{key}: {file}: line {number}"
            yield where, number, _object(where, line, "utf-8-sig" if number == 1 else "utf-8")


def identity(value: Any, what: str) -> str:
    """Return an id as text.

    Raises:
        ConfigurationError: if it is neither text nor a whole number, or blank; the message begins with `what`.
    """
    if not isinstance(value, str | int) or isinstance(value, bool) or not str(value).strip():
        raise ConfigurationError(f"{what} must be a text or a whole number that is not blank")
    return well_formed(str(value))


def note_id(lines: dict[str, int], id_: str, number: int, where: str, name: str) -> None:
    """Note the line of an id that must be unique in its file.

    Args:
        lines: The lines of the ids so far, by id.
        id_: The id.
        number: Its line.
        where: What to call the line in an error.
        name: The field that holds the id.

    Raises:
        ConfigurationError: if it stands in an earlier line, naming both.
    """
    if (first := lines.setdefault(id_, number)) != number:
        raise ConfigurationError(f"{where}: the {name} {id_!r} stands already in line {first}")


def well_formed(text: str) -> str:
    """Replace unpaired surrogates, which JSON can spell and neither Arrow, Parquet nor UTF-8 can hold."""
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _bytes(file: Path, key: str) -> bytes:
    try:
        raw = file.read_bytes()
        return gzip.decompress(raw) if raw.startswith(_GZIP) else raw
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ConfigurationError(f"{key}: {file}: is no whole gzip file: {error}") from None
    except OSError as error:
        raise ConfigurationError(f"{key}: {file}: cannot be read: {error.strerror}") from None


def _object(where: str, line: bytes, encoding: str) -> dict[str, Any]:
    try:
        row: Any = json.loads(line.decode(encoding))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{where}: is not UTF-8 text (byte {error.start})") from None
    except (ValueError, RecursionError) as error:
        raise ConfigurationError(f"{where}: is not JSON: {error}; each line is a JSON object") from None
    if not isinstance(row, dict):
        raise ConfigurationError(f"{where}: must be a JSON object, as each line is")
    return row
