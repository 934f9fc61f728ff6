"""What a run has sent, read line by line. The code that ran may have sent it: it is data, and never a outcome."""

import json
from collections.abc import Iterator
from typing import Any

from genetic_udfs.sandbox.host import Run
from genetic_udfs.sandbox.values import Malformed, decode


def reports(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the reports of a run up to the first that is none; `value` of each is decoded.

    `changes` says what became of classes on the way, as `values.decode` does.
    A value that cannot be decoded makes the report one of an error of the type `Malformed`.
    """
    *lines, _ = bytes(run.results).split(b"\n")
    for line in lines:
        try:
            report = json.loads(line)
        except (ValueError, RecursionError):
            return
        if not isinstance(report, dict):
            return
        if "value" in report:
            try:
                changes: set[str] = set()
                report["value"] = decode(report["value"], changed=changes.add)
                report["changes"] = changes
            except Malformed as error:
                report = {"at": report.get("at"), "error": "Malformed", "message": str(error)}
        yield report


def was_confined(run: Run) -> bool:
    """Whether the run gave everything up before it ran code; what it says after that cannot take this back."""
    return bytes(run.results).startswith(b'{"confined": true}\n')
