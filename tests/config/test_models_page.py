"""Every configuration that `docs/models.md` shows is one that can be run."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from genetic_udfs.config import Config

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
BLOCKS = [yaml.safe_load(block) for block in re.findall(r"^```[^\n]*\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)]


def completed(shown: dict[str, Any]) -> dict[str, Any]:
    """Add what every configuration needs: the roles that are not shown are played by the engine that is."""
    [engine] = shown["engines"]
    roles = {role: {"engine": engine} for role in ("instructor", "coder", "judge")}
    return {
        **{"store": "unused", "seeds": "unused", "generations": 1, "samples_per_generation": 1},
        **shown,
        "roles": roles | shown["roles"],
    }


@pytest.mark.parametrize("block", BLOCKS, ids=[next(iter(block["engines"])) for block in BLOCKS])
def test_what_is_shown_is_valid(block: dict[str, Any]) -> None:
    assert Config.model_validate(completed(block)).roles.coder.max_tokens == block["roles"]["coder"]["max_tokens"]


def test_nothing_that_is_shown_is_left_out() -> None:
    assert len(BLOCKS) == PAGE.count("\nengines:\n") == 5
