"""Code and tests of every kind: how plain Python decides them, and what is wanted here."""

import json
from pathlib import Path
from typing import Any

import pytest

from genetic_udfs.sandbox.outcomes import examine
from genetic_udfs.sandbox.pool import Sandbox
from genetic_udfs.sandbox.tiers import Tier

CASES = [json.loads(line) for line in (Path(__file__).parent / "cases.jsonl").read_text().splitlines()]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_case_ends_as_is_wanted(strongest: Sandbox, case: dict[str, Any]) -> None:
    """What the sandbox refuses is `unsupported`; where a folder lets files be written, it is as in plain Python."""
    has_folder = strongest.tier.reaches(Tier.LANDLOCK_FOLDER)
    wanted = case.get("with_folder", case["wanted"]) if has_folder else case["wanted"]
    [status] = examine(strongest, case["code"], case["tests"]).tests
    assert status.name.partition(":")[0] == wanted, status
